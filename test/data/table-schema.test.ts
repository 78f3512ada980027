/**
 * What a founder's table tells everyone: as little as the columns allow, and what the founder decides
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inferTable } from '../../src/data/infer-table.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import { encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { newInput } from '../../src/federation/input-schema.ts'
import { identityOf } from '../../src/data/dataset-identity.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { temporaryFolder } from './write-idx.ts'
import type { InferredTable } from '../../src/data/infer-table.ts'
import type { Dataset, Model } from '../../src/data/examples.ts'
import type { ColumnSchema, TableChoices } from '../../src/data/table-schema.ts'

const ROWS = 334

type Cell = (i: number, random: () => number) => string

/** A table of ROWS rows with a label of two classes */
async function table (columns: Record<string, Cell>, rows = ROWS): Promise<string> {
  const random = seededRandom('table')
  const names = [...Object.keys(columns), 'outcome']
  const lines = Array.from({ length: rows }, (_, i) => [...Object.values(columns).map((cell) => cell(i, random)), i % 2 === 0 ? 'ill' : 'well'].join(','))
  const file = join(await temporaryFolder(), 'patients.csv')
  await writeFile(file, [names.join(','), ...lines].join('\n'))
  return file
}

const age: Cell = (_, random) => (40 + 20 * random()).toFixed(1)

async function infer (columns: Record<string, Cell>, choices: TableChoices = {}, rows = ROWS): Promise<InferredTable> {
  return inferTable(await table({ age, ...columns }, rows), choices)
}

async function columnOf (cell: Cell, choices: TableChoices = {}, name = 'x'): Promise<ColumnSchema> {
  const { schema } = await infer({ [name]: cell }, choices)
  return schema.columns.find((column) => column.name === name)!
}

async function failure (promise: Promise<unknown>): Promise<string> {
  const err = await promise.then(() => undefined, (reason: unknown) => reason)
  expect(err).toBeInstanceOf(DatasetError)
  return (err as Error).message
}

function documentOf ({ input, labels }: Pick<InferredTable, 'input' | 'labels'>): ReturnType<typeof parseFederation> {
  return parseFederation({
    format: newInput(input) === undefined ? 1 : 2,
    name: 'table',
    model: { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input, labels },
    training: { epochs: 1, batchSize: 1, optimizer: { name: 'sgd', learningRate: 1 } },
    aggregation: { rule: 'mean', f: 0 },
    codec: { name: 'float32' },
    topology: { degree: 1 },
    round: { deadlineMs: 1000, staleness: 1 },
    privacy: { mechanism: 'none' }
  })
}

async function load (file: string, model: Model): Promise<Dataset> {
  return loadDataset({ kind: 'csv', file, testFile: file }, model)
}

function inputsOf ({ train }: Dataset, index: number): number[] {
  const out = new Float32Array(train.featureCount)
  train.writeInputs(index, out, 0)
  return [...out]
}

const pick = (...values: string[]): Cell => (_, random) => values[Math.floor(values.length * random())]!

