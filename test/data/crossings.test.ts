/**
 * Where two parts of reading data meet: decimal commas and marks, numbers to predict and marks, classes and
 * fingerprints
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { readInputs } from '../../src/data/input-formats.ts'
import { folderOf, greyPng } from './pictures/write-pictures.ts'
import { temporaryFolder } from './write-idx.ts'
import type { Model } from '../../src/data/examples.ts'
import type { DeclaredTable } from '../../src/data/table-schema.ts'

const ROWS = Array.from({ length: 40 }, (_, i) => [i % 5 === 0 ? '-999.0' : String(i / 4), i % 8 === 0 ? '-999' : String(i / 2), i % 2 === 0 ? 'a' : 'b'])

async function table (name: string, rows: readonly (readonly string[])[], separator: string): Promise<string> {
  const file = join(await temporaryFolder(), name)
  await writeFile(file, ['x;y;z', ...rows.map((row) => row.join(';'))].map((line) => line.replaceAll(';', separator)).join('\n'))
  return file
}

function withCommas (rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => row.map((cell) => cell.replace('.', ',')))
}

function declared (marks: string[]): DeclaredTable {
  return { marks, columns: new Map([['x', { kind: 'numeric' }], ['y', { kind: 'numeric' }]]) }
}

describe('a mark of missing values that is a number', () => {
  it('is one in files with decimal points and with decimal commas', async () => {
    const [points, commas] = [await table('p.csv', ROWS, ','), await table('c.csv', withCommas(ROWS), ';')]
    const choices = { label: 'z', declared: declared(['-999']) }
    const [a, b] = [await inferInput({ kind: 'csv', file: points }, choices), await inferInput({ kind: 'csv', file: commas }, choices)]
    expect(a.schema!.columns[0]).toMatchObject({ missing: 8, range: { min: 0.25 } })
    expect(b.input).toEqual(a.input)
    const model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: a.input, labels: a.labels } as unknown as Model
    const [p, c] = [await loadDataset({ kind: 'csv', file: points }, model), await loadDataset({ kind: 'csv', file: commas }, model)]
    expect(c.train.recordDigests).toEqual(p.train.recordDigests)
  })

  it('is no number to predict', async () => {
    const file = await table('t.csv', ROWS, ',')
    await expect(inferInput({ kind: 'csv', file }, { label: 'y', task: 'regression', declared: { ...declared(['-999']), columns: new Map([['x', { kind: 'numeric' }]]) } }))
      .rejects.toThrow(/line 2, column "y": "-999" is no number to predict; remove the rows without one/)
  })
})

describe('numbers with decimal commas', () => {
  it('are as many numbers where they are the label', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => [String(i), String(i % 7), `${i % 25},5`])
    await expect(inferInput({ kind: 'csv', file: await table('l.csv', rows, ';') }, { label: 'z' })).rejects.toThrow(/25 different numbers: to predict the number, say --task regression/)
  })

  it('are told to predictions of a file that does not show them', async () => {
    const input = { kind: 'table', label: 'z', columns: [{ kind: 'numeric', name: 'x', mean: 0, stdDev: 1 }, { kind: 'numeric', name: 'y', mean: 0, stdDev: 1 }] }
    const model = { input, labels: ['a', 'b'] } as unknown as Model
    const path = await table('few.csv', [['1,234', '2', ''], ['3', '4', '']], ';')
    const inputs: number[] = []
    await readInputs({ path, decimal: 'comma' }, model, (batch) => { inputs.push(...batch.inputs.slice(0, 4)); return undefined })
    expect(inputs).toEqual([Math.fround(1.234), 2, 3, 4])
  })
})

describe('the fingerprint of pictures', () => {
  it('is of their class, wherever that stands in a document', async () => {
    const picture = (seed: number): Buffer => greyPng(4, 4, Array.from({ length: 16 }, (_, i) => (i * seed) % 256))
    const path = await folderOf({ 'cat/1.png': picture(3), 'cat/2.png': picture(5), 'dog/1.png': picture(7), 'dog/2.png': picture(11) })
    const digests = async (labels: string[]): Promise<Uint8Array | undefined> => {
      const model = { input: { kind: 'image', shape: [4, 4, 1], mean: 0, stdDev: 1 }, labels } as unknown as Model
      return (await loadDataset({ kind: 'images', path, testFraction: 0.5 }, model)).train.recordDigests
    }
    expect(await digests(['bird', 'cat', 'dog'])).toEqual(await digests(['cat', 'dog']))
  })
})
