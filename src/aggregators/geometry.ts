/**
 * Relative positions of vectors, from their inner products, which one pass over the vectors takes
 */
import { atOnce } from '../slices.ts'
import { slicedDifferenceProducts } from './kernels/difference-products.ts'
import type { Sliced } from '../slices.ts'
import type { Geometry } from './rule.ts'

export type Positions = Pick<Geometry, 'count' | 'products'>

/** Relative to the own vector, whose row and column come first and are zeros. All have d elements */
export function * slicedPositions (own: Float32Array, others: readonly Float32Array[]): Sliced<Positions> {
  const count = others.length + 1
  const among = yield * slicedDifferenceProducts(own, others)
  const products = new Float64Array(count * count)
  for (let i = 1; i < count; i++) {
    products.set(among.subarray((i - 1) * (count - 1), i * (count - 1)), i * count + 1)
  }
  return { count, products }
}

/** The same at once */
export function positionsOf (own: Float32Array, others: readonly Float32Array[]): Positions {
  return atOnce(slicedPositions(own, others))
}

/** The same vectors relative to the one in `origin`, some of them, in the order given */
export function relativeTo ({ count, products }: Positions, origin: number, indices: readonly number[]): Positions {
  const size = indices.length
  const product = (i: number, j: number): number => products[i * count + j]!
  const result = new Float64Array(size * size)
  for (const [row, i] of indices.entries()) {
    for (const [column, j] of indices.entries()) {
      result[row * size + column] = product(i, j) - product(i, origin) - product(origin, j) + product(origin, origin)
    }
  }
  return { count: size, products: result }
}

/** Squared distance of vectors i and j. Rounding may push what is zero below it */
export function squaredDistanceOf ({ products, count }: Positions, i: number, j: number): number {
  return Math.max(0, products[i * count + i]! + products[j * count + j]! - 2 * products[i * count + j]!)
}

/** Distance of each vector from vector i, zero at i */
export function distancesFromVector (geometry: Positions, i: number): Float64Array {
  return Float64Array.from({ length: geometry.count }, (_, j) => i === j ? 0 : Math.sqrt(squaredDistanceOf(geometry, i, j)))
}

/** Distance of the weighted mean from each vector; the weights' sum is 1 */
export function distancesFromMean ({ products, count }: Positions, weights: Float64Array): Float64Array {
  const along = times(products, weights)
  const norm = dot(weights, along)
  return along.map((product, i) => Math.sqrt(Math.max(0, norm - 2 * product + products[i * count + i]!)))
}

/**
 * Positions of the means that `rows` of weights form: rows . products . rows^T. The gossip weights become equal ones
 */
export function mixed ({ products, count }: Geometry, rows: readonly Float64Array[]): Geometry {
  const size = rows.length
  const result = new Float64Array(size * size)
  const along = rows.map((row) => times(products, row))
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const product = dot(rows[i]!.subarray(0, count), along[j]!)
      result[i * size + j] = product
      result[j * size + i] = product
    }
  }
  return { count: size, products: result, gossipWeights: new Float64Array(size).fill(1 / size) }
}

/** Some of the vectors, in the order given. The gossip weights become equal ones */
export function picked ({ products, count }: Positions, indices: readonly number[]): Geometry {
  const size = indices.length
  const result = new Float64Array(size * size)
  for (const [row, i] of indices.entries()) {
    for (const [column, j] of indices.entries()) {
      result[row * size + column] = products[i * count + j]!
    }
  }
  return { count: size, products: result, gossipWeights: new Float64Array(size).fill(1 / size) }
}

/** Indices in ascending order of value; equal values in ascending order of index */
export function ranked (values: ArrayLike<number>): number[] {
  return Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]! || i - j)
}

function times (matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length
  return vector.map((_, row) => dot(matrix.subarray(row * size, (row + 1) * size), vector))
}

function dot (a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    sum += a[i]! * b[i]!
  }
  return sum
}
