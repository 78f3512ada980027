/**
 * Liars, for simulation, by name
 *
 * Pure: tests, benchmarks and testnets use them. A new attack is one more file and one more line in the table.
 */
import { closest } from '../closest.ts'
import { denormal } from './denormal.ts'
import { dissensus, fallOfEmpires, littleIsEnough, spectral } from './directions.ts'
import { equivocation } from './equivocation.ts'
import { gaussian } from './gaussian.ts'
import { huge } from './huge.ts'
import { mimic, stale } from './imitation.ts'
import { nan } from './nan.ts'
import { backdoor, labelFlip } from './poisoning.ts'
import { signFlip } from './sign-flip.ts'
import { sybil } from './sybil.ts'
import { minMax, minSum } from './within-spread.ts'
import { wrongShape } from './wrong-shape.ts'
import type { Attack } from './attack.ts'

/** Makes an attack of a strength, or of its usual one. Throws RangeError when the strength is out of range */
type CreateAttack = (strength?: number) => Attack

const ATTACKS: Record<string, CreateAttack> = {
  'sign-flip': signFlip,
  foe: fallOfEmpires,
  alie: littleIsEnough,
  mimic,
  dissensus,
  spectral,
  'min-max': minMax,
  'min-sum': minSum,
  gaussian,
  stale,
  equivocation,
  sybil,
  'label-flip': labelFlip,
  backdoor,
  nan,
  huge,
  denormal,
  'wrong-shape': wrongShape
}

/** Names that `createAttack` accepts */
export const ATTACK_NAMES = Object.keys(ATTACKS)

/**
 * The attack that a specification names: `name` or `name:strength`, such as `sign-flip` or `gaussian:200`
 *
 * Throws RangeError for an unknown name and for a strength that is no number or out of the attack's range
 */
export function createAttack (spec: string): Attack {
  const colon = spec.indexOf(':')
  const name = colon === -1 ? spec : spec.slice(0, colon)
  const create = Object.hasOwn(ATTACKS, name) ? ATTACKS[name] : undefined
  if (create === undefined) {
    const suggestion = closest(name, ATTACK_NAMES)
    throw new RangeError(`unknown attack "${name}"${suggestion === undefined ? `; known are ${ATTACK_NAMES.join(', ')}` : ` (did you mean "${suggestion}"?)`}`)
  }
  if (colon === -1) {
    return create()
  }
  const text = spec.slice(colon + 1).trim()
  const strength = text === '' ? NaN : Number(text)
  if (!Number.isFinite(strength)) {
    throw new RangeError(`attack "${spec}": the strength "${text}" is not a number`)
  }
  return create(strength)
}
