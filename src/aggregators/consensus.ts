/**
 * How far peers' models are from agreeing
 */
import { squaredDistance } from './kernels/squared-distance.ts'
import { blockSum } from './kernels/weighted-sum.ts'

/** Coordinates at a time */
const BLOCK = 2048

/**
 * A peer's own estimate of the consensus distance: sqrt(mean over neighbours of |own - replica|^2 / 2)
 *
 * Its square is unbiased when neighbours are drawn at random. Undefined without neighbours
 */
export function neighbourDistance (own: Float32Array, replicas: readonly Float32Array[]): number | undefined {
  if (replicas.length === 0) {
    return undefined
  }
  const sum = replicas.reduce((total, replica) => total + squaredDistance(own, replica), 0)
  return Math.sqrt(sum / replicas.length / 2)
}

/**
 * The consensus distance of all peers: sqrt(1/n * sum_i |x_i - mean|^2), for whoever sees all models, a testnet
 *
 * Throws RangeError when there is no vector or their lengths differ
 */
export function consensusDistance (vectors: readonly Float32Array[]): number {
  const first = vectors[0]
  if (first === undefined || vectors.some(({ length }) => length !== first.length)) {
    throw new RangeError('consensus distance needs at least one vector, all of the same length')
  }
  const weights = vectors.map(() => 1 / vectors.length)
  const mean = new Float64Array(BLOCK)
  let sum = 0
  for (let start = 0; start < first.length; start += BLOCK) {
    blockSum(vectors, weights, start, mean)
    for (const vector of vectors) {
      sum += squaredDistanceFrom(mean, vector, start)
    }
  }
  return Math.sqrt(sum / vectors.length)
}

function squaredDistanceFrom (mean: Float64Array, vector: Float32Array, start: number): number {
  const length = Math.min(mean.length, vector.length - start)
  let sum = 0
  for (let i = 0; i < length; i++) {
    const difference = vector[start + i]! - mean[i]!
    sum += difference * difference
  }
  return sum
}
