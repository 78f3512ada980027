import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readInputs } from '../../../src/data/input-formats.ts'
import { idxBytes, temporaryFolder } from '../write-idx.ts'
import { npy, npz } from './write-arrays.ts'
import { inputShape } from '../../../src/federation/input-shape.ts'
import type { Model } from '../../../src/data/examples.ts'

async function written (name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, content)
  return path
}

async function inputsOf (path: string, model: Model): Promise<{ count: number, inputs: number[] }> {
  const inputs: number[] = []
  const features = inputShape(model.input).reduce((product, size) => product * size, 1)
  const count = await readInputs({ path }, model, async (batch) => { inputs.push(...batch.inputs.subarray(0, batch.count * features)) })
  return { count, inputs }
}

const NUMBERS = Array.from({ length: 1_500 * 2 }, (_, i) => i % 13 === 0 ? NaN : (i * 7919 % 1_000) / 8 - 60)
const TABLE_ARRAY = npy('<f8', [1_500, 2], new Uint8Array(Float64Array.from(NUMBERS).buffer))
const PIXELS = Uint8Array.from({ length: 150 * 12 }, (_, i) => i * 31 % 256)
const PICTURES = npy('|u1', [150, 4, 3], PIXELS)

const table: Model = {
  topology: {},
  seed: 1,
  loss: 'categoricalCrossentropy',
  input: { kind: 'table', label: 'label', columns: [{ kind: 'numeric', name: 'x1', mean: 3, stdDev: 2 }, { kind: 'numeric', name: 'x0', mean: 0, stdDev: 1 }] },
  labels: ['0', '1']
}
const pictures: Model = { ...table, input: { kind: 'image', shape: [4, 3, 1], mean: 0.1, stdDev: 0.5 } }

describe('an array of NumPy without labels', () => {
  it('is a table with the columns x0, x1, …, as the CSV file of the same cells is', async () => {
    const csv = ['x0,x1', ...Array.from({ length: 1_500 }, (_, row) => `${NUMBERS[2 * row]},${NUMBERS[2 * row + 1]}`), ''].join('\n')
    const wanted = await inputsOf(await written('x.csv', csv), table)
    expect(wanted.count).toBe(1_500)
    expect(await inputsOf(await written('x.npy', TABLE_ARRAY), table)).toEqual(wanted)
    expect(await inputsOf(await written('x', TABLE_ARRAY), table)).toEqual(wanted)
    expect(await inputsOf(await written('x.npz', npz({ anything: TABLE_ARRAY })), table)).toEqual(wanted)
  })

  it('is pictures where the model takes some, as the IDX file of the same pixels is', async () => {
    const wanted = await inputsOf(await written('x-idx3-ubyte', idxBytes([150, 4, 3], PIXELS)), pictures)
    expect(wanted.count).toBe(150)
    expect(await inputsOf(await written('x.npy', PICTURES), pictures)).toEqual(wanted)
    expect(await inputsOf(await written('x.npz', npz({ x: PICTURES })), pictures)).toEqual(wanted)
  })

  it.each<[string, [Model, string, Uint8Array], RegExp]>([
    ['several arrays', [table, 'x.npz', npz({ a: TABLE_ARRAY, b: TABLE_ARRAY })], /has the arrays "a", "b", and predictions are made from one/],
    ['an empty archive', [table, 'x.npz', Buffer.concat([Buffer.from('PK\x03\x04'), npz({}).subarray(0)])], /has no arrays, and predictions are made from one/],
    ['pictures for a table', [table, 'x.npy', PICTURES], /has the shape \(150, 4, 3\), but the federation's model takes a table/],
    ['a table for pictures', [pictures, 'x.npy', TABLE_ARRAY], /has the shape \(1500, 2\), but pictures have three or four dimensions/],
    ['pictures of floats', [pictures, 'x.npy', npy('<f4', [2, 4, 3], new Uint8Array(96))], /elements of type f32, but samples of pictures are uint8/],
    ['pictures of another size', [pictures, 'x.npy', npy('|u1', [2, 5, 3], new Uint8Array(30))], /has 3 x 5 pixels, but the federation's pictures have 3 x 4/],
    ['one column', [table, 'x.npy', npy('<f8', [3, 1], new Uint8Array(24))], /has no column "x1"/],
    ['a cut file', [table, 'x.npy', TABLE_ARRAY.subarray(0, 1_000)], /cut short: its header announces 24128 bytes/],
    ['objects', [table, 'x.npy', npy('|O', [3, 2], new Uint8Array(48))], /Python objects/],
    ['a header that announces the moon', [table, 'x.npy', npy('<f8', [2 ** 31, 2 ** 10], new Uint8Array(8))], /more than the 2 GiB one peer can hold/]
  ])('is refused by name: %s', async (_, [model, name, content], message) => {
    await expect(inputsOf(await written(name, content), model)).rejects.toThrow(message)
  })
})
