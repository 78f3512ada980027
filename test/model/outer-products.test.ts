/**
 * Sums of outer products in double precision, or in blocks of floats, against plain loops
 */
import { describe, expect, it } from 'vitest'
import { OuterProducts } from '../../src/model/outer-products.ts'
import { seededRandom } from '../../src/seeded-random.ts'

interface Shape { count: number, positions: number, inputs: number, outputs: number }

const SHAPES: Shape[] = [
  { count: 1, positions: 1, inputs: 1, outputs: 1 },
  { count: 3, positions: 2, inputs: 7, outputs: 5 },
  { count: 300, positions: 1, inputs: 261, outputs: 10 },
  { count: 64, positions: 9, inputs: 12, outputs: 8 },
  { count: 5, positions: 1, inputs: 515, outputs: 3 }
]

function factors ({ count, positions, inputs, outputs }: Shape): { x: Float32Array, deltas: Float32Array, weights: Float64Array, inputs: number, outputs: number } {
  const random = seededRandom(count)
  // magnitudes over twelve orders, so that a sum in float32 would be seen
  const values = (size: number): Float32Array => Float32Array.from({ length: size }, () => (random() - 0.5) * 10 ** (6 * random()))
  return { x: values(count * positions * inputs), deltas: values(count * positions * outputs), weights: Float64Array.from({ length: count }, random), inputs, outputs }
}

describe('outer products', () => {
  it.each(SHAPES)('add up as doubles: %o', (shape) => {
    const products = new OuterProducts()
    const { x, deltas, weights, inputs, outputs } = factors(shape)
    const target = new Float64Array(inputs * outputs).fill(0.5)
    products.add({ x, inputs, deltas, outputs, weights }, target)
    for (let element = 0; element < target.length; element++) {
      const [i, j] = [Math.floor(element / outputs), element % outputs]
      let [sum, lengths] = [0.5, 0.5]
      for (let row = 0; row < weights.length * shape.positions; row++) {
        const term = x[row * inputs + i]! * (weights[Math.floor(row / shape.positions)]! * deltas[row * outputs + j]!)
        sum += term
        lengths += Math.abs(term)
      }
      expect(Math.abs(target[element]! - sum)).toBeLessThanOrEqual(2 * (shape.count * shape.positions + 3) * 2 ** -53 * lengths)
    }
  })

  it.each(SHAPES.flatMap((shape) => [1, 8, 29, 300].map((blockLength) => ({ ...shape, blockLength }))))('add up as floats in blocks, and those as doubles: %o', (shape) => {
    const products = new OuterProducts()
    const { x, deltas, weights, inputs, outputs } = factors(shape)
    const target = new Float64Array(inputs * outputs).fill(0.5)
    products.add({ x, inputs, deltas, outputs, weights, blockLength: shape.blockLength }, target)
    for (let element = 0; element < target.length; element++) {
      const [i, j] = [Math.floor(element / outputs), element % outputs]
      let [sum, lengths] = [0.5, 0]
      for (let row = 0; row < weights.length * shape.positions; row++) {
        const term = x[row * inputs + i]! * Math.fround(weights[Math.floor(row / shape.positions)]! * deltas[row * outputs + j]!)
        sum += term
        lengths += Math.abs(term)
      }
      expect(Math.abs(target[element]! - sum)).toBeLessThanOrEqual(1.0001 * shape.blockLength * 2 ** -24 * lengths + 1e-12 * (lengths + 0.5))
    }
  })

  it.each([1, 25, 256])('keep to blocks: the same row over and over rounds by no more than %i additions', (blockLength) => {
    const count = 600
    const error = (length: number): number => {
      const target = new Float64Array(1)
      const weights = new Float64Array(count).fill(1)
      new OuterProducts().add({ x: new Float32Array(count).fill(1), inputs: 1, deltas: new Float32Array(count).fill(0.1), outputs: 1, weights, blockLength: length }, target)
      return Math.abs(target[0]! / (count * Math.fround(0.1)) - 1)
    }
    expect(error(blockLength)).toBeLessThanOrEqual(blockLength * 2 ** -24)
  })

  it('take for zero what would lose digits by its weight before it meets others', () => {
    const one = { inputs: 1, outputs: 2, x: Float32Array.of(1e30), deltas: Float32Array.of(1e-30, 1), weights: Float64Array.of(1e-10) }
    const [doubles, floats] = [0, 1].map((blockLength) => {
      const target = new Float64Array(2)
      new OuterProducts().add({ ...one, blockLength }, target)
      return target
    })
    expect(doubles![0]).toBeGreaterThan(0)
    expect(floats![0]).toBe(0)
    expect(floats![1]! / doubles![1]!).toBeCloseTo(1, 6)
  })

  it.each([0, 1])('leave out an example of weight zero, whatever it holds, and work again in the memory that held it, in blocks of %i', (blockLength) => {
    const products = new OuterProducts()
    const one = { blockLength, inputs: 2, outputs: 1, x: Float32Array.of(NaN, Infinity, 2, 3), deltas: Float32Array.of(NaN, 5), weights: Float64Array.of(0, 0.5) }
    const target = new Float64Array(2)
    products.add({ ...one, weights: Float64Array.of(1, 1) }, new Float64Array(2))
    products.add(one, target)
    products.add({ ...one, weights: new Float64Array(2) }, target)
    expect([...target]).toEqual([5, 7.5])
  })
})
