import { describe, expect, it } from 'vitest'
import { addNoise, gridStep } from '../../src/privacy/noisy-sum.ts'

describe('a noisy sum', () => {
  it('leaves as points of the grid, whatever the noise was: its low bits tell nothing of the sum', () => {
    const noise = { addGaussian: (values: Float64Array) => { values.forEach((value, i) => { values[i] = value + Math.PI * (i - 3) / 7 }) } }
    const sums = Float64Array.from({ length: 16 }, (_, i) => Math.E * i / 5)
    addNoise(sums, { clipNorm: 1, noiseMultiplier: 1.1, sensitivityFactor: 1, noise: noise as never })
    const step = gridStep(1.1)
    expect(sums.some((value) => value !== 0)).toBe(true)
    sums.forEach((value) => { expect(Number.isInteger(value / step), `${value}`).toBe(true) })
  })
})
