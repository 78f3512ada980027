/**
 * Noise that repeats itself, so that a table can be made again. Of no use for privacy: whoever knows the seed takes it
 * off
 */
import { createKeystreamNoise } from '../privacy/noise/keystream-noise.ts'
import { seededRandom } from '../seeded-random.ts'
import type { NoiseSource } from '../privacy/noise/noise-source.ts'

const TWO_TO_32 = 2 ** 32

export function seededNoise (seed: string): NoiseSource {
  const random = seededRandom(seed)
  return createKeystreamNoise((words) => {
    for (let i = 0; i < words.length; i++) {
      words[i] = random() * TWO_TO_32
    }
  })
}
