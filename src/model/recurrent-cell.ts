/**
 * What LSTM and GRU have in common: step after step of a batch, and back
 *
 * Arrays hold [examples, steps, columns], row-major: row `example * steps + step`. Those of one step are [examples,
 * columns].
 */

/** From the rows of one step to those of one step; what it returns is overwritten by the next call */
export type StepProduct = (rows: Float32Array) => Float32Array

export interface CellSizes {
  /** Examples */
  count: number
  steps: number
  units: number
}

/** Both sides of a kernel's gradient */
export interface HostFactors {
  x: Float32Array
  dz: Float32Array
}

export interface Cell {
  /** All steps, first to last. Returns the states: examples x steps x units */
  forward: () => Float32Array
  /**
   * All steps, last to first. `dStates` is d(loss)/d(states), beside what comes from later steps. Returns the factors
   * of the recurrent kernel, and d(loss)/d(what came in, times the kernel, plus the bias)
   */
  backward: (dStates: Float32Array) => { deltas: Float32Array, recurrent: HostFactors }
}

export function sigmoid (x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** The states before each step: zeros, then those after each but the last */
export function statesBefore (states: Float32Array, { count, steps, units }: CellSizes): Float32Array {
  const before = new Float32Array(states.length)
  for (let example = 0; example < count; example++) {
    const start = example * steps * units
    before.set(states.subarray(start, start + (steps - 1) * units), start + units)
  }
  return before
}

/** Moves the rows of one step out of an array of all steps */
export function takeStep (all: Float32Array, step: number, { count, steps }: CellSizes, out: Float32Array): Float32Array {
  const width = out.length / count
  for (let example = 0; example < count; example++) {
    const start = (example * steps + step) * width
    out.set(all.subarray(start, start + width), example * width)
  }
  return out
}

/** Moves the rows of one step into an array of all steps */
export function putStep (all: Float32Array, step: number, { count, steps }: CellSizes, rows: Float32Array): void {
  const width = rows.length / count
  for (let example = 0; example < count; example++) {
    all.set(rows.subarray(example * width, (example + 1) * width), (example * steps + step) * width)
  }
}

/** target += rows of one step */
export function addStep (all: Float32Array, step: number, { count, steps }: CellSizes, target: Float32Array): void {
  const width = target.length / count
  for (let example = 0; example < count; example++) {
    const start = (example * steps + step) * width
    for (let i = 0; i < width; i++) {
      target[example * width + i] = target[example * width + i]! + all[start + i]!
    }
  }
}
