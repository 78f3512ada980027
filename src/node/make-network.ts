/**
 * The network of a node and the parts that decide what it carries
 */
import { createCodec } from '../codec/codec.ts'
import { inspectTopology } from '../model/topology.ts'
import { leastNeighbours, networkSteps, requirePublicSteps } from './round-settings.ts'
import type { Clock, Network, Store } from '../interface.ts'
import type { RoundComponents } from '../round/round-interface.ts'
import type { Membership } from './enter-federation.ts'
import type { NodeInit } from './node-interface.ts'
import type { NetworkPartInit, NodeParts } from './node-parts.ts'

export interface NetworkAndKin extends Pick<RoundComponents, 'codec' | 'algorithm' | 'replicas'> {
  /** Not started */
  network: Network
}

export interface MakeNetworkInit {
  init: NodeInit
  membership: Membership
  identity: NetworkPartInit['identity']
  /** Who may take part, in an invited federation. @default everybody */
  gatekeeper?: NetworkPartInit['gatekeeper']
  store: Store
  clock: Clock
}

/** Throws as the parts do, and as `requirePublicSteps` does */
export async function makeNetwork (parts: NodeParts, { init, membership, identity, gatekeeper, store, clock }: MakeNetworkInit): Promise<NetworkAndKin> {
  const { parameterCount } = inspectTopology(membership.document.model)
  const codec = createCodec(membership.document.codec.name)
  const algorithm = parts.algorithm({ document: membership.document, parameterCount })
  requirePublicSteps(membership.document, algorithm)
  const replicas = parts.replicas({ codec, parameterCount: parameterCount * algorithm.vectors.length })
  const { maxPayloadBytes } = replicas
  const network = await parts.network({
    ...{ ...init, identity, membership, gatekeeper, maxPayloadBytes, replicas, vectors: algorithm.vectors.length, store, clock },
    ...{ leastNeighbours: leastNeighbours(membership, init), steps: networkSteps(parts.protocol, algorithm, parameterCount) }
  })
  return { codec, algorithm, replicas, network }
}
