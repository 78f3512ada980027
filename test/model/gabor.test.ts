import { describe, expect, it } from 'vitest'
import { centringKernel, gaborCount, gaborKernel } from '../../src/model/gabor.ts'
import { gaborFeatures } from '../../src/model/gabor-features.ts'
import { decodeFederation, encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { MAX_CONSTANTS } from '../../src/federation/model-schema.ts'
import { planModel } from '../../src/model/topology.ts'
import { federation, FROZEN } from './models.ts'

const BANK = { size: 5, odd: 8, even: 4, deviation: 1.2, wavelength: 5 }
const COUNT = gaborCount(BANK)
const kernel = gaborKernel(BANK)
/** Half a step of the rounding, in each of 25 pixels */
const ROUNDING = 25 / 8192

const filterAt = (index: number): number[] => Array.from({ length: 25 }, (_, pixel) => kernel[pixel * COUNT + index]!)
const turned = (filter: readonly number[]): number[] => [...filter].reverse()
const negative = (filter: readonly number[]): number[] => filter.map((value) => 0 - value)

describe('Gabor filters', () => {
  it('are edges in eight directions, and bars in four with their negatives', () => {
    expect(COUNT).toBe(16)
    expect(kernel).toHaveLength(25 * 16)
    for (let i = 0; i < COUNT; i++) {
      const filter = filterAt(i)
      expect(Math.abs(filter.reduce((sum, value) => sum + value, 0))).toBeLessThan(ROUNDING)
      expect(Math.abs(Math.hypot(...filter) - 1)).toBeLessThan(1e-3)
      expect(turned(filter)).toEqual(i < 8 ? negative(filter) : filter)
    }
    for (let i = 0; i < 4; i++) {
      expect(filterAt(i + 4)).toEqual(negative(filterAt(i)))
      expect(filterAt(i + 12)).toEqual(negative(filterAt(i + 8)))
    }
    expect(new Set(Array.from({ length: COUNT }, (_, i) => filterAt(i).join())).size).toBe(16)
  })

  it('see what they are turned to: the first an upright edge, brighter on its right', () => {
    const edge = Array.from({ length: 25 }, (_, pixel) => pixel % 5 < 2 ? 0 : 1)
    const answers = Array.from({ length: 8 }, (_, i) => filterAt(i).reduce((sum, value, pixel) => sum + value * edge[pixel]!, 0))
    expect(answers.indexOf(Math.max(...answers))).toBe(0)
    expect(answers.indexOf(Math.min(...answers))).toBe(4)
    // the middle row of the first one: exp(-x^2 / 2.88) sin(2 pi x / 5), over the length of all 25
    const [far, near] = [2, 1].map((x) => Math.exp(-x * x / 2.88) * Math.sin(2 * Math.PI * x / 5))
    const row = filterAt(0).slice(10, 15)
    expect(row[3]! / row[4]!).toBeCloseTo(near! / far!, 1)
    expect(row[2]).toBe(0)
  })

  it('are the same on every engine: nothing is near the middle of two rounded numbers', () => {
    // what an engine computes differs in the last bits, which rounding to 2^-12 must hide
    expect(kernel.every((value) => Number.isInteger(value * 4096) && !Object.is(value, -0))).toBe(true)
    for (const nudged of [1 - 1e-13, 1 + 1e-13]) {
      expect(gaborKernel({ ...BANK, deviation: BANK.deviation * nudged, wavelength: BANK.wavelength * nudged })).toEqual(kernel)
    }
  })

  it('are centred by a 1 x 1 convolution that takes the mean over the channels off', () => {
    const centring = centringKernel(4, 2)
    const input = [1, 2, 3, 10]
    const output = Array.from({ length: 4 }, (_, to) => input.reduce((sum, value, from) => sum + value * centring[from * 4 + to]!, 0))
    expect(output).toEqual([-6, -4, -2, 12])
  })

  it('make a model in which one dense layer learns', () => {
    const { topology, constants } = gaborFeatures({ inputShape: [28, 28, 1], bank: BANK, poolings: [{ size: 4, stride: 2 }, { size: 3, stride: 2 }], scale: 2.5, classes: 10 })
    const plan = planModel({ ...federation({ shape: [28, 28, 1], classes: 10 }).model, topology, constants })
    expect(plan.layers.map(({ output }) => output)).toEqual([[24, 24, 16], [11, 11, 16], [5, 5, 16], [5, 5, 16], [400], [10]])
    expect(plan.layout.map(({ name }) => name)).toEqual(['output/kernel', 'output/bias'])
    expect(plan.parameterCount).toBe(4010)
  })
})

describe('constants of a document', () => {
  const document = federation(FROZEN)
  const withConstants = (constants: unknown): unknown => ({ ...document, model: { ...document.model, constants } })

  it('come back from its bytes as they were, to the last bit', () => {
    expect(document.model.constants!['features/kernel']).toContain(0.6 * Math.sin(1))
    const decoded = decodeFederation(encodeFederation(document))
    expect(decoded.model.constants).toEqual(document.model.constants)
    expect(planModel(decoded.model).frozen).toEqual(planModel(document.model).frozen)
  })

  it('are numbers, and not too many', () => {
    expect(() => parseFederation(withConstants({ a: new Array<number>(MAX_CONSTANTS).fill(1) }))).not.toThrow()
    expect(() => parseFederation(withConstants({ a: new Array<number>(MAX_CONSTANTS).fill(1), b: [1] }))).toThrow('model.constants: must have at most 65536 numbers in all')
    expect(() => parseFederation(withConstants({ a: ['1'] }))).toThrow('model.constants.a.0: must be a number')
    expect(() => parseFederation(withConstants({ a: [Infinity] }))).toThrow(/not finite/)
    expect(() => parseFederation(withConstants([1, 2]))).toThrow('model.constants: must be an object')
  })
})
