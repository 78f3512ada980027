/**
 * The real MNIST files, where they are at hand
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { checkDataset, inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { exampleDigests, rowsOfExamples, sortedDigests } from '../../src/data/fingerprint.ts'
import { readIdx } from '../../src/data/idx.ts'
import { folderOf, greyPng } from './pictures/write-pictures.ts'
import type { Examples, Model } from '../../src/data/examples.ts'

const directory = '../shared/data/mnist'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of array buffers that something still refers to */
async function retainedBytes (): Promise<number> {
  let bytes = Infinity
  for (let reading = 0; reading < 20; reading++) {
    const before = bytes
    collectGarbage()
    // their memory is given back by another thread
    await new Promise((resolve) => { setImmediate(resolve) })
    bytes = process.memoryUsage().arrayBuffers
    if (bytes === before) {
      break
    }
  }
  return bytes
}

const present = existsSync(directory)

const model: Model = {
  topology: {},
  seed: 1,
  loss: 'categoricalCrossentropy',
  input: { kind: 'image', shape: [28, 28, 1], mean: 0.1307, stdDev: 0.3081 },
  labels: Array.from({ length: 10 }, (_, i) => String(i))
}

describe.skipIf(!present)(`MNIST${present ? '' : ` (skipped: ${directory} is not there)`}`, () => {
  it('has 60,000 training and 10,000 test images, byte for byte those of the original', async () => {
    const { train, test } = await loadDataset({ kind: 'idx', directory }, model)
    expect([train.count, test.count, train.featureCount]).toEqual([60_000, 10_000, 784])
    const hash = createHash('sha256')
    await readIdx(`${directory}/train-images-idx3-ubyte.gz`, [3], () => (piece) => { hash.update(piece) })
    expect(hash.digest('hex')).toMatchInlineSnapshot('"741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"')
    const out = new Float32Array(784)
    let sum = 0
    for (let i = 0; i < train.count; i++) {
      train.writeInputs(i, out, 0)
      sum += out.reduce((a, b) => a + b) / 784
    }
    expect(sum / train.count).toBeCloseTo(0, 3)
    const counts = new Array<number>(10).fill(0)
    train.labels.forEach((label) => counts[label]!++)
    expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
  })

  it('is split among four peers, each of which holds its own rows only', async () => {
    const before = await retainedBytes()
    const parts = []
    for (let index = 0; index < 4; index++) {
      parts.push(await loadDataset({ kind: 'idx', directory }, model, { index, count: 4, strategy: 'iid', seed: 1 }))
    }
    // 11.8 MB of own rows and 7.8 MB of test images each, where the whole would be 54.9 MB
    const megabytes = (await retainedBytes() - before) / 4e6
    expect(parts.map(({ train, test }) => [train.count, test.count])).toEqual(new Array(4).fill([15_000, 10_000]))
    expect(megabytes).toBeGreaterThan(10)
    expect(megabytes).toBeLessThan(24)
  })

  it('tells a founder its well-known statistics', async () => {
    expect(await inferInput({ kind: 'idx', directory })).toEqual({ input: { kind: 'image', shape: [28, 28, 1], mean: 0.1307, stdDev: 0.3081 }, labels: model.labels })
  })

  it('passes the quick check', async () => {
    await expect(checkDataset({ kind: 'idx', directory }, model)).resolves.toBeUndefined()
  })

  it('as a folder of PNG files gives the same examples, bit for bit, and the same digests', async () => {
    const part = { index: 0, count: 600, strategy: 'iid', seed: 1 } as const
    const { train } = await loadDataset({ kind: 'idx', directory }, model, part)
    const folder = await folderOf(Object.fromEntries<Buffer>(Array.from({ length: train.count }, (_, i): [string, Buffer] => [`train/${train.labels[i]}/${i}.png`, greyPng(28, 28, train.original!(i))])
      .concat([['test/0/0.png', greyPng(28, 28, train.original!(0))]])))
    const own = (await loadDataset({ kind: 'images', path: folder }, model)).train
    const rows = (examples: Examples): string[] => Array.from({ length: examples.count }, (_, i) => {
      const out = new Float32Array(784)
      examples.writeInputs(i, out, 0)
      return `${examples.labels[i]} ${Buffer.from(out.buffer).toString('base64')}`
    }).sort()
    expect(own.count).toBe(100)
    expect(rows(own)).toEqual(rows(train))
    expect(sortedDigests(own.recordDigests!)).toEqual(exampleDigests(rowsOfExamples(train)))
  })
})
