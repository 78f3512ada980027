/**
 * The network of a node: from its settings and its federation to an adapter that is not started yet
 */
import { minimumNeighbours, ruleChain } from '../aggregators/rules.ts'
import { loadOrCreateIdentity } from '../network/identity.ts'
import { LISTEN_ANYWHERE } from '../network/listening.ts'
import { createNetwork } from '../network/network.ts'
import { portFile } from '../network/port-file.ts'
import type { Membership } from './enter-federation.ts'
import type { Clock, Network, Store } from '../interface.ts'
import type { NodeInit } from './node-interface.ts'

export interface NodeNetworkInit extends Pick<NodeInit, 'home' | 'listen' | 'announce' | 'bootstrap'> {
  membership: Membership
  /** Bytes of the largest update of the federation's model */
  maxPayloadBytes: number
  store: Store
  clock: Clock
}

/** Throws IdentityError, InvalidAddressError */
export async function nodeNetwork (init: NodeNetworkInit): Promise<Network> {
  const { home, listen = LISTEN_ANYWHERE, announce = [], bootstrap = [], membership, maxPayloadBytes, store, clock } = init
  const { aggregation: { rule, f } } = membership.document
  return createNetwork({
    maxPayloadBytes,
    leastNeighbours: minimumNeighbours(ruleChain(rule), f),
    store,
    clock,
    privateKey: await loadOrCreateIdentity(home),
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
