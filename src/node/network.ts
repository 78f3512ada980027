/**
 * The network of a node: from its settings and its federation to an adapter that is not started yet
 */
import { LISTEN_ANYWHERE } from '../network/host/listening.ts'
import { createNetwork } from '../network/network.ts'
import { portFile } from '../network/host/port-file.ts'
import type { Network } from '../interface.ts'
import type { NetworkPartInit } from './node-parts.ts'

/** Throws InvalidAddressError */
export async function nodeNetwork (init: NetworkPartInit): Promise<Network> {
  const { home, identity, listen = LISTEN_ANYWHERE, announce = [], bootstrap = [], membership, maxPayloadBytes, replicas, vectors, leastNeighbours, steps, gatekeeper, store, clock } = init
  return createNetwork({
    maxPayloadBytes,
    replicas,
    vectors,
    leastNeighbours,
    steps,
    gatekeeper,
    store,
    clock,
    privateKey: identity,
    federationId: membership.id,
    federationBytes: membership.bytes,
    document: membership.document,
    listen,
    ports: portFile(home),
    announce,
    bootstrap,
    keepPublished: membership.document.privacy.mechanism !== 'none'
  })
}