describe('a document made from a table names no', () => {
  it.each<[string, Cell, RegExp]>([
    ['identifiers', (i) => `P${i}`, /looks like identifiers or free text: 334 of 334 values occur in fewer than 5 rows$/],
    ['identifiers that some rows share', (i) => `P${i >> 3}`, /42 different values, more than 32; --column x=categorical takes it/],
    ['dates', (i) => `2024-03-${String(1 + i % 28).padStart(2, '0')}`, /^dates; --column x=categorical takes it/],
    ['dates with times', (i) => `${1 + i % 28}.3.2024 08:15`, /^dates/],
    ['dates without signs', (i) => `202403${String(1 + i % 28).padStart(2, '0')}`, /^dates/],
    ['free text', (i) => `fell ${'down '.repeat(60)}${i % 3}`, /^free text/],
    ['postal codes, which are padded', (i) => `0${1000 + i}`, /looks like identifiers/],
    ['numbers of rows', (i) => String(1 + i), /looks like an identifier: whole numbers that all differ; --column x=numeric takes it/],
    ['numbers of patients', (_, random) => String(Math.floor(1e7 + 8e7 * random())), /looks like an identifier: whole numbers/],
    ['constant numbers', () => '7', /^constant: "7" in every row$/],
    ['constant words', () => 'St. Mary', /^constant: "St\. Mary" in every row$/],
    ['constant numbers with gaps', (i) => i % 9 === 0 ? 'NA' : '7', /^constant: "7" in every row that has a value/],
    ['empty column', () => '?', /no values/]
  ])('%s', async (_, cell, why) => {
    const { input, labels, schema } = await infer({ x: cell })
    const column = schema.columns.find(({ name }) => name === 'x')!
    expect(column).toMatchObject({ role: 'left out', why: expect.stringMatching(why) as string })
    expect(input.columns.map(({ name }) => name)).toEqual(['age'])
    const told = Buffer.from(encodeFederation(documentOf({ input, labels }))).toString('latin1')
    expect(told).not.toContain('P1')
  })

  it.each(['patient_id', 'patientId', 'ZIP code', 'e-mail', 'Surname', 'mrn'])('column that is named like an identifier, though its values repeat: %s', async (name) => {
    expect(await columnOf(pick('10', '20', '30'), {}, name)).toMatchObject({ role: 'left out', why: expect.stringMatching(/its name is that of an identifier; --column/) as string })
  })

  it('value of few rows: these count as other ones, in all sites', async () => {
    const cell: Cell = (i) => i < 3 ? 'hospice' : i % 2 === 0 ? 'surgery' : 'neurology'
    const { input, labels, schema } = await infer({ ward: cell })
    expect(input.columns[1]).toEqual({ kind: 'categorical', name: 'ward', values: ['neurology', 'surgery'], other: true })
    expect(schema.columns[1]).toMatchObject({ role: 'input', values: ['neurology', 'surgery'], unnamed: { values: 1, rows: 3 } })
    const document = documentOf({ input, labels })
    expect(Buffer.from(encodeFederation(document)).toString('latin1')).not.toContain('hospice')
    const file = await table({ age, ward: (i) => ['surgery', 'burns', '', 'NA'][i % 4]! })
    const dataset = await load(file, document.model)
    expect([0, 1, 2, 3].map((row) => inputsOf(dataset, row).slice(1))).toEqual([[0, 1], [0, 0], [0, 0], [0, 0]])
  })

  it('value of fewer rows than its founder says', async () => {
    const cell: Cell = (i) => i < 3 ? 'hospice' : i < 20 ? 'burns' : i % 2 === 0 ? 'surgery' : 'neurology'
    expect(await columnOf(cell, { rareRows: 1 })).toMatchObject({ values: ['burns', 'hospice', 'neurology', 'surgery'], other: true })
    expect(await columnOf(cell, { rareRows: 18 })).toMatchObject({ values: ['neurology', 'surgery'], unnamed: { values: 2, rows: 20 } })
  })
})

describe('a column of numbers', () => {
  it.each(['NA', 'n/a', '?', '', 'NaN', 'null', '-', '.', 'None', 'unknown'])('stays numeric where values are missing: %j', async (mark) => {
    const cell: Cell = (i) => i % 10 === 0 ? mark : String(i % 2 === 1 ? 10 : 20)
    const { input, labels, schema } = await infer({ x: cell })
    expect(input.columns[1]).toMatchObject({ kind: 'numeric', name: 'x' })
    expect(schema.columns[1]).toMatchObject({ missing: 34, range: { min: 10, max: 20 } })
    const document = documentOf({ input, labels })
    const { mean } = input.columns[1] as { mean: number }
    expect(mean).toBeCloseTo((167 * 10 + 133 * 20) / 300, 9)
    // the mean stands for it, whatever the mark is at another site
    const dataset = await load(await table({ age, x: (i) => i === 0 ? '' : cell(i, () => 0) }), document.model)
    expect(inputsOf(dataset, 0)[1]).toBe(0)
    expect(inputsOf(dataset, 1)[1]).toBeLessThan(0)
  })

  it('that is a code of few values is one input for each when its founder says so', async () => {
    expect(await columnOf(pick('1', '2'), { columns: new Map([['x', 'categorical']]) })).toMatchObject({ kind: 'categorical', values: ['1', '2'] })
  })
})

