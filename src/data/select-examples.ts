/**
 * Some of the examples, in a given order, without a copy of them
 */
import type { Examples } from './examples.ts'

/** Example i of the result is example rows[i]. Throws RangeError for a row that does not exist */
export function selectExamples (examples: Examples, rows: ArrayLike<number>): Examples {
  const chosen = Uint32Array.from(rows)
  const missing = chosen.find((row) => row >= examples.count)
  if (missing !== undefined) {
    throw new RangeError(`example ${missing} does not exist: there are ${examples.count}`)
  }
  return {
    count: chosen.length,
    featureCount: examples.featureCount,
    labels: Uint16Array.from(chosen, (row) => examples.labels[row]!),
    ...(examples.targets === undefined ? {} : { targets: Float32Array.from(chosen, (row) => examples.targets![row]!) }),
    // Infinity is no index, so that the examples say what is wrong
    writeInputs: (index, out, offset) => { examples.writeInputs(chosen[index] ?? Infinity, out, offset) }
  }
}
