/**
 * Attack `denormal`: every parameter so small that arithmetic on it takes the processor's slow path
 */
import type { Attack } from './attack.ts'

const SUBNORMAL = 1e-40

export function denormal (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack denormal: takes no strength, got ${strength}`)
  }
  return { name: 'denormal', corrupt: ({ own }) => own.map((parameter) => parameter < 0 ? -SUBNORMAL : SUBNORMAL) }
}
