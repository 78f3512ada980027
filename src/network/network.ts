/**
 * The network of one node, as the composition root makes it
 */
import '../promise-with-resolvers.ts'
import { minimumNeighbours, ruleChain } from '../aggregators/rules.ts'
import { GossipNetwork } from './gossip-network.ts'
import { createNeighbourhood } from './neighbourhood.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { FederationDocument } from '../federation.ts'
import type { Clock, Network, Store } from '../interface.ts'
import type { EquivocationProof } from './equivocation.ts'
import type { NeighbourhoodFactory } from './gossip-network.ts'
import type { PortMemory } from './listening.ts'

export interface NetworkInit {
  privateKey: PrivateKey
  /** CID of the document */
  federationId: string
  /** Canonical encoding of the document, for joiners who ask */
  federationBytes: Uint8Array
  document: Pick<FederationDocument, 'topology' | 'aggregation'>
  /** Larger updates are refused unread, own ones too */
  maxPayloadBytes: number
  /** Multiaddrs */
  listen: readonly string[]
  /** Where the port that is drawn for port 0 is kept; without it each start draws another */
  ports?: PortMemory | undefined
  /** Multiaddrs to announce instead of the listening ones; empty: announce those */
  announce: readonly string[]
  /** Full multiaddrs of peers to join through */
  bootstrap: readonly string[]
  store: Pick<Store, 'peers' | 'putPeer' | 'deletePeer' | 'putRecordSequence' | 'getRecordSequence' | 'bans' | 'putBan' | 'putPublished' | 'getPublished'>
  /** The newest own update can be had after a restart, too: where a peer may have to stop publishing. @default false */
  keepPublished?: boolean
  clock: Clock
}

export type LibP2PNetwork = Network & {
  /** Transferable proofs that an author signed two updates for one round, the newest first */
  equivocations: () => EquivocationProof[]
}

/**
 * A network that is not started yet
 *
 * Throws InvalidAddressError; `start()` throws ListenError
 */
export async function createNetwork (init: NetworkInit): Promise<LibP2PNetwork> {
  const { privateKey, store, clock, bootstrap, announce, document } = init
  const neighbourhood: NeighbourhoodFactory = (host) => createNeighbourhood({ host, privateKey, store, clock }, {
    federationId: init.federationId,
    degree: document.topology.degree,
    resample: document.topology.resample ?? 0,
    leastNeighbours: minimumNeighbours(ruleChain(document.aggregation.rule), document.aggregation.f),
    bootstrap: [...bootstrap],
    ...(announce.length === 0 ? {} : { announce: [...announce] })
  })
  const network = new GossipNetwork(init)
  await network.build(neighbourhood)
  return network
}
