/**
 * The methods of finding the norms of one layer, against the definition
 */
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { exampleGradients, normMethod } from '../../src/model/example-gradients.ts'
import { OuterProducts } from '../../src/model/outer-products.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { availableBackends } from './models.ts'
import type { ProductLayer } from '../../src/model/layer.ts'
import type { NormMethod } from '../../src/model/example-gradients.ts'

const backends = await availableBackends()

const [COUNT, POSITIONS, INPUTS, OUTPUTS] = [6, 5, 7, 3]

function denseOn (positions: number): ProductLayer {
  return { kind: 'dense', name: 'dense', input: [positions, INPUTS], output: [positions, OUTPUTS], units: OUTPUTS, useBias: true, frozen: false, activation: 'linear' }
}

const LAYER = denseOn(POSITIONS)

interface Sides { x: Float32Array, dz: Float32Array }

function sides (count = COUNT, positions = POSITIONS): Sides {
  const random = seededRandom(4)
  const values = (size: number): Float32Array => Float32Array.from({ length: size }, () => 2 * random() - 1)
  return { x: values(count * positions * INPUTS), dz: values(count * positions * OUTPUTS) }
}

/** Kernel, then bias */
function gradientOf ({ x, dz }: Sides, example: number, positions = POSITIONS): Float64Array {
  const gradient = new Float64Array(INPUTS * OUTPUTS + OUTPUTS)
  for (let row = example * positions; row < (example + 1) * positions; row++) {
    for (let i = 0; i <= INPUTS; i++) {
      for (let o = 0; o < OUTPUTS; o++) {
        gradient[i * OUTPUTS + o] = gradient[i * OUTPUTS + o]! + (i === INPUTS ? 1 : x[row * INPUTS + i]!) * dz[row * OUTPUTS + o]!
      }
    }
  }
  return gradient
}

const squaredNorm = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)

interface Found { squares: Float64Array, sum: Float64Array }

async function find ({ x, dz }: Sides, method: NormMethod, { backendName, weights }: { backendName: (typeof backends)[number], weights: Float64Array }): Promise<Found> {
  const backend = await loadBackend(backendName)
  const count = weights.length
  const rows = x.length / INPUTS
  const squares = new Float64Array(count).fill(1)
  const sum = new Float64Array(INPUTS * OUTPUTS + OUTPUTS)
  tf.tidy(() => {
    const factors = { x: backend.upload(x, [rows, INPUTS]), dz: backend.upload(dz, [rows, OUTPUTS]) }
    const gradients = exampleGradients({ layer: denseOn(rows / count), factors, count, backend, products: new OuterProducts(), blockLength: 0 }, method)
    gradients.addSquaredNorms(squares)
    gradients.addSum(weights, { kernel: sum.subarray(0, INPUTS * OUTPUTS), bias: sum.subarray(INPUTS * OUTPUTS) })
  })
  return { squares: squares.map((square) => square - 1), sum }
}

