/**
 * The statistics of normality.ts on samplers that are broken on purpose: each must be found out
 */
import { describe, expect, it } from 'vitest'
import { RandomWords } from '../../../src/privacy/noise/random-words.ts'
import { TAIL_START, zigguratTables } from '../../../src/privacy/noise/ziggurat.ts'
import { boxMuller } from './box-muller.ts'
import { normalityFaults, upperTail } from './normality.ts'
import { seededKeystream, seededNoise } from './seeded-noise.ts'

const COUNT = 1e6

const sound = new Float64Array(COUNT)
seededNoise('faults').addGaussian(sound, 1)

/**
 * Without the test of the height: all of a layer counts as below the curve. The tail, a good imitation, is not the
 * fault
 */
function withoutWedges (): Float64Array {
  const { edges } = zigguratTables()
  const random = new RandomWords(seededKeystream('wedges'))
  return Float64Array.from({ length: 4 * COUNT }, () => {
    const x = edges[Math.ceil(256 * random.uniform()) - 1]! * random.uniform()
    return (x < TAIL_START ? x : TAIL_START - Math.log(random.uniform()) / (TAIL_START + 0.25)) * (random.uniform() < 0.5 ? -1 : 1)
  })
}

function irwinHall (): Float64Array {
  const random = new RandomWords(seededKeystream('twelve'))
  return Float64Array.from({ length: COUNT }, () => {
    let sum = -6
    for (let i = 0; i < 12; i++) {
      sum += random.uniform()
    }
    return sum
  })
}

/** `share` of the previous draw, scaled so that the variance stays 1 */
function remembering (draws: Float64Array, share: number): Float64Array {
  const rest = Math.sqrt(1 - share * share)
  return draws.map((x, i) => i === 0 ? x : rest * x + share * draws[i - 1]!)
}

describe('the statistics', () => {
  it('accept the ziggurat and, without it, Box–Muller', () => {
    expect(normalityFaults(sound)).toEqual([])
    expect(normalityFaults(boxMuller(COUNT, 'reference'))).toEqual([])
  })

  it('know the tails of the normal distribution', () => {
    // from tables
    for (const [x, probability] of [[0, 0.5], [1, 0.15865525393], [3, 1.3498980316e-3], [4, 3.1671241833e-5], [5, 2.8665157188e-7]] as const) {
      expect(Math.abs(upperTail(x) / probability - 1)).toBeLessThan(2e-7)
    }
  })

  it.each<[sampler: string, statistic: string, draws: () => Float64Array]>([
    ['the variance taken as the deviation', 'variance', () => sound.map((x) => x * 0.5)],
    ['a deviation that is 1 % off', 'variance', () => sound.map((x) => x * 1.01)],
    ['a shift of a hundredth', 'mean', () => sound.map((x) => x + 0.01)],
    ['one half of the bell', 'sign balance', () => sound.map(Math.abs)],
    ['a sign that is 1 % more often positive', 'sign balance', () => sound.map((x, i) => i % 100 === 0 ? Math.abs(x) : x)],
    ['a tail on the right only', 'tail below -4', () => sound.map((x) => x < -TAIL_START ? -x : x)],
    ['no tail', 'tail above 4', () => sound.filter((x) => Math.abs(x) < TAIL_START)],
    ['a tail that is twice as heavy', 'tail above 4', () => sound.map((x, i) => i % 500 === 0 && Math.abs(x) > 2 ? 2 * x : x)],
    ['a tail of the right weight that goes on too far', 'far tail', () => sound.map((x) => Math.abs(x) > TAIL_START ? 2 * x - Math.sign(x) * TAIL_START : x)],
    ['float32 rounding', 'low bits', () => sound.map(Math.fround)],
    ['the lowest bit stuck', 'low bits', () => {
      const draws = sound.slice()
      const words = new Uint32Array(draws.buffer)
      for (let i = 0; i < words.length; i += 2) {
        words[i]! |= 1
      }
      return draws
    }],
    ['the sum of twelve uniforms', 'kurtosis', irwinHall],
    ['layers without their wedges', 'kurtosis', withoutWedges],
    ['memory of the last draw', 'lag-1 autocorrelation', () => remembering(sound, 0.01)],
    ['skewness', 'skewness', () => sound.map((x) => x + 0.01 * (x * x - 1))],
    ['Box–Muller with log10', 'variance', () => boxMuller(COUNT, 'log10', (u) => Math.sqrt(-2 * Math.log10(u)))],
    ['Box–Muller with uniforms of 8 bits', 'tail above 4', () => boxMuller(COUNT, '8 bits', (u) => Math.sqrt(-2 * Math.log(Math.ceil(u * 256) / 256)))],
    ['not a number', 'mean', () => sound.map((x, i) => i === 5 ? NaN : x)]
  ])('reject %s: %s', (_, statistic, draws) => {
    expect(normalityFaults(draws())).toContain(statistic)
  })
})
