import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { imageExamples } from '../../src/data/examples.ts'
import { tableExamples } from '../../src/data/table-examples.ts'
import { DIGEST_BYTES, exampleDigests, fingerprint, fingerprintOf, flatRows, rowsOfExamples } from '../../src/data/fingerprint.ts'
import { seededRandom, shuffle } from '../../src/seeded-random.ts'

interface Flat {
  features: Float32Array | Uint8Array
  labels: Uint16Array
  width: number
}

/** Few values, so that examples occur more than once */
function trainingSet (count: number, { width = 3, seed = 'set', bytes = false } = {}): Flat {
  const random = seededRandom(seed)
  const values = Array.from({ length: count * width }, () => Math.floor(random() * 3))
  return { features: bytes ? Uint8Array.from(values) : Float32Array.from(values), labels: Uint16Array.from({ length: count }, () => Math.floor(random() * 4)), width }
}

function permuted ({ features, labels, width }: Flat, order: Uint32Array): Flat {
  const moved = features.slice()
  order.forEach((from, to) => moved.set(features.subarray(from * width, (from + 1) * width), to * width))
  return { features: moved, labels: labels.map((_, i) => labels[order[i]!]!), width }
}

function fingerprintOfFlat ({ features, labels }: Pick<Flat, 'features' | 'labels'>): string {
  return fingerprint(flatRows(features, labels))
}

describe('the fingerprint of a training set', () => {
  it.each([false, true])('does not depend on the order of the examples (bytes: %s)', (bytes) => {
    for (const count of [2, 10, 1000]) {
      const set = trainingSet(count, { bytes })
      const order = shuffle(Uint32Array.from({ length: count }, (_, i) => i), seededRandom(count))
      expect(fingerprintOfFlat(permuted(set, order))).toBe(fingerprintOfFlat(set))
    }
  })

  it('does not depend on the order of thousands of different examples, some of whose digests begin alike', () => {
    const set = { features: Float32Array.from({ length: 5000 }, (_, i) => i), labels: new Uint16Array(5000), width: 1 }
    const order = shuffle(Uint32Array.from({ length: 5000 }, (_, i) => i), seededRandom('different'))
    expect(fingerprintOfFlat(permuted(set, order))).toBe(fingerprintOfFlat(set))
  })

  it('does not depend on the order where all examples but one are the same', () => {
    const features = new Float32Array(5000)
    const fingerprints = [0, 1, 2500, 4999].map((at) => {
      const labels = new Uint16Array(5000)
      labels[at] = 1
      return fingerprintOfFlat({ features, labels })
    })
    expect(new Set(fingerprints).size).toBe(1)
  })

  it('changes with a feature, a label, an example more or less, one that occurs twice, and which label belongs to which', () => {
    const features = Float32Array.of(1, 2, 3, 4)
    const labels = Uint16Array.of(0, 1)
    const sets = [
      { features, labels },
      { features: Float32Array.of(1, 2, 3, 4 + 2 ** -21), labels },
      { features, labels: Uint16Array.of(0, 2) },
      { features, labels: Uint16Array.of(1, 0) },
      { features: features.slice(0, 2), labels: labels.slice(0, 1) },
      { features: Float32Array.of(1, 2, 3, 4, 3, 4), labels: Uint16Array.of(0, 1, 1) },
      { features: Float32Array.of(1, 2, 3, 4, 1, 2), labels: Uint16Array.of(0, 1, 0) },
      { features: Float32Array.of(1, 3, 2, 4), labels },
      { features: Uint8Array.of(1, 2, 3, 4), labels },
      { features: new Uint8Array(features.buffer), labels },
      { features: new Float32Array(0), labels: new Uint16Array(0) }
    ]
    expect(new Set(sets.map(fingerprintOfFlat)).size).toBe(sets.length)
  })

  it('is what it says: sorted sha-256 digests of kind, label and little-endian features', () => {
    const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
    const example = (label: number, ...features: number[]): Buffer => {
      const message = Buffer.alloc(9 + 4 * features.length)
      message[0] = 4
      message.writeDoubleLE(label, 1)
      features.forEach((feature, i) => message.writeFloatLE(feature, 9 + 4 * i))
      return sha256(message)
    }
    const digests = [example(7, 0.5, -1), example(300, 2, 3), example(7, 0.5, -1)].sort((a, b) => a.compare(b))
    expect(fingerprintOfFlat({ features: Float32Array.of(0.5, -1, 2, 3, 0.5, -1), labels: Uint16Array.of(7, 300, 7) }))
      .toBe(sha256(Buffer.from('grapevine training set 1\n'), ...digests).toString('hex'))
  })

  it('sorts like a plain sort', () => {
    const { features, labels } = trainingSet(3000)
    const digests = Buffer.from(exampleDigests(flatRows(features, labels)))
    const list = Array.from({ length: 3000 }, (_, i) => digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES))
    expect(Buffer.concat(list.slice().sort((a, b) => a.compare(b))).equals(digests)).toBe(true)
    expect(new Set(list.map((digest) => digest.toString('hex'))).size).toBeLessThan(200)
    expect(fingerprintOf(digests)).toBe(fingerprintOfFlat({ features, labels }))
  })

  it('reads views of a larger array, and rows that overwrite each other', () => {
    const { features, labels, width } = trainingSet(50)
    const padded = new Float32Array(features.length + 2)
    padded.set(features, 1)
    expect(fingerprint(flatRows(padded.subarray(1, -1), labels))).toBe(fingerprint(flatRows(features, labels)))
    const input = { kind: 'table', columns: Array.from({ length: width }, (_, i) => ({ kind: 'numeric', name: `c${i}`, mean: 0, stdDev: 1 })) } as unknown as Parameters<typeof tableExamples>[2]
    expect(fingerprint(rowsOfExamples(tableExamples(features as Float32Array, labels, input)))).toBe(fingerprint(flatRows(features, labels)))
  })

  it('of images is that of their pixels, whatever a document makes of them', () => {
    const pixels = Uint8Array.of(0, 10, 20, 30)
    const labels = Uint16Array.of(0, 1)
    const image = (mean: number): string => fingerprint(rowsOfExamples(imageExamples(pixels, labels, { kind: 'image', shape: [1, 2, 1], mean, stdDev: 1 })))
    expect(new Set([image(0), image(0.5), fingerprint(flatRows(pixels, labels))]).size).toBe(1)
  })

  it('refuses rows of different lengths, and labels that are not those of the rows', () => {
    expect(() => flatRows(new Float32Array(5), new Uint16Array(2))).toThrow(RangeError)
    expect(() => flatRows(new Float32Array(5), new Uint16Array(0))).toThrow(RangeError)
    expect(() => fingerprint({ count: 2, labels: [0], row: () => new Float32Array(1) })).toThrow(RangeError)
    expect(() => fingerprint({ count: 2, labels: [0, 1], row: (index) => new Float32Array(1 + index) })).toThrow(RangeError)
  })
})