describe('the founder decides', () => {
  it('to leave a column out, or to take one that is left out', async () => {
    const choices = { columns: new Map([['age', 'ignore'], ['row', 'numeric'], ['site', 'categorical']] as const) }
    const { input } = await infer({ row: (i) => String(i), site: (i) => `s${i % 40}` }, choices)
    expect(input.columns).toMatchObject([{ kind: 'numeric', name: 'row' }, { kind: 'categorical', name: 'site', values: { length: 40 } }])
  })

  it.each<[string, Cell, TableChoices, RegExp]>([
    ['a column that there is not', age, { columns: new Map([['agee', 'ignore']]) }, /has no column "agee".*did you mean "age"/],
    ['words to be numbers', pick('a', 'b'), { columns: new Map([['x', 'numeric']]) }, /line 2, column "x": ".*" is no number/],
    ['a constant to be a number', () => '7', { columns: new Map([['x', 'numeric']]) }, /column "x" has the value "7" only.*--drop x/],
    ['identifiers to be categories', (i) => `P${i}`, { columns: new Map([['x', 'categorical']]) }, /no value that occurs in 5 rows or more.*--rare N/],
    ['the label to be left out', age, { label: 'outcome', columns: new Map([['outcome', 'ignore']]) }, /is the label and cannot be left out/],
    ['classes to be numbers', age, { columns: new Map([['outcome', 'numeric']]) }, /line 2, column "outcome": "ill" is no number to predict/]
  ])('but cannot ask for %s', async (_, cell, choices, message) => {
    expect(await failure(infer({ x: cell }, choices))).toMatch(message)
  })
})

describe('a label', () => {
  it.each<[string, Cell, RegExp]>([
    ['of many numbers is a target of regression', (i) => String(i % 127), /label column "target" has 127 different numbers: to predict the number, say --task regression.*--column target=categorical/],
    ['of a few fractions is one too', (i) => (i % 12 / 10).toFixed(1), /12 different numbers: to predict the number/],
    ['of identifiers is none', (i) => `P${i}`, /334 of them in fewer than 5 rows: names or identifiers, which the document would tell everyone/],
    ['that is missing is no class', (i) => i === 5 ? 'NA' : 'a', /line 7, column "target": "NA" is no label.*--column target=categorical takes it for a class/]
  ])('%s', async (_, target, message) => {
    expect(await failure(infer({ target }, { label: 'target' }))).toMatch(message)
  })

  it('of many numbers is a class each when its founder says so', async () => {
    const { labels } = await infer({ target: (i) => String(i % 127) }, { label: 'target', columns: new Map([['target', 'categorical']]) })
    expect(labels).toHaveLength(127)
  })

  it('of few rows is told, and said to be', async () => {
    const { labels, schema } = await infer({ target: (i) => i === 0 ? 'rare' : i % 2 === 0 ? 'a' : 'b' }, { label: 'target' })
    expect(labels).toEqual(['a', 'b', 'rare'])
    expect(schema.columns.find(({ role }) => role === 'label')).toMatchObject({ rareClasses: ['rare'] })
  })
})

