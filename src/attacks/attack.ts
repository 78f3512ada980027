/**
 * What a dishonest peer publishes instead of its model
 */
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
   * What to publish in place of the honest model. Nothing of the view is mutated. May hold values, or have a length,
   * that an honest peer never publishes
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

/**
 * The payload that the liar publishes: the codec encodes what it can, and the lie that it refuses goes into its bytes
 */
export function encodeCorrupted (attack: Attack, codec: Codec, view: AttackView): Uint8Array {
  return attack.corruptPayload === undefined
    ? codec.encode(attack.corrupt(view))
    : attack.corruptPayload(codec.encode(view.own))
}
