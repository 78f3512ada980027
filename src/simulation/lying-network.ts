/**
 * A Byzantine peer of a simulation: its rounds are honest, and what leaves it is a lie
 */
import { encodeCorrupted } from '../attacks/attack.ts'
import type { Attack } from '../attacks/attack.ts'
import type { Codec, OutgoingUpdate, PeerName, Random } from '../interface.ts'
import type { SimulatedNetwork } from './simulated-network.ts'

export interface LyingInit {
  attack: Attack
  codec: Codec
  parameterCount: number
  random: Random
}

/** Makes `network` publish lies from now on, the same one to everybody. It knows what its neighbours sent last */
export function makeByzantine (network: SimulatedNetwork, { attack, codec, parameterCount, random }: LyingInit): void {
  const heard = new Map<PeerName, Uint8Array>()
  network.addEventListener('update', ({ detail: { author, payload } }) => { heard.set(author, payload) })
  const decoded = (payload: Uint8Array): Float32Array[] => {
    try {
      return [codec.decode(payload, parameterCount)]
    } catch {
      // another liar's
      return []
    }
  }
  const lieOf = (update: OutgoingUpdate): Uint8Array => {
    const [own] = decoded(update.payload)
    const observed = [...heard].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([, payload]) => decoded(payload))
    return own === undefined ? update.payload : encodeCorrupted(attack, codec, { own, observed, round: update.round, random })
  }
  const { publish } = network
  network.publish = async (update, options) => publish({ ...update, payload: lieOf(update) }, options)
}
