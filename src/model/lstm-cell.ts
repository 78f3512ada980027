/**
 * Long short-term memory: i, f, o = sigmoid(z_i, z_f, z_o), c = f c' + i tanh(z_c), h = o tanh(c), where c' and h' are
 * of the step before and z = x W + h' R + b (Hochreiter and Schmidhuber 1997; forget gates of Gers et al. 2000)
 */
import { addStep, putStep, sigmoid, statesBefore, takeStep } from './recurrent-cell.ts'
import type { Cell, CellSizes, StepProduct } from './recurrent-cell.ts'

export interface LstmInit extends CellSizes {
  /** x W + b: examples x steps x 4 units, in the order i, f, c, o. The gates are kept there */
  inputs: Float32Array
  /** h' R */
  forward: StepProduct
  /** dz R^T */
  backward: StepProduct
}

export function lstmCell (init: LstmInit): Cell {
  const kept = new Float32Array(init.count * init.steps * init.units)
  const memory = { states: kept, cells: kept.slice(), squashed: kept.slice() }
  return {
    forward: () => {
      const state = new Float32Array(init.count * init.units)
      for (let step = 0; step < init.steps; step++) {
        stepForward(init, memory, step, init.forward(state))
        takeStep(memory.states, step, init, state)
      }
      return memory.states
    },
    backward: (dStates) => {
      const deltas = new Float32Array(init.inputs.length)
      const delta = new Float32Array(init.count * 4 * init.units)
      const carry = { dState: new Float32Array(init.count * init.units), dCell: new Float32Array(init.count * init.units) }
      for (let step = init.steps - 1; step >= 0; step--) {
        addStep(dStates, step, init, carry.dState)
        stepBackward(init, { ...memory, ...carry, delta }, step)
        putStep(deltas, step, init, delta)
        carry.dState.set(init.backward(delta))
      }
      return { deltas, recurrent: { x: statesBefore(memory.states, init), dz: deltas } }
    }
  }
}

interface Memory {
  states: Float32Array
  cells: Float32Array
  /** tanh of the cells */
  squashed: Float32Array
}

/** Gates and states of one step; `recurrent` is h' R */
function stepForward ({ inputs: gates, count, steps, units }: LstmInit, { states, cells, squashed }: Memory, step: number, recurrent: Float32Array): void {
  for (let example = 0; example < count; example++) {
    const row = example * steps + step
    for (let unit = 0; unit < units; unit++) {
      const [at, gate, from] = [row * units + unit, row * 4 * units + unit, example * 4 * units + unit]
      const i = sigmoid(gates[gate]! + recurrent[from]!)
      const f = sigmoid(gates[gate + units]! + recurrent[from + units]!)
      const candidate = Math.tanh(gates[gate + 2 * units]! + recurrent[from + 2 * units]!)
      const o = sigmoid(gates[gate + 3 * units]! + recurrent[from + 3 * units]!)
      gates[gate] = i
      gates[gate + units] = f
      gates[gate + 2 * units] = candidate
      gates[gate + 3 * units] = o
      cells[at] = f * (step === 0 ? 0 : cells[at - units]!) + i * candidate
      squashed[at] = Math.tanh(cells[at])
      states[at] = o * squashed[at]
    }
  }
}

interface Backward extends Memory {
  /** d(loss)/d(state of the step) */
  dState: Float32Array
  /** d(loss)/d(cell of the step) from later steps; then of the step before */
  dCell: Float32Array
  /** d(loss)/dz of the step: is written */
  delta: Float32Array
}

function stepBackward ({ inputs: gates, count, steps, units }: LstmInit, { cells, squashed, dState, dCell, delta }: Backward, step: number): void {
  for (let example = 0; example < count; example++) {
    const row = example * steps + step
    for (let unit = 0; unit < units; unit++) {
      const [at, gate, to, own] = [row * units + unit, row * 4 * units + unit, example * 4 * units + unit, example * units + unit]
      const [i, f, candidate, o] = [gates[gate]!, gates[gate + units]!, gates[gate + 2 * units]!, gates[gate + 3 * units]!]
      const outer = dState[own]!
      const inner = dCell[own]! + outer * o * (1 - squashed[at]! * squashed[at]!)
      delta[to] = inner * candidate * i * (1 - i)
      delta[to + units] = step === 0 ? 0 : inner * cells[at - units]! * f * (1 - f)
      delta[to + 2 * units] = inner * i * (1 - candidate * candidate)
      delta[to + 3 * units] = outer * squashed[at]! * o * (1 - o)
      dCell[own] = inner * f
    }
  }
}