describe('a site whose table differs from the document', () => {
  const model = async (): Promise<Model> => {
    const kilograms: Cell = (_, random) => (60 + 20 * random()).toFixed(1)
    return documentOf(await infer({ weight: kilograms, sex: (i) => i === 0 ? 'other' : i % 2 === 0 ? 'f' : 'm' })).model
  }
  const sex = pick('f', 'm')

  it.each<[string, Record<string, Cell>, RegExp]>([
    ['by its unit', { weight: (_, random) => String(Math.round(60_000 + 20_000 * random())), sex }, /^column "weight": mean (69|70)\d00 and deviation [56]\d\d0 here, (69|70)\.\d and 5\.\d\d in the federation: are the units the same\?$/],
    ['by a unit that is larger', { weight: (_, random) => (0.06 + 0.02 * random()).toFixed(4), sex }, /^column "weight": mean 0\.0(69|70)\d* and deviation 0\.00[56]\d* here/],
    ['by a constant', { weight: () => '70', sex }, /^column "weight": 70 in every row here/],
    ['by what is missing', { weight: (i) => i % 3 === 0 ? '70.5' : '', sex }, /^column "weight": no value in 222 of 334 rows/],
    ['by other words', { weight: (_, random) => (60 + 20 * random()).toFixed(1), sex: pick('female', 'male') }, /^column "sex": 334 of 334 rows have none of the values that the federation names \("f", "m"\)/]
  ])('is told so, with numbers: %s', async (_, columns, remark) => {
    expect((await load(await table({ age, ...columns }), await model())).remarks).toEqual([expect.stringMatching(remark)])
  })

  it('is told nothing where it does not', async () => {
    const own = await table({ age: (_, random) => (45 + 20 * random()).toFixed(1), weight: (_, random) => (65 + 25 * random()).toFixed(1), sex })
    expect((await load(own, await model())).remarks).toBeUndefined()
  })
})

describe('a document of version 0.1', () => {
  const old: Model = {
    topology: {},
    seed: 1,
    loss: 'categoricalCrossentropy',
    input: { kind: 'table', label: 'outcome', columns: [{ kind: 'categorical', name: 'x', values: ['', '12', 'NA', 'P1'] }] },
    labels: ['ill', 'well']
  }
  const cells = ['P1', '', 'NA', '12']

  it('that names marks of missing values is read as it was: the set keeps its names, and its budget', async () => {
    const dataset = await load(await table({ x: (i) => cells[i]! }, 4), old)
    expect(cells.map((_, row) => inputsOf(dataset, row))).toEqual([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]])
    // as version 0.1.0 computed them
    const identity = identityOf(dataset.train, new Uint8Array(32))
    expect([identity.fingerprint, identity.former?.fingerprint]).toEqual([
      'b0b7fc033d24ac621b4b77ca81903d3a9ad2b54d237de4c77c1da67a1691608c',
      'cd2407a1032bb7171788faa39f552e1b93bd4397662a6d4552fb9429426eed0f'
    ])
  })

  it('still refuses a value that it does not name', async () => {
    const file = await table({ x: (i) => ['P1', '?'][i % 2]! }, 4)
    expect(await failure(load(file, old))).toMatch(/column "x": "\?" is not one of the federation's values/)
  })
})

describe('whatever the cells', () => {
  it('no value of a column of text is told that fewer rows have than are asked for, and the same file loads', async () => {
    const cell = fc.constantFrom('a', 'b', 'NA', '', '1', '2.5', '2024-01-01', 'P1', '"q,"', '-', '007', 'x y')
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 4, maxLength: 60 }), fc.integer({ min: 1, max: 8 }), async (cells, rareRows) => {
      const file = await table({ age, x: (i) => cells[i]![0], y: (i) => cells[i]![1] }, cells.length)
      let found: InferredTable
      try {
        found = await inferTable(file, { rareRows })
      } catch (err) {
        expect(err).toBeInstanceOf(DatasetError)
        return
      }
      const { input, labels } = found
      for (const column of input.columns) {
        if (column.kind === 'categorical') {
          const own = cells.map((pair) => pair[column.name === 'x' ? 0 : 1].replaceAll('"', ''))
          expect(column.values.every((value) => own.filter((each) => each === value).length >= rareRows)).toBe(true)
        }
      }
      expect((await load(file, documentOf({ input, labels }).model)).train.count).toBe(cells.length)
    }), { numRuns: 60 })
  })
})
