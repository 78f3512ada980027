/**
 * Liars, for simulation: what a dishonest peer publishes instead of its model
 *
 * Pure: tests, benchmarks and testnets use them. A new attack is one more file and one more line in the table.
 */
import { closest } from '../closest.ts'
import { denormal } from './denormal.ts'
import { dissensus, fallOfEmpires, littleIsEnough, spectral } from './directions.ts'
import { gaussian } from './gaussian.ts'
import { equivocation } from './equivocation.ts'
import { huge } from './huge.ts'
import { mimic, stale } from './imitation.ts'
import { nan } from './nan.ts'
import { backdoor, labelFlip } from './poisoning.ts'
import { signFlip } from './sign-flip.ts'
import { sybil } from './sybil.ts'
import { minMax, minSum } from './within-spread.ts'
import { wrongShape } from './wrong-shape.ts'
import type { Poison } from '../data/poison.ts'
import type { Codec, Random } from '../interface.ts'

/** What a liar knows when it writes its lie */
export interface AttackView {
  /** Its own model after honest training */
  own: Float32Array
  /** Honest models that it knows: the newest replicas of its neighbours. May be empty */
  observed: readonly Float32Array[]
  /** From 1 */
  round: number
  random: Random
}

export interface Attack {
  /** As in the specification, without the strength */
  readonly name: string
  /**
   * What to publish in place of the honest model. Nothing of the view is mutated. May hold values, or have a length, that
   * an honest peer never publishes
   */
  corrupt: (view: AttackView) => Float32Array
  /**
   * There when no honest codec encodes what `corrupt` makes: tells the same lie in the encoding of the honest
   * parameters, whichever codec made it. Returns new bytes
   */
  corruptPayload?: (payload: Uint8Array) => Uint8Array
  /** It signs its honest model as well, as a second update of the same round */
  equivocates?: true
  /** What it does to its own training data; `corrupt` then leaves alone what it learned */
  poison?: Poison
}

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

/** The payload that the liar publishes: the codec encodes what it can, and the lie that it refuses goes into its bytes */
export function encodeCorrupted (attack: Attack, codec: Codec, view: AttackView): Uint8Array {
  return attack.corruptPayload === undefined
    ? codec.encode(attack.corrupt(view))
    : attack.corruptPayload(codec.encode(view.own))
}
