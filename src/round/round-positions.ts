/**
 * Where the models of a round lie to each other: the rule, suspicion, the length of the own steps and the distance from
 * consensus all follow from it
 */
import { picked, slicedPositions } from '../aggregators/geometry.ts'
import type { Positions } from '../aggregators/geometry.ts'
import type { NeighbourReplica, PeerName } from '../interface.ts'
import type { Sliced } from '../slices.ts'

type Replica = Pick<NeighbourReplica, 'peer' | 'parameters'>

export interface RoundPositions extends Positions {
  /** Authors of the replicas, which follow the own one */
  peers: readonly PeerName[]
  /** The last vector is the own model before the round's training, if it was handed in */
  hasBefore: boolean
}

/**
 * @param own - What neighbours decode from the own update
 * @param before - The own model before the round's training
 */
export function * roundPositions (own: Float32Array, replicas: readonly Replica[], before?: Float32Array): Sliced<RoundPositions> {
  const vectors = replicas.map(({ parameters }) => parameters)
  const positions = yield * slicedPositions(own, before === undefined ? vectors : [...vectors, before])
  return { ...positions, peers: replicas.map(({ peer }) => peer), hasBefore: before !== undefined }
}

/** Of the own vector and the replicas of these peers, in the order given. All must be there */
export function productsOf (positions: RoundPositions, peers: readonly PeerName[]): Float64Array {
  return picked(positions, [0, ...peers.map((peer) => positions.peers.indexOf(peer) + 1)]).products
}

/**
 * A peer's own estimate of the consensus distance: sqrt(mean over neighbours of |own - replica|^2 / 2)
 *
 * Its square is unbiased when neighbours are drawn at random. Null without neighbours
 *
 * @param products - Of the own vector and the replicas, see productsOf
 */
export function neighbourDistance (products: Float64Array): number | null {
  const count = Math.sqrt(products.length)
  const neighbours = count - 1
  let sum = 0
  for (let j = 1; j < count; j++) {
    sum += products[j * (count + 1)]!
  }
  return neighbours === 0 ? null : Math.sqrt(sum / neighbours / 2)
}
