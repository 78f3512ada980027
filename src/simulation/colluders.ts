/**
 * Byzantine peers of one mind, stronger than any real one: they run no rounds, see every honest update at once, speak
 * last, and may tell each neighbour something else
 */
import type { Codec, PeerName } from '../interface.ts'
import type { SimulatedMesh } from './simulated-mesh.ts'
import type { SimulatedNetwork } from './simulated-network.ts'

/** What all honest peers that are there have published of a round */
export interface HeardRound {
  round: number
  /**
   * The newest model of each honest peer, as its neighbours decode it; d elements, and as many for each further vector
   * that its algorithm mixes. Not to be mutated
   */
  models: ReadonlyMap<PeerName, Float32Array>
}

export interface Lie {
  /** Number of the colluder that sends it, from 0 */
  from: number
  to: PeerName
  payload: Uint8Array
}

export interface Adversary {
  /** How many colluders are in the mesh, beside the peers that run rounds */
  peers: number
  /**
   * Asked once for each round. What it returns is sent; whose neighbour hears nothing waits up to its deadline
   */
  lies: (heard: HeardRound) => Iterable<Lie>
}

export interface ColludersInit {
  honest: readonly SimulatedNetwork[]
  codec: Codec
  /** Of an update */
  elements: number
}

/** Of the colluder with this number, from 0 */
export function colluderName (index: number): PeerName {
  return `liar-${String(index).padStart(6, '0')}`
}

export class Colluders {
  readonly #mesh: SimulatedMesh
  readonly #adversary: Adversary
  readonly #init: ColludersInit
  readonly #networks: readonly SimulatedNetwork[]
  readonly #models = new Map<PeerName, Float32Array>()
  readonly #rounds = new Map<PeerName, number>()
  #told = 0

  /** They are in the mesh from now on, and overhear the honest peers */
  constructor (mesh: SimulatedMesh, adversary: Adversary, init: ColludersInit) {
    this.#mesh = mesh
    this.#adversary = adversary
    this.#init = init
    this.#networks = Array.from({ length: adversary.peers }, (_, index) => mesh.join(colluderName(index)))
    for (const network of init.honest) {
      const { publish } = network
      network.publish = async (update, options) => {
        const receipt = await publish(update, options)
        this.#models.set(network.self, init.codec.decode(update.payload, init.elements))
        this.#rounds.set(network.self, update.round)
        this.#speak()
        return receipt
      }
    }
  }

  /** Once the networks are started: nobody waits longer at the start because of them */
  declareReady (): void {
    this.#networks.forEach((network) => { network.declareReady(true) })
  }

  /** Lies about the newest round that all honest peers have published, once */
  #speak (): void {
    const there = this.#init.honest.filter(({ self }) => this.#mesh.networks.has(self))
    const round = Math.min(...there.map(({ self }) => this.#rounds.get(self) ?? 0))
    if (round <= this.#told) {
      return
    }
    this.#told = round
    for (const { from, to, payload } of this.#adversary.lies({ round, models: this.#models })) {
      const network = this.#networks[from]!
      const degree = this.#mesh.neighboursOf(network.self, round).length
      network.tell(to, { round, sequence: round, codec: this.#init.codec.name, payload, degree })
    }
  }
}
