/**
 * The network of one node, as the composition root makes it
 */
import '../promise-with-resolvers.ts'
import { GossipNetwork } from './gossip-network.ts'
import { createNeighbourhood } from './members/neighbourhood.ts'
import type { Network } from '../interface.ts'
import type { EquivocationProof } from './signed/equivocation.ts'
import type { NeighbourhoodFactory } from './gossip-network.ts'
import type { NetworkInit } from './network-interface.ts'

export type LibP2PNetwork = Network & {
  /** Transferable proofs that authors contradict themselves, the newest first */
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
    leastNeighbours: init.leastNeighbours ?? 0,
    bootstrap: [...bootstrap],
    takeRecord: init.gatekeeper?.take,
    ...(announce.length === 0 ? {} : { announce: [...announce] })
  })
  const network = new GossipNetwork(init)
  await network.build(neighbourhood)
  return network
}
