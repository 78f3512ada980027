/**
 * The same table is the same dataset, whatever a federation's document makes of it
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadCsvDataset } from '../../src/data/csv-dataset.ts'
import { imageExamples } from '../../src/data/examples.ts'
import { identityOf } from '../../src/data/dataset-identity.ts'
import { exampleDigests, fingerprint, rowsOfExamples } from '../../src/data/fingerprint.ts'
import { inheritedLedgers } from '../../src/ledger/inherited.ts'
import { keepIdentity } from '../../src/ledger/sketch-file.ts'
import { sketchOf } from '../../src/data/sketch.ts'
import { charge, ledgerIn } from '../ledger/charges.ts'
import type { Examples, Model } from '../../src/data/examples.ts'
import type { DatasetIdentity } from '../../src/interface.ts'

const SECRET = new Uint8Array(32).fill(3)

const ROWS = Array.from({ length: 400 }, (_, i) => ({ age: String(20 + i % 60), score: (i * 0.37).toFixed(2), sex: i % 3 === 0 ? 'f' : 'm', class: i % 2 === 0 ? 'ill' : 'well' }))

type Row = (typeof ROWS)[number]

const model: Model = {
  input: {
    kind: 'table',
    label: 'class',
    columns: [{ kind: 'numeric', name: 'age', mean: 0, stdDev: 1 }, { kind: 'numeric', name: 'score', mean: 1, stdDev: 2 }, { kind: 'categorical', name: 'sex', values: ['f', 'm'] }]
  },
  labels: ['ill', 'well'],
  layers: []
} as unknown as Model

/** Other numbers, order and choice of columns, another numbering of labels and values */
const otherModel: Model = {
  input: { kind: 'table', label: 'class', columns: [{ kind: 'categorical', name: 'sex', values: ['x', 'm', 'f'] }, { kind: 'numeric', name: 'age', mean: 40, stdDev: 11 }] },
  labels: ['well', 'ill'],
  layers: []
} as unknown as Model

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-identity-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

function csv (rows: readonly Row[], columns: ReadonlyArray<keyof Row> = ['age', 'score', 'sex', 'class']): string {
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))].map((cells) => cells.join(',')).join('\n')
}

/** All rows of the text as training examples */
async function load (text: string, asModel = model): Promise<Examples> {
  const file = join(folder, 'train.csv')
  await writeFile(file, text)
  return (await loadCsvDataset({ kind: 'csv', file, testFile: file }, asModel)).train
}

async function identity (text: string, asModel = model): Promise<DatasetIdentity> {
  return identityOf(await load(text, asModel), SECRET)
}

