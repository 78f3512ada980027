/**
 * Sets test examples aside where a dataset has none of its own
 */
import { seededRandom, shuffle } from '../seeded-random.ts'
import { indices, rowsByClass } from './partition.ts'

export const DEFAULT_TEST_FRACTION = 0.2

/** All peers that share a file must hold out the same rows, whatever their partitions */
export const HOLD_OUT_SEED = 1

/**
 * Indices of training and test examples, ascending: every class gives `testFraction` of its examples to the test
 *
 * A pure function of its arguments, so peers that share a file agree on the test examples. A class with one example
 * gives it or keeps it, so that the fraction holds over all. Both sides get at least one example when there are two.
 * Throws RangeError unless 0 < testFraction < 1
 */
export function holdOut (labels: Uint16Array, testFraction: number, seed: number): { train: Uint32Array, test: Uint32Array } {
  requireFraction(testFraction)
  const random = seededRandom(`hold-out/${seed}`)
  const train: number[] = []
  const test: number[] = []
  let seen = 0
  for (const rows of rowsByClass(labels, random)) {
    // Rounded over the classes so far, so that the roundings do not add up
    seen += rows.length
    const wanted = Math.min(rows.length, Math.max(0, Math.round(seen * testFraction) - test.length))
    rows.forEach((row, i) => (i < wanted ? test : train).push(row))
  }
  shuffle(train, random)
  balance(train, test)
  return { train: Uint32Array.from(train).sort(), test: Uint32Array.from(test).sort() }
}

/**
 * The same by groups: all rows of one group, those with one key, are on one side, and classes are not looked at
 *
 * Groups go to the test in the order of their keys, as many as come nearest to `testFraction` of the rows, at least one
 * on each side. Undefined when there is one group only. Throws RangeError unless 0 < testFraction < 1
 */
export function holdOutGroups (keys: Float64Array, testFraction: number): { train: Uint32Array, test: Uint32Array } | undefined {
  requireFraction(testFraction)
  const sorted = keys.slice().sort()
  const wanted = sorted.length * testFraction
  let last: number | undefined
  for (let end = 1; end < sorted.length; end++) {
    if (sorted[end - 1] === sorted[end]) {
      continue
    }
    if (last !== undefined && Math.abs(last - wanted) <= Math.abs(end - wanted)) {
      break
    }
    last = end
  }
  if (last === undefined) {
    return undefined
  }
  const limit = sorted[last - 1]!
  const rows = indices(keys.length)
  return { train: rows.filter((row) => keys[row]! > limit), test: rows.filter((row) => keys[row]! <= limit) }
}

function requireFraction (testFraction: number): void {
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(`test fraction must be above 0 and below 1, not ${testFraction}`)
  }
}

/** Neither side may be empty */
function balance (train: number[], test: number[]): void {
  if (test.length === 0 && train.length > 1) {
    test.push(train.pop()!)
  } else if (train.length === 0 && test.length > 1) {
    train.push(test.pop()!)
  }
}
