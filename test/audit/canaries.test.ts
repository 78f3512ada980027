/**
 * Canaries and their scores
 */
import { describe, expect, it } from 'vitest'
import { DIGITS_INPUT } from '../../src/data/digits.ts'
import { createCanaries, tossCoins, withCanaries } from '../../src/audit/canaries.ts'
import { consecutiveSteps, gradientProducts, lossDropScores, updateScores } from '../../src/audit/canary-scores.ts'
import { areaUnderCurve, rocPoints } from '../../src/audit/membership.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import type { Examples, TableInput } from '../../src/data/examples.ts'

const images = (count: number, seed = 'images'): Examples => createCanaries({ input: DIGITS_INPUT, classes: 10 }, count, seededRandom(seed))

function inputsOf (examples: Examples, index: number): Float32Array {
  const inputs = new Float32Array(examples.featureCount)
  examples.writeInputs(index, inputs, 0)
  return inputs
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0)
const auc = (scores: Float64Array, included: Uint8Array): number => {
  const of = (coin: number): number[] => Array.from(scores).filter((_, canary) => included[canary] === coin)
  return areaUnderCurve(rocPoints({ members: of(1), nonMembers: of(0) }))
}

describe('canaries', () => {
  it('are images of the federation, almost orthogonal to each other and to a blank page', () => {
    const canaries = images(60)
    expect(canaries).toMatchObject({ count: 60, featureCount: 784 })
    const rows = Array.from({ length: 60 }, (_, index) => inputsOf(canaries, index))
    const cosines = rows.flatMap((a, i) => rows.slice(i + 1).map((b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))))
    const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length
    expect(Math.abs(mean)).toBeLessThan(0.01)
    expect(Math.sqrt(cosines.reduce((sum, cosine) => sum + cosine ** 2, 0) / cosines.length)).toBeLessThan(1.5 / 28)
    const ink = rows.map((row) => row.reduce((sum, x) => sum + x, 0) / 784)
    expect(Math.abs(ink.reduce((sum, x) => sum + x, 0) / 60)).toBeLessThan(0.02)
  })

  it('are squares where a grain is asked for, cut off at the edge', () => {
    const shape = [5, 4, 2]
    const [image] = [inputsOf(createCanaries({ input: { kind: 'image', shape, mean: 0, stdDev: 1 }, classes: 2, grain: 2 }, 1, seededRandom('squares')), 0)]
    const at = (row: number, column: number, channel: number): number => image[(row * 4 + column) * 2 + channel]!
    for (let row = 0; row < 5; row++) {
      for (let column = 0; column < 4; column++) {
        for (const channel of [0, 1]) {
          expect(at(row, column, channel)).toBe(at(row - row % 2, column - column % 2, channel))
        }
      }
    }
    expect(new Set(image).size).toBe(2)
    expect([...image].some((_, index) => index % 2 === 0 && image[index] !== image[index + 1])).toBe(true)
  })

  it('have labels at random, all of them', () => {
    const labels = images(1000).labels
    expect(new Set(labels)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
  })

  it('are not blank where the document does not standardise', () => {
    const plain = createCanaries({ input: { kind: 'image', shape: [28, 28, 1], mean: 0, stdDev: 1 }, classes: 2 }, 20, seededRandom('plain'))
    for (let index = 0; index < 20; index++) {
      expect(inputsOf(plain, index).filter((x) => x > 0).length).toBeGreaterThan(15)
    }
  })

  it('are rows of the federation\'s table: outlying numbers, and one of each column\'s categories', () => {
    const input: TableInput = {
      kind: 'table',
      columns: [{ kind: 'numeric', name: 'age', mean: 40, stdDev: 10 }, { kind: 'categorical', name: 'colour', values: ['red', 'green', 'blue'] }],
      label: 'answer'
    }
    const canaries = createCanaries({ input, classes: 2 }, 50, seededRandom('table'))
    const rows = Array.from({ length: 50 }, (_, index) => [...inputsOf(canaries, index)])
    expect(new Set(rows.map(([age]) => age))).toEqual(new Set([-3, 3]))
    expect(new Set(rows.map((row) => row.slice(1).join()))).toEqual(new Set(['1,0,0', '0,1,0', '0,0,1']))
  })

  it('come from the injected random alone', () => {
    expect(inputsOf(images(3), 2)).toEqual(inputsOf(images(3), 2))
    expect(inputsOf(images(3), 2)).not.toEqual(inputsOf(images(3, 'others'), 2))
  })

  it('go in by fair, independent coins', () => {
    const coins = tossCoins(10_000, seededRandom('coins'))
    const heads = coins.reduce((sum, coin) => sum + coin, 0)
    expect(Math.abs(heads - 5000)).toBeLessThan(4 * 50)
    const pairs = coins.reduce((sum, coin, at) => sum + (coin === coins[at - 1] ? 1 : 0), 0)
    expect(Math.abs(pairs - 5000)).toBeLessThan(4 * 50)
  })

  it('follow the examples when their coin says so, and leave those alone', () => {
    const honest = images(4, 'honest')
    const canaries = images(5)
    const all = withCanaries(honest, canaries, Uint8Array.of(0, 1, 0, 1, 1))
    expect(all.count).toBe(7)
    expect([...all.labels]).toEqual([...honest.labels, canaries.labels[1], canaries.labels[3], canaries.labels[4]])
    expect(inputsOf(all, 3)).toEqual(inputsOf(honest, 3))
    expect([4, 5, 6].map((index) => inputsOf(all, index))).toEqual([1, 3, 4].map((index) => inputsOf(canaries, index)))
    expect(() => inputsOf(all, 7)).toThrow(RangeError)
    expect(() => inputsOf(all, -1)).toThrow(RangeError)
  })

  it('do not join examples of another shape, or without a coin each', () => {
    expect(() => withCanaries({ ...images(1), featureCount: 3 }, images(1), Uint8Array.of(1))).toThrow(RangeError)
    expect(() => withCanaries(images(1), images(2), Uint8Array.of(1))).toThrow(RangeError)
  })
})

