import { RandomWords } from '../../../src/privacy/noise/random-words.ts'
import { seededKeystream } from './seeded-noise.ts'

/**
 * Draws of N(0, 1) by Box and Muller 1958, in float64 from 53-bit uniforms: the reference beside the ziggurat
 *
 * `radius` is r(u), by default the right one; tests break it.
 */
export function boxMuller (count: number, seed: string, radius = (u: number): number => Math.sqrt(-2 * Math.log(u))): Float64Array {
  const random = new RandomWords(seededKeystream(seed))
  const draws = new Float64Array(count)
  for (let i = 0; i < count; i += 2) {
    const r = radius(random.uniform())
    const angle = 2 * Math.PI * random.uniform()
    draws[i] = r * Math.cos(angle)
    draws[i + 1] = r * Math.sin(angle)
  }
  return draws
}
