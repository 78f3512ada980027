import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../src/data/data-formats.ts'
import { partSizes } from '../../src/data/part-sizes.ts'
import { presetDocument } from '../../src/presets.ts'
import { temporaryFolder, writeIdxFolder } from './write-idx.ts'
import type { Model } from '../../src/data/examples.ts'
import type { DatasetSource } from '../../src/interface.ts'

const digits: DatasetSource = { kind: 'digits', seed: 1, trainExamples: 400, testExamples: 20 }
const table: Model = {
  topology: {},
  seed: 1,
  loss: 'categoricalCrossentropy',
  input: { kind: 'table', label: 'outcome', columns: [{ kind: 'numeric', name: 'age', mean: 40, stdDev: 10 }] },
  labels: ['no', 'yes']
}

/** What the peers find when each loads its own part */
async function loadedSizes (source: DatasetSource, model: Model, count: number): Promise<number[]> {
  const parts = await Promise.all(Array.from({ length: count }, async (_, index) => loadDataset(source, model, { strategy: 'dirichlet', alpha: 0.5, seed: 3, index, count })))
  return parts.map(({ train }) => train.count)
}

describe('the sizes of the parts', () => {
  it('are those that the peers load, of digits', async () => {
    const { model } = presetDocument('digits')
    expect(await partSizes(digits, model, { strategy: 'dirichlet', alpha: 0.5, seed: 3, count: 4 })).toEqual(await loadedSizes(digits, model, 4))
  })

  it('are those that the peers load, of a table of which a part is held out', async () => {
    const file = join(await temporaryFolder(), 'data.csv')
    await writeFile(file, `age,outcome\n${Array.from({ length: 300 }, (_, row) => `${20 + row % 50},${row % 3 === 0 ? 'yes' : 'no'}\n`).join('')}`)
    const source: DatasetSource = { kind: 'csv', file, testFraction: 0.2 }
    const sizes = await partSizes(source, table, { strategy: 'dirichlet', alpha: 0.5, seed: 3, count: 3 })
    expect(sizes).toEqual(await loadedSizes(source, table, 3))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(240)
  })

  it('are those that the peers load, of IDX files', async () => {
    const directory = await writeIdxFolder({ trainLabels: Array.from({ length: 300 }, (_, row) => row % 3) })
    const source: DatasetSource = { kind: 'idx', directory }
    const model: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'image', shape: [4, 3, 1], mean: 0, stdDev: 1 }, labels: ['a', 'b', 'c'] }
    expect(await partSizes(source, model, { strategy: 'dirichlet', alpha: 0.5, seed: 3, count: 2 })).toEqual(await loadedSizes(source, model, 2))
  })
})
