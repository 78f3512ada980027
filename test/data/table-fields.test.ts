/**
 * What a document declares of a table, and what a site's file becomes by it
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadDataset } from '../../src/data/data-formats.ts'
import { groupKey } from '../../src/data/group-keys.ts'
import { holdOutGroups } from '../../src/data/hold-out.ts'
import { DatasetError, InvalidFederationError } from '../../src/errors.ts'
import { decodeFederation, encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { inputShape, rangeMoments } from '../../src/federation/input-shape.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { temporaryFolder } from './write-idx.ts'
import type { Dataset, Model } from '../../src/data/examples.ts'

const age = { kind: 'numeric', name: 'age', mean: 50, stdDev: 10 }
const weight = { kind: 'numeric', name: 'weight', ...rangeMoments({ min: 20, max: 220 }), min: 20, max: 220, unit: 'kg' }
const ward = { kind: 'categorical', name: 'ward', values: ['ICU', 'surgery'], other: true }

function documentOf (input: object, format = 2): ReturnType<typeof parseFederation> {
  return parseFederation({
    format,
    name: 'table',
    model: { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'table', label: 'outcome', ...input }, labels: ['ill', 'well'] },
    training: { epochs: 1, batchSize: 1, optimizer: { name: 'sgd', learningRate: 1 } },
    aggregation: { rule: 'mean', f: 0 },
    codec: { name: 'float32' },
    topology: { degree: 1 },
    round: { deadlineMs: 1000, staleness: 1 },
    privacy: { mechanism: 'none' }
  })
}

function modelOf (input: object, format = 2): Model {
  return documentOf(input, format).model
}

async function csv (...lines: string[]): Promise<string> {
  const file = join(await temporaryFolder(), 'site.csv')
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

async function load (model: Model, ...lines: string[]): Promise<Dataset> {
  const file = await csv(...lines)
  return loadDataset({ kind: 'csv', file, testFile: file }, model)
}

function inputsOf ({ train }: Dataset): number[][] {
  return Array.from({ length: train.count }, (_, index) => {
    const out = new Float32Array(train.featureCount)
    train.writeInputs(index, out, 0)
    return [...out]
  })
}

async function failure (promise: Promise<unknown>): Promise<string> {
  const err = await promise.then(() => undefined, (reason: unknown) => reason)
  expect(err).toBeInstanceOf(DatasetError)
  expect((err as Error).message).not.toContain('\n')
  return (err as Error).message
}

describe('a missing number', () => {
  it('is the mean, or the declared constant, with an input that says so where the document has one', async () => {
    const model = modelOf({ columns: [age, { ...age, name: 'pulse', missing: { constant: 65 } }, { ...age, name: 'dose', missing: { indicator: true } }, { ...age, name: 'iron', missing: { constant: 40, indicator: true } }] })
    expect(inputShape(model.input)).toEqual([6])
    const dataset = await load(model, 'age,pulse,dose,iron,outcome', ',NA,?,,ill', '60,60,60,60,well')
    expect(inputsOf(dataset)).toEqual([[0, 1.5, 0, 1, -1, 1], [1, 1, 1, 0, 1, 0]])
  })

  it('is what the declared marks say, numbers however they are written, and a blank', async () => {
    const model = modelOf({ marks: ['-999', 'n.d.'], columns: [{ ...age, missing: { indicator: true } }] })
    const cells = ['-999', '-999.0', 'n.d.', '', '50']
    const dataset = await load(model, 'age,outcome', ...cells.map((cell, i) => `${cell},${i === 0 ? 'ill' : 'well'}`))
    expect(inputsOf(dataset)).toEqual([[0, 1], [0, 1], [0, 1], [0, 1], [0, 0]])
    expect(await failure(load(model, 'age,outcome', 'NA,ill', '50,well'))).toMatch(/"NA" is not a number/)
  })
})

describe('a missing category', () => {
  it('is one of its own where the document has one, else another value', async () => {
    const rows = ['ICU,ill', '?,well', 'burns,well', ',ill', 'surgery,ill']
    const own = modelOf({ columns: [{ ...ward, missing: true }] })
    expect(inputShape(own.input)).toEqual([3])
    expect(inputsOf(await load(own, 'ward,outcome', ...rows))).toEqual([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 1], [0, 1, 0]])
    expect(inputsOf(await load(modelOf({ columns: [ward] }, 1), 'ward,outcome', ...rows))).toEqual([[1, 0], [0, 0], [0, 0], [0, 0], [0, 1]])
  })
})

describe('a declared range', () => {
  it('standardises without a statistic, and holds what is beyond it at its end', async () => {
    const model = modelOf({ columns: [weight] })
    const dataset = await load(model, 'weight,outcome', '20,ill', '120,well', '220,well', '1000,ill', '-5,ill')
    const end = Math.fround(Math.sqrt(3))
    expect(inputsOf(dataset).flat().map((value) => Number(value.toFixed(6)))).toEqual([-end, 0, end, end, -end].map((value) => Number(value.toFixed(6))))
    expect(dataset.remarks).toEqual(['column "weight": 2 of 5 values lie outside of the declared range 20 to 220 (kg), and count as the nearer end of it: correct them in this file where they are mistakes'])
  })

  it('refuses a file whose median is outside of it, with numbers, the remedy and whose it is', async () => {
    const random = seededRandom('grams')
    const rows = Array.from({ length: 40 }, (_, i) => `${Math.round(60_000 + 20_000 * random())},${i % 2 === 0 ? 'ill' : 'well'}`)
    expect(await failure(load(modelOf({ columns: [weight] }), 'weight,outcome', ...rows)))
      .toMatch(/site\.csv does not fit the federation: column "weight": 40 of 40 values lie outside of the declared range 20 to 220 \(kg\), their mean is [67]\d+00: convert them in this file if they have another unit; .* only its founder can declare another one/)
  })

  it('warns of values that fill hardly any of it', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${(0.05 + i / 1000).toFixed(3)},${i % 2 === 0 ? 'ill' : 'well'}`)
    const wide = { ...weight, ...rangeMoments({ min: 0, max: 220 }), min: 0 }
    expect((await load(modelOf({ columns: [wide] }), 'weight,outcome', ...rows)).remarks)
      .toEqual([expect.stringMatching(/mean 0\.0695 and deviation 0\.0115 here, in a declared range of 0 to 220 \(kg\): are the units the same\?$/)])
  })
})

describe('a test split by groups', () => {
  const model = modelOf({ group: 'patient', columns: [age] })
  const rows = (patients: number, visits: number): string[] => Array.from({ length: patients * visits }, (_, i) => `${40 + i % 20},P${i % patients},${i % 2 === 0 ? 'ill' : 'well'}`)

  it('has all rows of a patient on one side, says so, and gives every peer of the file the same', async () => {
    const file = await csv('age,patient,outcome', ...rows(40, 5))
    const parts = await Promise.all([0, 1].map(async (index) => loadDataset({ kind: 'csv', file }, model, { index, count: 2, strategy: 'iid', seed: 1 })))
    expect(parts[0]!.split).toEqual({ by: 'groups', column: 'patient' })
    expect(parts.map(({ test }) => test.count)).toEqual([40, 40])
    expect(parts[0]!.train.count + parts[1]!.train.count).toBe(160)
    expect((await loadDataset({ kind: 'csv', file }, modelOf({ columns: [age] }, 1))).split).toEqual({ by: 'rows' })
  })

  it('never has a group on both sides, and some group on each, whatever the groups', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (groups, fraction) => {
      const held = holdOutGroups(Float64Array.from(groups, (group) => groupKey(String(group))), fraction)
      if (new Set(groups).size === 1) {
        expect(held).toBeUndefined()
        return
      }
      const [train, test] = [held!.train, held!.test].map((rows) => new Set(Array.from(rows, (row) => groups[row])))
      expect(Math.min(train!.size, test!.size)).toBeGreaterThan(0)
      expect([...train!].filter((group) => test!.has(group))).toEqual([])
      expect(held!.train.length + held!.test.length).toBe(groups.length)
      const largest = Math.max(...groups.map((group) => groups.filter((other) => other === group).length))
      expect(Math.abs(held!.test.length - fraction * groups.length)).toBeLessThanOrEqual(largest)
    }))
  })

  it('refuses a row of nobody, and a file of one', async () => {
    expect(await failure(load(model, 'age,patient,outcome', '40,P1,ill', '50,,well'))).toMatch(/line 3, column "patient": the empty value names no group/)
    expect(await failure(loadDataset({ kind: 'csv', file: await csv('age,patient,outcome', ...rows(1, 6)) }, model))).toMatch(/has one group only in column "patient"/)
    expect(await failure(load(model, 'age,Patient ,outcome', '40,P1,ill'))).toMatch(/has no column "patient", by which .* \(is it "Patient"\?\)/)
  })

  it('says how many patients a test file has in common with the training file', async () => {
    const dataset = await load(model, 'age,patient,outcome', ...rows(8, 2))
    expect(dataset.split).toEqual({ by: 'file' })
    expect(dataset.remarks).toContain('column "patient": 8 of 8 groups of the test file are in the training file, too: figures will be better than they are for others')
  })
})

describe('a document of a table', () => {
  it('is of format 2 with any of the new fields, and its encoding is its own', () => {
    for (const input of [{ marks: [], columns: [age] }, { group: 'patient', columns: [age] }, { columns: [ward, { ...age, unit: 'a' }] }, { columns: [weight] }, { columns: [{ ...age, missing: { indicator: true } }] }, { columns: [{ ...ward, missing: true }] }]) {
      const document = documentOf(input)
      expect(decodeFederation(encodeFederation(document))).toEqual(document)
      expect(() => documentOf(input, 1)).toThrow('format: must be 2 with the field "model.input.')
    }
    expect(() => documentOf({ columns: [age, ward] })).toThrow('format: must be 1')
  })

  it.each<[string, object, string]>([
    ['half a range', { columns: [{ ...age, min: 1 }] }, 'model.input.columns.0: "min" and "max" are one range'],
    ['a range of nothing', { columns: [{ ...age, min: 1, max: 1 }] }, '"min" must be less than "max"'],
    ['a range of NaN', { columns: [{ ...age, min: NaN, max: 1 }] }, 'a number that is not finite'],
    ['an empty rule for missing values', { columns: [{ ...age, missing: {} }] }, '"missing" must say'],
    ['the empty text beside missing values', { columns: [{ kind: 'categorical', name: 'ward', values: ['north', ''], missing: true }] }, 'the empty text cannot be among "values"'],
    ['a constant out of all bounds', { columns: [{ ...age, missing: { constant: 1e15 } }] }, '"missing.constant" must be within'],
    ['a mark twice', { marks: ['x', 'x'], columns: [age] }, 'model.input.marks: "x" stands there twice'],
    ['many marks', { marks: Array.from({ length: 65 }, (_, i) => String(i)), columns: [age] }, 'model.input.marks: must have at most 64 entries'],
    ['a long mark', { marks: ['x'.repeat(33)], columns: [age] }, 'must have at most 32 characters'],
    ['a long unit', { columns: [{ ...age, unit: 'x'.repeat(33) }] }, 'must have at most 32 characters'],
    ['a group that is an input', { group: 'age', columns: [age] }, 'label, group and columns: "age" stands there twice'],
    ['a group that is the label', { group: 'outcome', columns: [age] }, '"outcome" stands there twice'],
    ['a field that it does not know', { columns: [{ ...age, units: 'kg' }] }, 'did you mean']
  ])('is refused with %s', (_, input, message) => {
    expect(() => documentOf(input)).toThrow(InvalidFederationError)
    expect(() => documentOf(input)).toThrow(message)
  })
})

describe('a file that does not fit', () => {
  it('is told all at once, counted, with the first of each', async () => {
    const model = modelOf({ columns: [{ ...age, unit: 'years' }, { ...ward, other: undefined }] })
    const rows = ['40,ICU,ill', 'old,ICU,sick', 'young,burns,sick', '50,burns,well', '60,burns,sick']
    expect(await failure(load(model, 'age,ward,outcome', ...rows))).toMatch(
      /site\.csv, line 3, column "outcome": "sick" is not one of the federation's labels "ill", "well"; in all 5 rows: class "sick" 3 times \(first "sick", line 3\); no named value in "ward" 3 times \(first "burns", line 4\); no number in "age" 2 times \(first "old", line 3\)\. They are to be repaired in this file; .*its founder/)
    expect(await failure(load(model, 'age,ward,outcome', '40,ICU,ill', 'old,ICU,ill'))).toMatch(/"old" is not a number \(of "years"\); correct it or remove the row$/)
  })

  it.each([['Age', 'age'], ['body weight', 'body_weight'], ['ＡＧＥ', 'age'], ['age ', 'age'], ['\u200bage', 'age']])('is told the name that is meant: %s for %s', async (own, wanted) => {
    const message = await failure(load(modelOf({ columns: [{ ...age, name: wanted }] }, 1), `"${own}",outcome`, '40,ill', '50,well'))
    expect(message).toContain(`has no column "${wanted}"`)
    expect(message).toMatch(/\(is it "[^"]+"\?\)\. Names must be the same to the letter/)
  })
})
