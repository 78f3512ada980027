import { createCipheriv, createHash } from 'node:crypto'
import { createKeystreamNoise } from '../../../src/privacy/noise/keystream-noise.ts'
import type { NoiseSource } from '../../../src/privacy/noise/noise-source.ts'
import type { Keystream } from '../../../src/privacy/noise/random-words.ts'

/** AES-256-CTR under the hash of the seed; equal seeds give equal words on every little-endian machine */
export function seededKeystream (seed: number | string): Keystream {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(String(seed)).digest(), new Uint8Array(16))
  return (words) => {
    new Uint8Array(words.buffer, words.byteOffset, words.byteLength).set(cipher.update(new Uint8Array(words.byteLength)))
  }
}

/** The production sampler on a keystream that repeats itself: for tests alone, it hides nothing */
export function seededNoise (seed: number | string): NoiseSource {
  return createKeystreamNoise(seededKeystream(seed))
}
