/**
 * Attack `equivocation`: signs two updates of one round, the mirrored model and the honest one
 *
 * Whoever sees both headers holds a proof that anybody can check.
 */
import type { Attack } from './attack.ts'

export function equivocation (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack equivocation: takes no strength, got ${strength}`)
  }
  return { name: 'equivocation', corrupt: ({ own }) => own.map((value) => -value), equivocates: true }
}