describe('scores', () => {
  const models = [[0, 0], [1, 2], [0, 5]].map((model) => Float32Array.from(model))

  it('sum how far every update went down the gradient at its start', () => {
    const seen: number[][] = []
    const products = gradientProducts(2, (canary, parameters, out) => {
      seen.push([...parameters])
      out.set(canary === 0 ? [-1, 0] : [0, 2])
    })
    // updates (1, 2) and (-1, 3)
    expect([...updateScores(consecutiveSteps(models), products)]).toEqual([1 - 1, -4 - 6])
    expect(seen).toEqual([[0, 0], [0, 0], [1, 2], [1, 2]])
  })

  it('sum how much every update lowered the loss', () => {
    expect([...lossDropScores(consecutiveSteps(models), ([a, b]) => [a!, 10 - b!])]).toEqual([0, 5])
  })

  it('are none without updates', () => {
    expect(updateScores([], () => [])).toHaveLength(0)
    expect(consecutiveSteps([])).toEqual([])
  })

  /** Constant gradients, so that only the view differs: a peer steps, then mixes with a neighbour who wanders far */
  it('from every update beat those from the last model, which mixing blurs', () => {
    const random = seededRandom('gossip')
    const normal = seededNormal(random)
    const size = 1000
    const count = 200
    const rounds = 20
    const gradients = Array.from({ length: count }, () => Float64Array.from({ length: size }, () => normal() / Math.sqrt(size)))
    const included = tossCoins(count, random)
    const products = gradientProducts(count, (canary, _, out) => { out.set(gradients[canary]!) })
    let model: Float32Array = new Float32Array(size)
    const start = model
    const steps = Array.from({ length: rounds }, () => {
      const before = model.map((value) => value + 5 * normal())
      const after = before.map((value, at) => value - gradients.reduce((sum, gradient, canary) => sum + included[canary]! * gradient[at]!, 0) + 2 * normal())
      model = after
      return { before, after }
    })
    const every = auc(updateScores(steps, products), included)
    const last = auc(updateScores([{ before: start, after: model }], products), included)
    expect(every).toBeGreaterThan(0.85)
    expect(last).toBeLessThan(every - 0.1)
  })

  it('of texts are as long as the model takes them, of tokens that stand for something', () => {
    const canaries = createCanaries({ input: { kind: 'text', length: 50, tokens: 'words', vocabulary: ['a', 'b', 'c'] }, classes: 2 }, 20, seededRandom('texts'))
    const all = Array.from({ length: 20 }, (_, i) => {
      const out = new Float32Array(50)
      canaries.writeInputs(i, out, 0)
      return [...out]
    })
    expect([...new Set(all.flat())].sort()).toEqual([2, 3, 4])
    const bytes = inputsOf(createCanaries({ input: { kind: 'text', length: 4000, tokens: 'bytes' }, classes: 2 }, 1, seededRandom('bytes')), 0)
    expect([Math.min(...bytes), Math.max(...bytes)]).toEqual([1, 256])
  })
})