describe.each(backends)('example gradients on %s', (backendName) => {
  it.each(['kept', 'pairs'] as const)('agree with the definition: %s', async (method) => {
    const given = sides()
    const weights = Float64Array.of(1, 0.5, 0, 0.25, 2, 1e-3)
    const gradients = Array.from({ length: COUNT }, (_, example) => gradientOf(given, example))
    // an example of weight zero may hold anything
    given.x[2 * POSITIONS * INPUTS] = NaN
    given.dz[2 * POSITIONS * OUTPUTS + 4] = Infinity

    const { squares, sum } = await find(given, method, { backendName, weights })

    for (const [example, gradient] of gradients.entries()) {
      if (weights[example] === 0) {
        expect(squares[example]).not.toBeLessThan(Infinity)
      } else {
        expect(Math.abs(squares[example]! / squaredNorm(gradient) - 1)).toBeLessThan(1e-5)
      }
    }
    for (let i = 0; i < sum.length; i++) {
      expect(sum[i]).toBeCloseTo(gradients.reduce((total, gradient, example) => total + weights[example]! * gradient[i]!, 0), 5)
    }
  })

  it.each(['kept'] as const)('agree with the definition where one pass does not hold the whole batch: %s', async (method) => {
    const [count, positions] = [250, 1000]
    const given = sides(count, positions)

    const { squares, sum } = await find(given, method, { backendName, weights: new Float64Array(count).fill(1) })

    const expected = new Float64Array(sum.length)
    for (let example = 0; example < count; example++) {
      const gradient = gradientOf(given, example, positions)
      gradient.forEach((value, i) => { expected[i] = expected[i]! + value })
      expect(Math.abs(squares[example]! / squaredNorm(gradient) - 1)).toBeLessThan(1e-4)
    }
    expect(Math.sqrt(squaredNorm(sum.map((value, i) => value - expected[i]!)))).toBeLessThan(1e-5 * Math.sqrt(squaredNorm(expected)))
  })

  it('keep their digits where the positions of an example cancel', async () => {
    const given = sides()
    given.dz.fill(0, 0, POSITIONS * OUTPUTS)
    given.dz.set([1, 1, 1, -1, -1, -1])
    for (let i = 0; i < INPUTS; i++) {
      given.x[INPUTS + i] = given.x[i]! + 1e-4 * i
    }
    const expected = squaredNorm(gradientOf(given, 0))
    expect(expected).toBeLessThan(1e-5)

    const { squares } = await find(given, 'pairs', { backendName, weights: new Float64Array(COUNT).fill(1) })

    expect(Math.abs(squares[0]! / expected - 1)).toBeLessThan(1e-4)
  })

  it('do not depend on how the norms of others are found', async () => {
    const given = sides()
    const weights = new Float64Array(COUNT).fill(1)
    const before = await find(given, 'pairs', { backendName, weights })
    // the positions of the first example cancel, which its pairs cannot tell
    given.dz.fill(0, 0, POSITIONS * OUTPUTS)
    given.dz.set([1, 1, 1, -1, -1, -1])
    given.x.copyWithin(INPUTS, 0, INPUTS)
    given.x[0] = given.x[0]! + 1e-3
    const after = await find(given, 'pairs', { backendName, weights })
    expect(after.squares.slice(1)).toEqual(before.squares.slice(1))
    expect(after.squares[0]).not.toBe(before.squares[0])
    const difference = after.sum.map((value, i) => value - before.sum[i]!)
    const expected = gradientOf(given, 0).map((value, i) => value - gradientOf(sides(), 0)[i]!)
    expect(Math.sqrt(squaredNorm(difference.map((value, i) => value - expected[i]!)))).toBeLessThan(1e-5)
  })

  it('are never too short where products of pairs underflow', async () => {
    const given = sides()
    given.x.fill(1e18)
    given.dz.fill(1e-24)
    const gradients = Array.from({ length: COUNT }, (_, example) => gradientOf(given, example))

    const backend = await loadBackend(backendName)
    const squares = new Float64Array(COUNT)
    tf.tidy(() => {
      const factors = { x: backend.upload(given.x, [COUNT * POSITIONS, INPUTS]), dz: backend.upload(given.dz, [COUNT * POSITIONS, OUTPUTS]) }
      exampleGradients({ layer: { ...LAYER, useBias: false }, factors, count: COUNT, backend, products: new OuterProducts(), blockLength: 0 }, 'pairs').addSquaredNorms(squares)
    })

    for (const [example, gradient] of gradients.entries()) {
      expect(Math.abs(squares[example]! / squaredNorm(gradient.subarray(0, INPUTS * OUTPUTS)) - 1)).toBeLessThan(1e-4)
    }
  })
})

describe('norm method', () => {
  const image = (side: number, channels: number, filters: number): ProductLayer => ({
    kind: 'convolution',
    name: 'convolution',
    input: [side, side, channels],
    output: [side, side, filters],
    filters,
    window: { size: [3, 3], strides: [1, 1], padding: 'same' },
    useBias: true,
    frozen: false,
    activation: 'linear'
  })

  it('forms nothing for a dense layer on one row', () => {
    expect(normMethod({ ...LAYER, input: [7], output: [3] })).toBe('rows')
  })

  it('keeps the gradients of many positions', () => {
    expect(normMethod(image(28, 1, 16))).toBe('kept')
    expect(normMethod(image(28, 16, 32))).toBe('kept')
  })

  it('multiplies pairs where there are few positions for large kernels', () => {
    expect(normMethod(image(2, 256, 256))).toBe('pairs')
    expect(normMethod(image(7, 256, 256))).toBe('kept')
  })
})
