/**
 * The network of a peer that says more in each step than it may
 */
import { GossipNetwork } from '../../src/network/gossip-network.ts'
import { createNeighbourhood } from '../../src/network/members/neighbourhood.ts'
import { signMessage } from '../../src/network/signed/step-header.ts'
import { open, say } from '../network/step-stream.ts'
import type { AbortOptions, NetworkPartInit, OutgoingMessage, PeerName, StepLimits } from '../../src/index.ts'
import type { Host } from '../../src/network/host/host.ts'

export interface Lie {
  message: OutgoingMessage
  /** To whom it is handed, whomever it is for */
  hand: PeerName
}

/** What is said after this message, of which the receiver has a copy by then */
export type Liar = (said: OutgoingMessage, network: LyingNetwork) => Lie[]

export class LyingNetwork extends GossipNetwork {
  readonly answers: number[] = []
  private readonly part: NetworkPartInit
  private readonly liar: Liar
  private host!: Host

  private constructor (part: NetworkPartInit, liar: Liar) {
    const { membership: { id, bytes, document } } = part
    super({ ...part, privateKey: part.identity, federationId: id, federationBytes: bytes, document, listen: part.listen ?? [], announce: [], bootstrap: part.bootstrap ?? [] })
    this.part = part
    this.liar = liar
  }

  static async create (part: NetworkPartInit, liar: Liar): Promise<LyingNetwork> {
    const network = new LyingNetwork(part, liar)
    const { identity, membership, bootstrap = [], store, clock } = part
    await network.build((host) => {
      network.host = host
      return createNeighbourhood({ host, privateKey: identity, store, clock }, { federationId: membership.id, degree: membership.document.topology.degree, bootstrap })
    })
    return network
  }

  override async send (message: OutgoingMessage, options?: AbortOptions): Promise<PeerName[]> {
    const delivered = await super.send(message, options)
    const { identity, membership, steps } = this.part
    for (const lie of this.liar(message, this)) {
      const signed = await signMessage(identity, lie.message, { federation: membership.id, epoch: 0, limits: steps as StepLimits })
      const stream = await open(this.host, lie.hand)
      // who has had enough hangs up
      this.answers.push(await say(stream, signed, lie.message.payload).catch(() => 0))
    }
    return delivered
  }
}
