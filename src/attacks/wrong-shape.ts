/**
 * Attack `wrong-shape`: publishes one parameter less than the model has
 */
import type { Attack } from './attack.ts'

/** Throws RangeError when a strength is given: the shape is wrong or it is not */
export function wrongShape (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack wrong-shape: takes no strength, got ${strength}`)
  }
  return {
    name: 'wrong-shape',
    // one more could exceed what may be published at all, and would never reach a decoder
    corrupt: ({ own }) => own.slice(0, -1)
  }
}
