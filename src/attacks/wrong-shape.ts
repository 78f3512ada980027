/**
 * Attack `wrong-shape`: publishes one parameter more than the model has
 */
import type { Attack } from './attack.ts'

/** Throws RangeError when a strength is given: the shape is wrong or it is not */
export function wrongShape (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack wrong-shape: takes no strength, got ${strength}`)
  }
  return {
    name: 'wrong-shape',
    corrupt: (parameters) => {
      const longer = new Float32Array(parameters.length + 1)
      longer.set(parameters)
      return longer
    }
  }
}
