/**
 * Names of the laboratory's attacks: `alie*` chooses its strength against each target, `alie:10` has a fixed one
 *
 * Adaptive: see adaptive.ts. A fixed strength means what it means in src/attacks.
 */
import { closest } from '../../src/closest.ts'
import { quoted } from '../../src/quoted.ts'

/** A point and a direction: how far is searched for, or said */
const WITH_STRENGTH = ['alie', 'dissensus', 'spectral', 'foe', 'gaussian'] as const

/** One lie, which has no strength or (min-max, min-sum) goes as far as its definition lets it */
const WITHOUT_STRENGTH = ['none', 'label-flip', 'sign-flip', 'min-max', 'min-sum', 'mimic', 'backdoor', 'backdoor-boosted'] as const

export type AttackWithStrength = typeof WITH_STRENGTH[number]
export type AttackWithoutStrength = typeof WITHOUT_STRENGTH[number]

export type LaboratoryAttack =
  | { kind: 'adaptive', name: AttackWithStrength }
  | { kind: 'fixed', name: AttackWithStrength, strength: number }
  | { kind: 'plain', name: AttackWithoutStrength }

/** Columns of grid A */
export const GRID_ATTACKS: readonly string[] = ['none', 'alie*', 'dissensus*', 'spectral*', 'foe*', 'label-flip', 'sign-flip']

/** As `parseAttack` takes them; every starred one also with a strength, such as `alie:10` */
export const LABORATORY_ATTACKS: readonly string[] = [...WITH_STRENGTH.map((name) => `${name}*`), ...WITHOUT_STRENGTH]

function isOneOf<T extends string> (names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name)
}

/** Throws RangeError for an unknown name, a strength that is not above 0, and one that is missing or has no meaning */
export function parseAttack (text: string): LaboratoryAttack {
  if (isOneOf(WITHOUT_STRENGTH, text)) {
    return { kind: 'plain', name: text }
  }
  const [, name = '', star, digits] = /^(.*?)(?:(\*)|:(.*))?$/s.exec(text) ?? []
  if (!isOneOf(WITH_STRENGTH, name)) {
    const suggestion = closest(text, LABORATORY_ATTACKS)
    throw new RangeError(`unknown attack ${quoted(text)}${suggestion === undefined ? `; known are ${LABORATORY_ATTACKS.join(', ')}` : ` (did you mean "${suggestion}"?)`}`)
  }
  if (star !== undefined) {
    return { kind: 'adaptive', name }
  }
  const strength = digits === undefined || digits.trim() === '' ? NaN : Number(digits)
  if (!(strength > 0 && Number.isFinite(strength))) {
    throw new RangeError(`attack ${quoted(text)} needs a strength above 0, such as "${name}:1.5", or "${name}*" to search for it`)
  }
  return { kind: 'fixed', name, strength }
}
