/**
 * What persists is found under noise that is many times longer, without knowing the noise
 */
import { describe, expect, it } from 'vitest'
import { PersistentDifference } from '../../src/round/persistent-difference.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'

const SIZE = 300

function model (normal: () => number, centre: number, deviation = 1): Float32Array {
  return Float32Array.from({ length: SIZE }, () => centre + deviation * normal())
}

function after (rounds: number, seed: string, { centre = 0, deviation = 1 } = {}): { square: number, deviation: number } {
  const normal = seededNormal(seededRandom(seed))
  const difference = new PersistentDifference()
  for (let round = 0; round < rounds; round++) {
    difference.add(model(normal, 0), model(normal, centre, deviation))
  }
  return difference.estimate()!
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const runs = Array.from({ length: 300 }, (_, i) => `run ${i}`)

describe('PersistentDifference', () => {
  it('is unbiased: zero for noise alone, |a|^2 for a difference a, whatever the noise', () => {
    for (const deviation of [0, 1, 3]) {
      const noise = runs.map((seed) => after(12, seed, { deviation }))
      const error = Math.max(...noise.map((estimate) => estimate.deviation)) / Math.sqrt(runs.length)
      expect(Math.abs(mean(noise.map(({ square }) => square)))).toBeLessThan(4 * error)
      const shifted = runs.map((seed) => after(12, seed, { deviation, centre: 0.2 }).square)
      expect(Math.abs(mean(shifted) - 0.04 * SIZE)).toBeLessThan(6 * error)
    }
  })

  it.each([2, 3, 12])('knows its own standard deviation after %i rounds', (rounds) => {
    const scores = runs.map((seed) => { const { square, deviation } = after(rounds, seed); return square / deviation })
    const deviation = Math.sqrt(mean(scores.map((score) => score * score)))
    expect(deviation).toBeGreaterThan(0.85)
    expect(deviation).toBeLessThan(1.15)
    expect(scores.filter((score) => score > 4).length).toBeLessThanOrEqual(1)
  })

  it('says nothing of one round, nor of an update that serves twice', () => {
    const difference = new PersistentDifference()
    const late = new Float32Array([1, 2, 3])
    expect(difference.estimate()).toBeUndefined()
    difference.add(new Float32Array(3), late)
    difference.add(new Float32Array(3), late)
    expect(difference.estimate()).toBeUndefined()
    difference.add(new Float32Array(3), late.slice())
    expect(difference.estimate()!.square).toBeCloseTo(14, 6)
  })

  it('forgets what was long ago', () => {
    const difference = new PersistentDifference()
    const own = new Float32Array(2)
    for (let round = 0; round < 30; round++) {
      difference.add(own, new Float32Array([round < 5 ? 100 : 1, 0]))
    }
    expect(difference.estimate()!.square).toBeLessThan(10)
  })
})
