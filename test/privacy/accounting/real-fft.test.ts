import { describe, expect, it } from 'vitest'
import { fftRounding, realFft } from '../../../src/privacy/accounting/real-fft.ts'
import { seededNormal, seededRandom } from '../../../src/seeded-random.ts'

function noise (size: number): Float64Array {
  const normal = seededNormal(seededRandom(size))
  return Float64Array.from({ length: size }, normal)
}

function sumOfMagnitudes (samples: Float64Array): number {
  return samples.reduce((sum, sample) => sum + Math.abs(sample), 0)
}

describe('transform of real numbers', () => {
  it.each([4, 8, 64, 512])('agrees with the definition, n = %d', (size) => {
    const samples = noise(size)
    const { real, imaginary } = realFft(size).forward(samples)

    for (let k = 0; k <= size / 2; k++) {
      let [re, im] = [0, 0]
      for (const [j, sample] of samples.entries()) {
        const angle = 2 * Math.PI * ((j * k) % size) / size
        re += sample * Math.cos(angle)
        im -= sample * Math.sin(angle)
      }
      expect(Math.hypot(real[k]! - re, imaginary[k]! - im)).toBeLessThan(1e-14 * sumOfMagnitudes(samples))
    }
  })

  it.each([4, 8, 1024, 2 ** 17])('and back gives the samples within the stated bound, n = %d', (size) => {
    const fft = realFft(size)
    const samples = noise(size)
    const spectrum = fft.forward(samples)
    const bound = fftRounding(size) * (sumOfMagnitudes(samples) + 2 * spectrum.real.reduce((sum, re, k) => sum + Math.hypot(re, spectrum.imaginary[k]!), 0) / size)
    const back = fft.inverse(spectrum)

    expect(Math.max(...back.subarray(0, 1000).map((sample, at) => Math.abs(sample - samples[at]!)))).toBeLessThan(bound)
    expect(back.every((sample, at) => Math.abs(sample - samples[at]!) < 1e-13)).toBe(true)
  })

  it('refuses a size that is not a power of 2', () => {
    expect(() => realFft(12)).toThrow(RangeError)
    expect(() => realFft(2)).toThrow(RangeError)
  })
})
