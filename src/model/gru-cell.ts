/**
 * Gated recurrent units whose reset gate comes after the product, as in Keras and cuDNN: z, r = sigmoid(x W + b + h' R
 * + b'), candidate = tanh(x W + b + r (h' R + b')), h = z h' + (1 - z) candidate, where h' is of the step before (after
 * Cho et al. 2014, arXiv:1406.1078v3)
 */
import { addStep, sigmoid, statesBefore, takeStep } from './recurrent-cell.ts'
import type { Cell, CellSizes, StepProduct } from './recurrent-cell.ts'

export interface GruInit extends CellSizes {
  /** x W + b: examples x steps x 3 units, in the order z, r, h. The gates and the candidate are kept there */
  inputs: Float32Array
  /** h' R + b' */
  forward: StepProduct
  /** dz R^T */
  backward: StepProduct
}

/** What the backward pass needs of each step: examples x steps x units */
interface Memory {
  states: Float32Array
  /** What the reset gate works on */
  inner: Float32Array
}

export function gruCell (init: GruInit): Cell {
  const { count, steps, units, inputs } = init
  const memory: Memory = { states: new Float32Array(count * steps * units), inner: new Float32Array(count * steps * units) }
  return {
    forward: () => {
      const state = new Float32Array(count * units)
      for (let step = 0; step < steps; step++) {
        stepForward(init, memory, step, { state, recurrent: init.forward(state) })
      }
      return memory.states
    },
    backward: (dStates) => {
      const [deltas, recurrentDeltas] = [new Float32Array(inputs.length), new Float32Array(inputs.length)]
      const before = statesBefore(memory.states, init)
      const carry = new Float32Array(count * units)
      const delta = new Float32Array(count * 3 * units)
      for (let step = steps - 1; step >= 0; step--) {
        addStep(dStates, step, init, carry)
        stepBackward(init, { inner: memory.inner, before, deltas, recurrentDeltas }, step, carry)
        const direct = carry.slice()
        carry.set(init.backward(takeStep(recurrentDeltas, step, init, delta)))
        direct.forEach((value, i) => { carry[i] = carry[i]! + value })
      }
      return { deltas, recurrent: { x: before, dz: recurrentDeltas } }
    }
  }
}

/** Gates of one step, and the new state in the place of the old; `recurrent` is h' R + b' */
function stepForward ({ inputs: gates, count, steps, units }: GruInit, { states, inner }: Memory, step: number, { state, recurrent }: { state: Float32Array, recurrent: Float32Array }): void {
  for (let example = 0; example < count; example++) {
    const row = example * steps + step
    for (let unit = 0; unit < units; unit++) {
      const [at, gate, from, own] = [row * units + unit, row * 3 * units + unit, example * 3 * units + unit, example * units + unit]
      const z = sigmoid(gates[gate]! + recurrent[from]!)
      const r = sigmoid(gates[gate + units]! + recurrent[from + units]!)
      inner[at] = recurrent[from + 2 * units]!
      const candidate = Math.tanh(gates[gate + 2 * units]! + r * inner[at])
      gates[gate] = z
      gates[gate + units] = r
      gates[gate + 2 * units] = candidate
      states[at] = z * state[own]! + (1 - z) * candidate
      state[own] = states[at]!
    }
  }
}

interface Backward {
  inner: Float32Array
  /** h' of each step */
  before: Float32Array
  /** d(loss)/d(x W + b) */
  deltas: Float32Array
  /** d(loss)/d(h' R + b') */
  recurrentDeltas: Float32Array
}

/** `carry` is d(loss)/d(state of the step), and becomes what of it goes to the state before without a product */
function stepBackward ({ inputs: gates, count, steps, units }: GruInit, { inner, before, deltas, recurrentDeltas }: Backward, step: number, carry: Float32Array): void {
  for (let example = 0; example < count; example++) {
    const row = example * steps + step
    for (let unit = 0; unit < units; unit++) {
      const [at, gate, own] = [row * units + unit, row * 3 * units + unit, example * units + unit]
      const [z, r, candidate] = [gates[gate]!, gates[gate + units]!, gates[gate + 2 * units]!]
      const dState = carry[own]!
      const dCandidate = dState * (1 - z) * (1 - candidate * candidate)
      deltas[gate] = dState * (before[at]! - candidate) * z * (1 - z)
      deltas[gate + units] = dCandidate * inner[at]! * r * (1 - r)
      deltas[gate + 2 * units] = dCandidate
      recurrentDeltas[gate] = deltas[gate]!
      recurrentDeltas[gate + units] = deltas[gate + units]!
      recurrentDeltas[gate + 2 * units] = dCandidate * r
      carry[own] = dState * z
    }
  }
}