describe('the identity of a table', () => {
  it('does not depend on the order of rows and columns, on how numbers are written, or on the document', async () => {
    const plain = await identity(csv(ROWS))
    const { fingerprint, sketch } = plain
    expect(sketch).toMatchObject({ complete: true, hashes: { length: 6 * ROWS.length } })
    const same = [
      await identity(csv(ROWS.slice().reverse())),
      await identity(csv(ROWS, ['class', 'sex', 'score', 'age'])),
      await identity(csv(ROWS.map((row) => ({ ...row, age: `${row.age}.0`, score: `+${row.score}0e0` })))),
      await identity(csv(ROWS.map((row) => ({ ...row, sex: `"${row.sex}"` }))).replaceAll('\n', '\r\n')),
      await identity(csv(ROWS), otherModel),
      await identity(csv(ROWS), { ...model, input: { ...model.input, label: 'sex', columns: [{ kind: 'categorical', name: 'class', values: ['ill', 'well'] }] }, labels: ['m', 'f'] } as unknown as Model)
    ]
    expect(same.map((each) => [each.fingerprint, each.sketch])).toEqual(same.map(() => [fingerprint, sketch]))
    // earlier versions saw other sets
    expect(new Set([plain, ...same.slice(4)].map(({ former }) => former!.fingerprint)).size).toBe(3)
  })

  it('changes with a cell, a label, the name of a column, and which cell is in which column', async () => {
    const changed = (change: Partial<Row>): string => csv(ROWS.with(7, { ...ROWS[7]!, ...change }))
    const texts = [csv(ROWS), changed({ age: '99' }), changed({ class: 'ill' }), changed({ sex: 'f' }), csv(ROWS.slice(1)), csv([...ROWS, ROWS[0]!]), csv(ROWS.map(({ age, score, ...rest }) => ({ ...rest, age: score, score: age })))]
    const fingerprints = await Promise.all(texts.map(async (text, i) => {
      const file = join(folder, `${i}.csv`)
      await writeFile(file, text)
      return identityOf((await loadCsvDataset({ kind: 'csv', file, testFile: file }, model)).train, SECRET).fingerprint
    }))
    expect(new Set(fingerprints).size).toBe(texts.length)
  })

  it('is that of the own part alone', async () => {
    const file = join(folder, 'all.csv')
    await writeFile(file, csv(ROWS))
    const part = async (index: number): Promise<DatasetIdentity> => identityOf((await loadCsvDataset({ kind: 'csv', file }, model, { index, count: 2, strategy: 'iid', seed: 1 })).train, SECRET)
    const [first, second] = [await part(0), await part(1)]
    expect(first.sketch.hashes.length + second.sketch.hashes.length).toBe(6 * 320)
    expect(first.fingerprint).not.toBe(second.fingerprint)
  })

  it('of images is one only, and what it was', () => {
    const examples = imageExamples(Uint8Array.of(0, 10, 20, 30), Uint16Array.of(0, 1), { kind: 'image', shape: [1, 2, 1], mean: 0, stdDev: 1 })
    expect(identityOf(examples, SECRET)).toEqual({ fingerprint: fingerprint(rowsOfExamples(examples)), sketch: sketchOf(exampleDigests(rowsOfExamples(examples)), SECRET) })
  })
})

describe('what was charged to a table', () => {
  it('counts for one of which training sees the same, whatever stands in columns that the document does not take', async () => {
    const first = await identity(csv(ROWS))
    const ledger = ledgerIn(folder, { fingerprint: first.fingerprint, identity: first })
    await ledger.open()
    await ledger.reserve(charge(4))
    await ledger.close()
    const numbered = csv(ROWS).split('\n').map((line, i) => i === 0 ? `number,${line}` : `${i},${line}`).join('\n')
    const own = await identity(numbered)
    expect(own.fingerprint).not.toBe(first.fingerprint)
    await keepIdentity(folder, own)
    expect(await inheritedLedgers({ root: folder, fingerprint: own.fingerprint })).toMatchObject([{ fingerprint: first.fingerprint, share: 1 }])
  })
})

describe('what was charged to a table by its former name', () => {
  /** A ledger as an earlier version left it; returns its name */
  async function former (text: string, withSketch: boolean): Promise<string> {
    const digests = exampleDigests(rowsOfExamples(await load(text)))
    const name = fingerprint(rowsOfExamples(await load(text)))
    const ledger = ledgerIn(folder, { fingerprint: name, ...(withSketch ? { identity: { sketch: sketchOf(digests, SECRET) } } : {}) })
    await ledger.open()
    await ledger.reserve(charge(4))
    await ledger.close()
    return name
  }

  async function inherited (text: string): Promise<Array<{ fingerprint: string, share: number, steps: number | undefined }>> {
    const own = await identity(text)
    await keepIdentity(folder, own)
    return (await inheritedLedgers({ root: folder, fingerprint: own.fingerprint })).map(({ fingerprint, share, totals }) => ({ fingerprint, share, steps: totals[0]?.steps }))
  }

  it.each([true, false])('counts for the same table (with a sketch: %s)', async (withSketch) => {
    const name = await former(csv(ROWS), withSketch)
    expect(name).not.toBe((await identity(csv(ROWS))).fingerprint)
    expect(await inherited(csv(ROWS))).toEqual([{ fingerprint: name, share: 1, steps: 10 }])
  })

  it('counts for a table that shares rows with it', async () => {
    const name = await former(csv(ROWS), true)
    expect(await inherited(csv(ROWS.slice(1)))).toEqual([{ fingerprint: name, share: 1, steps: 10 }])
  })
})
