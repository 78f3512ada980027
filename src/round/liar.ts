/**
 * A dishonest node, for simulation: takes part like all others, and publishes what an attack makes of what it knows
 */
import { encodeCorrupted } from '../attacks/attack.ts'
import { seededRandom } from '../seeded-random.ts'
import type { Attack, AttackView } from '../attacks/attack.ts'
import type { Codec } from '../interface.ts'

export class Liar {
  private readonly attack: Attack
  private readonly codec: Codec
  private readonly random = seededRandom('attack')
  private observed: readonly Float32Array[] = []

  constructor (attack: Attack, codec: Codec) {
    this.attack = attack
    this.codec = codec
  }

  /** The neighbours' replicas of the last round */
  observe (replicas: readonly Float32Array[]): void {
    this.observed = replicas
  }

  /** What it publishes in place of its honest model */
  payload (honest: Pick<AttackView, 'own' | 'round'>): Uint8Array {
    return encodeCorrupted(this.attack, this.codec, { ...honest, observed: this.observed, random: this.random })
  }
}
