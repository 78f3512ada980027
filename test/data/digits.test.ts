import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkDataset, inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { identityOf } from '../../src/data/dataset-identity.ts'
import { DIGITS_DEFAULTS, DIGITS_INPUT, DIGIT_LABELS, digitLabel, drawDigits } from '../../src/data/digits.ts'
import { smoothCurve } from '../../src/data/digit-pen.ts'
import { DatasetError } from '../../src/errors.ts'
import { SmallNetwork } from './small-network.ts'
import type { Model } from '../../src/data/examples.ts'
import type { DatasetSource } from '../../src/interface.ts'

const model: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: DIGITS_INPUT, labels: [...DIGIT_LABELS] }

const source = (trainExamples: number, testExamples: number, seed = 1): DatasetSource => ({ kind: 'digits', seed, trainExamples, testExamples })

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('embedded digits', () => {
  it('depend on seed, set and index only', () => {
    const all = drawDigits(5, 'train', [0, 1, 2, 3, 40, 41])
    expect(drawDigits(5, 'train', [40])).toEqual(all.slice(4 * 784, 5 * 784))
    expect(drawDigits(6, 'train', [40])).not.toEqual(drawDigits(5, 'train', [40]))
    expect(drawDigits(5, 'test', [40])).not.toEqual(drawDigits(5, 'train', [40]))
  })

  it('are the same as ever, on any machine', () => {
    expect(sha256(drawDigits(1, 'train', Array.from({ length: 200 }, (_, i) => i)))).toMatchInlineSnapshot('"fc4b9122b67bd088cb4a553aa8317a98f431c37206c5c00f14ad9fa040556276"')
  })

  it('are the same drawn alone, in any order, and drawn in the whole', async () => {
    const whole = [drawDigits(1, 'train', Array.from({ length: 300 }, (_, i) => i)), drawDigits(1, 'test', Array.from({ length: 40 }, (_, i) => i))]
    const { train, test } = await loadDataset(source(300, 40), model)
    for (const [set, pixels] of [[train, whole[0]!], [test, whole[1]!]] as const) {
      const out = new Float32Array(3 * 784)
      for (let i = set.count - 1; i >= 0; i -= 7) {
        set.writeInputs(i, out, 784)
        expect(set.original!(i)).toEqual(pixels.subarray(i * 784, (i + 1) * 784))
        expect(Array.from(out.subarray(784, 2 * 784), (value) => Math.abs(Math.round(255 * (value * 0.2636 + 0.1227))))).toEqual([...pixels.subarray(i * 784, (i + 1) * 784)])
      }
      expect(() => { set.writeInputs(set.count, out, 0) }).toThrow(RangeError)
      expect(() => { set.writeInputs(-1, out, 0) }).toThrow(RangeError)
    }
  })

  it('name a part of them as they did in version 0.1.0', async () => {
    const { train } = await loadDataset({ kind: 'digits', ...DIGITS_DEFAULTS }, model, { index: 0, count: 8, strategy: 'dirichlet', alpha: 0.3, seed: 1 })
    const { fingerprint, sketch } = identityOf(train, new Uint8Array(32))
    expect([train.count, fingerprint.slice(0, 16), sha256(sketch.hashes).slice(0, 16)]).toEqual([2104, '51a67e8b519aab14', '341b979344b77afd'])
  })

  it('never repeat one image', () => {
    const count = 2000
    const pixels = Buffer.concat([drawDigits(1, 'train', Array.from({ length: count }, (_, i) => i)), drawDigits(1, 'test', Array.from({ length: count }, (_, i) => i))])
    const seen = new Set(Array.from({ length: 2 * count }, (_, i) => sha256(pixels.subarray(i * 784, (i + 1) * 784))))
    expect(seen.size).toBe(2 * count)
  })

  it('have ink on every image, inside the frame, and the statistics of the document', async () => {
    const { train } = await loadDataset(source(2000, 10), model)
    const out = new Float32Array(784)
    let sum = 0
    let squares = 0
    for (let i = 0; i < train.count; i++) {
      train.writeInputs(i, out, 0)
      const largest = out.reduce((a, b) => Math.max(a, b))
      expect(largest).toBeGreaterThan(1)
      sum += out.reduce((a, b) => a + b) / 784
      squares += out.reduce((a, b) => a + b * b, 0) / 784
    }
    expect(Math.abs(sum / train.count)).toBeLessThan(0.03)
    expect(squares / train.count).toBeCloseTo(1, 1)
  })

  it('are drawn for the own part only, and are the same there as in the whole', async () => {
    const whole = await loadDataset(source(600, 50), model)
    const labels = new Array<number>(10).fill(0)
    let count = 0
    for (let index = 0; index < 4; index++) {
      const { train, test } = await loadDataset(source(600, 50), model, { index, count: 4, strategy: 'dirichlet', alpha: 0.3, seed: 3 })
      expect(test.labels).toEqual(whole.test.labels)
      train.labels.forEach((label) => labels[label]!++)
      count += train.count
    }
    expect(count).toBe(600)
    expect(labels).toEqual(new Array(10).fill(60))
  })

  it('have balanced labels', () => {
    expect(Array.from({ length: 12 }, (_, i) => digitLabel(i))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
  })

  it('found a federation without a file', async () => {
    const { input, labels } = await inferInput({ kind: 'digits', ...DIGITS_DEFAULTS })
    await expect(checkDataset({ kind: 'digits', ...DIGITS_DEFAULTS }, { ...model, input, labels })).resolves.toBeUndefined()
  })

  it('refuse a model of another shape or other classes', async () => {
    await expect(loadDataset(source(10, 10), { ...model, labels: ['a', 'b'] })).rejects.toThrow(DatasetError)
    await expect(loadDataset(source(10, 10), { ...model, input: { ...DIGITS_INPUT, shape: [32, 32, 3] } })).rejects.toThrow(/images of 28 x 28 x 1, but the federation's model takes images of 32 x 32 x 3/)
    await expect(loadDataset(source(0, 10), model)).rejects.toThrow(RangeError)
  })

  it('leave a linear model well below a small network', async () => {
    // Mean 0: paper stays exactly 0 and costs nothing in this plain network
    const { train, test } = await loadDataset(source(5000, 1500), { ...model, input: { ...DIGITS_INPUT, mean: 0, stdDev: 0.5 } })
    const settings = { classes: 10, epochs: 6, seed: 1 }
    const linear = new SmallNetwork(784, { ...settings, hidden: 0 })
    const network = new SmallNetwork(784, { ...settings, hidden: 64, learningRate: 0.002 })
    linear.train(train)
    network.train(train)
    const accuracies = { linear: linear.accuracy(test), network: network.accuracy(test) }
    expect(accuracies.linear).toBeGreaterThan(0.7)
    expect(accuracies.linear).toBeLessThan(0.87)
    expect(accuracies.network).toBeGreaterThan(0.94)
  }, 180_000)
})

describe('smoothCurve', () => {
  it('passes through every point and ends at the last', () => {
    const points = [0, 0, 1, 2, 3, 1, 4, 4]
    const curve = smoothCurve(points)
    for (let i = 0; i < 4; i++) {
      expect(curve.slice(10 * i, 10 * i + 2)).toEqual(points.slice(2 * i, 2 * i + 2))
    }
    expect(curve).toHaveLength(2 * 16)
  })
})
