/**
 * A Byzantine peer: its rounds are honest, and what leaves it is a lie
 *
 * For simulations and testnets. Nothing of it is in the rounds or in the path that signs: it sits around the network.
 */
import { encodeCorrupted } from '../attacks/attack.ts'
import type { Attack } from '../attacks/attack.ts'
import type { Codec, Network, OutgoingUpdate, PeerName, Random } from '../interface.ts'

export interface LyingInit {
  attack: Attack
  codec: Codec
  /** Of an update: those of a model, for each vector that the algorithm mixes. The lie is about all of them */
  elements: number
  random: Random
}

/**
 * Makes `network` publish lies from now on, the same one to everybody; one that equivocates signs its honest model as
 * well. It knows what its neighbours sent last. `publish` rejects with RangeError where the liar cannot read its own
 * update: it does not tell the truth instead
 */
export function makeByzantine (network: Pick<Network, 'addEventListener' | 'publish'>, { attack, codec, elements, random }: LyingInit): void {
  const heard = new Map<PeerName, Uint8Array>()
  network.addEventListener('update', ({ detail: { author, payload } }) => { heard.set(author, payload) })
  const decoded = (payload: Uint8Array): Float32Array[] => {
    try {
      return [codec.decode(payload, elements)]
    } catch {
      // another liar's
      return []
    }
  }
  const lieOf = ({ payload, round }: OutgoingUpdate): Uint8Array => {
    const [own] = decoded(payload)
    if (own === undefined) {
      throw new RangeError(`no lie about round ${round}: the own update is not one of ${elements} elements in codec ${codec.name}`)
    }
    const observed = [...heard].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([, payload]) => decoded(payload))
    return encodeCorrupted(attack, codec, { own, observed, round, random })
  }
  const publish = network.publish.bind(network)
  network.publish = async ({ kind, replicaHash, ...update }, options) => {
    // a lie stands on nothing
    const receipt = await publish({ ...update, payload: lieOf(update) }, options)
    if (attack.equivocates === true) {
      await publish({ ...update, sequence: update.sequence + 1 }, options)
    }
    return receipt
  }
}
