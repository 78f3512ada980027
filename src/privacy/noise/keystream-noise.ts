/**
 * A noise source from any keystream: what production and tests have in common
 */
import { RandomWords } from './random-words.ts'
import { addNormals } from './ziggurat.ts'
import type { Keystream } from './random-words.ts'
import type { NoiseSource } from './noise-source.ts'

/** Whoever knows the keystream knows the noise: outside tests, only createSecureNoise may call this */
export function createKeystreamNoise (keystream: Keystream): NoiseSource {
  const random = new RandomWords(keystream)
  return {
    addGaussian: (sums, deviation) => {
      if (!(deviation > 0 && Number.isFinite(deviation))) {
        throw new RangeError(`deviation must be a positive, finite number, not ${deviation}`)
      }
      erasing(random, () => { addNormals(sums, deviation, random) })
    },
    sample: (count, probability) => {
      if (!(Number.isInteger(count) && count >= 0 && count < 2 ** 32)) {
        throw new RangeError(`count must be a whole number from 0 to 2^32 - 1, not ${count}`)
      }
      if (!(probability >= 0 && probability <= 1)) {
        throw new RangeError(`probability must be from 0 to 1, not ${probability}`)
      }
      return erasing(random, () => poissonSample(count, probability, random))
    }
  }
}

function erasing<T> (random: RandomWords, draw: () => T): T {
  try {
    return draw()
  } finally {
    random.erase()
  }
}

/** Every index costs one draw and one store, chosen or not: the time tells the count and not who is in */
function poissonSample (count: number, probability: number, random: RandomWords): Uint32Array {
  const indexes = new Uint32Array(count)
  let chosen = 0
  for (let i = 0; i < count; i++) {
    indexes[chosen] = i
    chosen += random.uniform() <= probability ? 1 : 0
  }
  return indexes.slice(0, chosen)
}
