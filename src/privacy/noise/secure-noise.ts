/**
 * The noise source of production
 */
import { randomFillSync } from 'node:crypto'
import { createKeystreamNoise } from './keystream-noise.ts'
import type { NoiseSource } from './noise-source.ts'

/**
 * Noise from the generator that makes this process's keys: OpenSSL's AES-256 CTR_DRBG (NIST SP 800-90A)
 *
 * It seeds itself from the operating system, again at intervals and in a forked process, and replaces its key after
 * every request, so that what it gave cannot be computed from what it later is. There is no seed to pass, by intent: a
 * source that can repeat itself is no source of privacy. In blocks it is as fast as a cipher of our own would be
 * (`npm run bench:noise`).
 */
export function createSecureNoise (): NoiseSource {
  return createKeystreamNoise((words) => { randomFillSync(words) })
}
