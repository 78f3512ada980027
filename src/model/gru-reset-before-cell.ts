/**
 * Gated recurrent units whose reset gate comes before the product, as in TensorFlow.js: z, r = sigmoid(x W + b + h' R),
 * candidate = tanh(x W + b + (r h') R), h = z h' + (1 - z) candidate, where h' is of the step before (Cho et al. 2014,
 * arXiv:1406.1078v1)
 */
import { addStep, sigmoid, statesBefore } from './recurrent-cell.ts'
import type { Cell, CellSizes, HostFactors, StepProduct } from './recurrent-cell.ts'

export interface ResetBeforeGruInit extends CellSizes {
  /** x W + b: examples x steps x 3 units, in the order z, r, h. The gates and the candidate are kept there */
  inputs: Float32Array
  /** h' times the columns of R that z and r have, and back */
  gates: { forward: StepProduct, backward: StepProduct }
  /** r h' times the columns of R that the candidate has, and back */
  candidate: { forward: StepProduct, backward: StepProduct }
}

export function resetBeforeGruCell (init: ResetBeforeGruInit): Cell {
  const { count, steps, units, inputs } = init
  const states = new Float32Array(count * steps * units)
  return {
    forward: () => {
      const state = new Float32Array(count * units)
      const passed = new Float32Array(count * units)
      for (let step = 0; step < steps; step++) {
        openGates(init, step, { state, recurrent: init.gates.forward(state), passed })
        nextState(init, step, { state, recurrent: init.candidate.forward(passed), states })
      }
      return states
    },
    backward: (dStates) => {
      const before = statesBefore(states, init)
      const deltas = new Float32Array(inputs.length)
      const carry = new Float32Array(count * units)
      const rows = { gates: new Float32Array(count * 2 * units), candidate: new Float32Array(count * units) }
      for (let step = steps - 1; step >= 0; step--) {
        addStep(dStates, step, init, carry)
        closeCandidate(init, step, { before, deltas, carry, delta: rows.candidate })
        closeReset(init, step, { before, deltas, carry, dPassed: init.candidate.backward(rows.candidate), delta: rows.gates })
        const dBefore = init.gates.backward(rows.gates)
        dBefore.forEach((value, i) => { carry[i] = carry[i]! + value })
      }
      return { deltas, recurrent: recurrentFactors(init, before, deltas) }
    }
  }
}

interface Indices { at: number, gate: number, own: number }

function forUnits ({ count, steps, units }: CellSizes, step: number, work: (indices: Indices) => void): void {
  for (let example = 0; example < count; example++) {
    const row = example * steps + step
    for (let unit = 0; unit < units; unit++) {
      work({ at: row * units + unit, gate: row * 3 * units + unit, own: example * units + unit })
    }
  }
}

/** z and r of one step; `recurrent` is [examples, 2 units]. Writes r h' to `passed` */
function openGates (init: ResetBeforeGruInit, step: number, { state, recurrent, passed }: { state: Float32Array, recurrent: Float32Array, passed: Float32Array }): void {
  const { inputs, units } = init
  forUnits(init, step, ({ gate, own }) => {
    const from = 2 * own - own % units
    inputs[gate] = sigmoid(inputs[gate]! + recurrent[from]!)
    inputs[gate + units] = sigmoid(inputs[gate + units]! + recurrent[from + units]!)
    passed[own] = inputs[gate + units]! * state[own]!
  })
}

/** The new state in the place of the old; `recurrent` is [examples, units] */
function nextState (init: ResetBeforeGruInit, step: number, { state, recurrent, states }: { state: Float32Array, recurrent: Float32Array, states: Float32Array }): void {
  const { inputs, units } = init
  forUnits(init, step, ({ at, gate, own }) => {
    const candidate = Math.tanh(inputs[gate + 2 * units]! + recurrent[own]!)
    inputs[gate + 2 * units] = candidate
    states[at] = inputs[gate]! * state[own]! + (1 - inputs[gate]!) * candidate
    state[own] = states[at]!
  })
}

interface Backward {
  /** h' of each step */
  before: Float32Array
  /** d(loss)/d(x W + b) */
  deltas: Float32Array
  /** d(loss)/d(state of the step), then what of it goes to the state before */
  carry: Float32Array
  /** Deltas of the step that go through R next */
  delta: Float32Array
}

/** Deltas of z and of the candidate */
function closeCandidate (init: ResetBeforeGruInit, step: number, { before, deltas, carry, delta }: Backward): void {
  const { inputs, units } = init
  forUnits(init, step, ({ at, gate, own }) => {
    const [z, candidate] = [inputs[gate]!, inputs[gate + 2 * units]!]
    deltas[gate] = carry[own]! * (before[at]! - candidate) * z * (1 - z)
    deltas[gate + 2 * units] = carry[own]! * (1 - z) * (1 - candidate * candidate)
    delta[own] = deltas[gate + 2 * units]!
    carry[own] = carry[own]! * z
  })
}

/** Deltas of r, from d(loss)/d(r h') */
function closeReset (init: ResetBeforeGruInit, step: number, { before, deltas, carry, dPassed, delta }: Backward & { dPassed: Float32Array }): void {
  const { inputs, units } = init
  forUnits(init, step, ({ at, gate, own }) => {
    const r = inputs[gate + units]!
    const to = 2 * own - own % units
    deltas[gate + units] = dPassed[own]! * before[at]! * r * (1 - r)
    delta[to] = deltas[gate]!
    delta[to + units] = deltas[gate + units]!
    carry[own] = carry[own]! + dPassed[own]! * r
  })
}

/** Two rows for each step: h' with the deltas of z and r, and r h' with that of the candidate */
function recurrentFactors (init: ResetBeforeGruInit, before: Float32Array, deltas: Float32Array): HostFactors {
  const { count, steps, units, inputs } = init
  const x = new Float32Array(2 * before.length)
  const dz = new Float32Array(2 * deltas.length)
  for (let row = 0; row < count * steps; row++) {
    const from = row * 3 * units
    x.set(before.subarray(row * units, (row + 1) * units), 2 * row * units)
    dz.set(deltas.subarray(from, from + 2 * units), 2 * from)
    for (let unit = 0; unit < units; unit++) {
      x[(2 * row + 1) * units + unit] = inputs[from + units + unit]! * before[row * units + unit]!
    }
    dz.set(deltas.subarray(from + 2 * units, from + 3 * units), 2 * from + 5 * units)
  }
  return { x, dz }
}
