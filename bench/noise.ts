/**
 * Draws of Gaussian noise a second, one thread: the production source beside Box–Muller, from the same generator in
 * node's usual way and from Math.random
 *
 *     npm run bench:noise
 *
 * Medians over samples that take turns, so that a busy machine slows all of them alike; `best` is the fastest sample.
 * Math.random is no source of privacy: whoever sees some of it computes the rest. It is what libraries use.
 */
import { createCipheriv, randomBytes, randomFillSync } from 'node:crypto'
import { median } from '../src/aggregators/median.ts'
import { createSecureNoise } from '../src/privacy/noise/secure-noise.ts'

const DRAWS = 1_000_000
const SAMPLES = 41
const BYTES_PER_DRAW = 8
/** Bytes of a block of keystream, as the production source takes them */
const BLOCK = 16_384

/** Adds the two draws that Box and Muller 1958 make of two uniform numbers in (0, 1] */
function boxMuller (sums: Float64Array, deviation: number, uniform: () => number): void {
  for (let i = 0; i < sums.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform()))
    const angle = 2 * Math.PI * uniform()
    sums[i]! += radius * Math.cos(angle)
    sums[i + 1]! += radius * Math.sin(angle)
  }
}

/** Uniform numbers of 53 bits in (0, 1], `block` bytes of crypto.randomBytes at a time */
function uniformsOf (block: number): () => number {
  let words = new Uint32Array(0)
  let at = 0
  return () => {
    if (at === words.length) {
      const bytes = randomBytes(block)
      words = new Uint32Array(bytes.buffer, bytes.byteOffset, block / 4)
      at = 0
    }
    const integer = (words[at]! >>> 11) * 2 ** 32 + words[at + 1]!
    at += 2
    return (integer + 1) * 2 ** -53
  }
}

function keystream (fill: () => unknown): () => void {
  return () => {
    for (let bytes = 0; bytes < DRAWS * BYTES_PER_DRAW; bytes += BLOCK) {
      fill()
    }
  }
}

const noise = createSecureNoise()
const sums = new Float64Array(DRAWS)
const zeros = new Uint8Array(BLOCK)
const block = new Uint8Array(BLOCK)
const cipher = (name: string): (() => unknown) => {
  const stream = createCipheriv(name, randomBytes(32), randomBytes(16))
  return () => stream.update(zeros)
}
const buffered = uniformsOf(BLOCK)
const unbuffered = uniformsOf(16)

const OURS = 'createSecureNoise'
const tasks: Record<string, () => void> = {
  [OURS]: () => { noise.addGaussian(sums, 1) },
  'Box–Muller, randomBytes of 16 KiB': () => { boxMuller(sums, 1, buffered) },
  'Box–Muller, randomBytes of 16 B': () => { boxMuller(sums.subarray(0, DRAWS / 20), 1, unbuffered) },
  'Box–Muller, Math.random': () => { boxMuller(sums, 1, () => 1 - Math.random()) },
  'Poisson sampling, q = 0.01': () => { noise.sample(DRAWS, 0.01) },
  'keystream alone: randomFillSync': keystream(() => randomFillSync(block)),
  'keystream alone: AES-256-CTR': keystream(cipher('aes-256-ctr')),
  'keystream alone: ChaCha20': keystream(cipher('chacha20'))
}
const draws: Record<string, number> = { 'Box–Muller, randomBytes of 16 B': DRAWS / 20 }

const rates = Object.fromEntries(Object.keys(tasks).map((name) => [name, [] as number[]]))
for (let sample = -3; sample < SAMPLES; sample++) {
  for (const [name, task] of Object.entries(tasks)) {
    const start = performance.now()
    task()
    const rate = (draws[name] ?? DRAWS) / 1000 / (performance.now() - start)
    if (sample >= 0) {
      rates[name]!.push(rate)
    }
  }
}

const sorted = Object.entries(rates).map(([name, values]) => ({ name, values: values.sort((a, b) => a - b) }))
const ours = median(rates[OURS]!)
console.table(Object.fromEntries(sorted.map(({ name, values }) => [name, {
  'million a second': Number(median(values).toFixed(1)),
  best: Number(values.at(-1)!.toFixed(1)),
  'createSecureNoise / this': Number((ours / median(values)).toFixed(2))
}])))
