import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../../src/data/data-formats.ts'
import { readPictureInputs } from '../../../src/data/pictures/picture-inputs.ts'
import { folderOf, greyPng } from './write-pictures.ts'
import type { Model } from '../../../src/data/examples.ts'

const model: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'image', shape: [2, 3, 1], mean: 0.5, stdDev: 0.25, resize: 'bilinear', bits: 16 }, labels: ['a', 'b'] }

function picture (i: number): Buffer {
  return greyPng(5, 4, Array.from({ length: 20 }, (_, at) => 997 * i + 31 * at), 16)
}

async function inputsOf (path: string, of = model): Promise<{ names: string[], rows: number[][], largest: number }> {
  const names: string[] = []
  const rows: number[][] = []
  let largest = 0
  const count = await readPictureInputs({ path }, of, async (batch) => {
    names.push(...batch.names)
    largest = Math.max(largest, batch.count)
    for (let i = 0; i < batch.count; i++) {
      rows.push([...batch.inputs.subarray(6 * i, 6 * (i + 1))])
    }
  })
  expect(rows).toHaveLength(count)
  return { names, rows, largest }
}

describe('pictures without labels', () => {
  it.each([['stretched', model], ['cut', { ...model, input: { ...model.input, fit: 'crop' } } as Model]] as const)('%s, have the inputs that training sees of the same files, in the order of their names', async (_, model) => {
    const files = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`${'ab'[i % 2]!}/${i}.png`, picture(i)]))
    const folder = await folderOf({ ...files, 'notes.txt': 'x' })
    const { names, rows } = await inputsOf(folder, model)
    expect(names).toEqual(['a/0.png', 'a/2.png', 'a/4.png', 'b/1.png', 'b/3.png', 'b/5.png'])
    const { train, test } = await loadDataset({ kind: 'images', path: folder, testFraction: 0.4 }, model)
    const trained = [train, test].flatMap((set) => Array.from({ length: set.count }, (_, i) => {
      const out = new Float32Array(6)
      set.writeInputs(i, out, 0)
      return String([...out])
    }))
    expect(rows.map(String).sort()).toEqual(trained.sort())
  })

  it('come in batches, however many there are, and one file alone is one of them', async () => {
    const folder = await folderOf(Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`${i}.png`, picture(i % 7)])))
    const { rows, largest } = await inputsOf(folder)
    expect([rows.length, largest]).toEqual([130, 64])
    expect((await inputsOf(join(folder, '3.png'))).rows).toHaveLength(1)
  })

  it('are refused where there are none, and from standard input', async () => {
    await expect(inputsOf(await folderOf({ 'a.txt': 'x' }))).rejects.toThrow('has no pictures')
    await expect(readPictureInputs({ path: '-', bytes: Readable.from([]) }, model, () => undefined)).rejects.toThrow('standard input')
  })
})
