/**
 * What the mesh as it is now withstands, beside what the federation document promises
 */
import { connectivity } from '../topology/connectivity.ts'
import { neighbourGraph, rotationPeriod } from '../topology/neighbour-graph.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { PeerName } from '../interface.ts'
import type { Connectivity } from '../topology/connectivity.ts'

export interface MeshLimits extends Connectivity {
  /** Liars among the neighbours that the document declares */
  f: number
  /** Why the mesh is too thin for that; undefined when it is not */
  warning: string | undefined
}

/**
 * Limits of the graph that these members draw; undefined with fewer than two
 *
 * @param round - The round in hand: with `topology.resample` each has a graph of its own, and the limits are those of
 * this one
 */
export function meshLimits (members: readonly PeerName[], { topology: { degree, resample = 0 }, aggregation: { f, rule } }: FederationDocument, federationId: string, round: number): MeshLimits | undefined {
  if (members.length < 2) {
    return undefined
  }
  const rotation = resample === 0 ? undefined : { round, period: rotationPeriod(members.length, degree, resample) }
  const limits = connectivity(neighbourGraph(members, degree, federationId, rotation))
  const { algebraicConnectivity, toleratedLiars } = limits
  const warning = f <= toleratedLiars || rule === 'mean'
    ? undefined
    : `${members.length} members of degree ${Math.min(degree, members.length - 1)} withstand ${toleratedLiars === 1 ? '1 liar' : `${toleratedLiars} liars`} among the neighbours of each in the worst case${rotation === undefined ? '' : ` of the graph of round ${round}`} (algebraic connectivity ${algebraicConnectivity.toFixed(2)}), and the federation declares f = ${f}: a higher topology.degree or more members would make up for it`
  return { ...limits, f, warning }
}
