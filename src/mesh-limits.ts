/**
 * What the mesh as it is now withstands, beside what the federation document promises
 */
import { connectivity } from './network/connectivity.ts'
import { neighbourGraph } from './network/neighbour-graph.ts'
import type { FederationDocument } from './federation.ts'
import type { PeerName } from './interface.ts'
import type { Connectivity } from './network/connectivity.ts'

export interface MeshLimits extends Connectivity {
  /** Liars among the neighbours that the document declares */
  f: number
  /** Why the mesh is too thin for that; undefined when it is not */
  warning: string | undefined
}

/** Limits of the graph that these members draw; undefined with fewer than two */
export function meshLimits (members: readonly PeerName[], { topology: { degree }, aggregation: { f, rule } }: FederationDocument, federationId: string): MeshLimits | undefined {
  if (members.length < 2) {
    return undefined
  }
  const limits = connectivity(neighbourGraph(members, degree, federationId))
  const { algebraicConnectivity, toleratedLiars } = limits
  const warning = f <= toleratedLiars || rule === 'mean'
    ? undefined
    : `${members.length} members of degree ${Math.min(degree, members.length - 1)} withstand ${toleratedLiars === 1 ? '1 liar' : `${toleratedLiars} liars`} among the neighbours of each in the worst case (algebraic connectivity ${algebraicConnectivity.toFixed(2)}), and the federation declares f = ${f}: a higher topology.degree or more members would make up for it`
  return { ...limits, f, warning }
}
