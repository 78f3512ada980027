import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkDataset, inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import { temporaryFolder } from './write-idx.ts'
import type { Model } from '../../src/data/examples.ts'
import type { TableChoices } from '../../src/data/table-schema.ts'

const model: Model = {
  topology: {},
  seed: 1,
  loss: 'meanSquaredError',
  input: { kind: 'table', label: 'dose', columns: [{ kind: 'numeric', name: 'age', mean: 40, stdDev: 10 }] },
  labels: [],
  target: { mean: 10, stdDev: 5, unit: 'mg', min: 0, max: 100 }
}

async function csv (rows: readonly string[]): Promise<string> {
  const file = join(await temporaryFolder(), 'data.csv')
  await writeFile(file, ['age,dose', ...rows, ''].join('\n'))
  return file
}

const ROWS = Array.from({ length: 40 }, (_, i) => `${30.5 + i},${i / 2}`)

async function infer (rows: readonly string[], choices: TableChoices) {
  return inferInput({ kind: 'csv', file: await csv(rows) }, { label: 'dose', ...choices })
}

describe('a number in a table', () => {
  it('is standardised as the document says, and no class', async () => {
    const file = await csv(['30,15', '40,1e1', '50,0', '60,5.5'])
    const { train, test } = await loadDataset({ kind: 'csv', file, testFile: file }, model)
    expect([...train.targets!]).toEqual([1, 0, -2, expect.closeTo(-0.9, 6)])
    expect([...train.labels]).toEqual([0, 0, 0, 0])
    expect(test.targets).toEqual(train.targets)
  })

  it('is held out and split by row', async () => {
    const { train, test } = await loadDataset({ kind: 'csv', file: await csv(ROWS) }, model, { index: 0, count: 2, strategy: 'iid', seed: 1 })
    expect([train.count, test.count]).toEqual([16, 8])
    expect(new Set([...train.targets!, ...test.targets!]).size).toBe(24)
  })

  it.each([
    ['30,', /line 3.*"dose".*is no number, and the federation predicts "dose"; remove the rows without one/],
    ['30,low', /line 3.*"low" is no number.*correct it or remove the row/],
    ['30,101', /line 3.*"101" is outside of what the federation declares: 0 to 100 "mg"; is it in another unit\?/]
  ])('is refused with its row where it is none: %s', async (row, message) => {
    const source = { kind: 'csv' as const, file: await csv(['30,15', row]) }
    await expect(checkDataset(source, model)).rejects.toThrow(message)
    await expect(loadDataset(source, model)).rejects.toThrow(DatasetError)
  })

  it('is not split by class, and not in data that have classes', async () => {
    await expect(loadDataset({ kind: 'csv', file: await csv(ROWS) }, model, { index: 0, count: 2, strategy: 'dirichlet', seed: 1 })).rejects.toThrow(/--dirichlet\) needs classes, but the federation predicts a number/)
    await expect(checkDataset({ kind: 'idx', directory: '/nowhere' }, model)).rejects.toThrow(/IDX files have classes, but the federation predicts a number/)
    await expect(checkDataset({ kind: 'digits', seed: 1, trainExamples: 9, testExamples: 9 }, model)).rejects.toThrow(/generated digits have classes/)
  })

  it('is found by its founder\'s word: the task, or the column\'s kind', async () => {
    const byTask = await infer(ROWS, { task: 'regression', target: { unit: 'mg' } })
    const byColumn = await infer(ROWS, { columns: new Map([['dose', 'numeric']]) })
    expect(byTask.labels).toEqual([])
    expect(byTask.target).toEqual({ mean: 9.75, stdDev: expect.closeTo(5.7717, 4) as number, unit: 'mg' })
    expect(byColumn.target).toEqual({ mean: 9.75, stdDev: byTask.target!.stdDev })
    expect(byTask.schema!.columns[1]).toMatchObject({ name: 'dose', role: 'label', kind: 'numeric', range: { min: 0, max: 19.5 }, told: { mean: 9.75 } })
  })

  it('tells nothing of the data where its range is declared', async () => {
    const { target, schema } = await infer(ROWS, { task: 'regression', target: { range: { min: 0, max: 80 } } })
    expect(target).toEqual({ mean: 40, stdDev: 20, min: 0, max: 80 })
    expect(schema!.columns[1]).toMatchObject({ provenance: 'declared', declared: { min: 0, max: 80 }, told: { mean: 40, stdDev: 20 } })
    await expect(infer(ROWS, { task: 'regression', target: { range: { min: 0, max: 5 } } })).rejects.toThrow(/line 13.*"5.5" is outside of --target-range 0\.\.5/)
  })

  it.each<[rows: string[], choices: TableChoices, message: RegExp]>([
    [ROWS, {}, /40 different numbers: to predict the number, say --task regression/],
    [['1,2', '2,2'], { task: 'regression' }, /holds one number only/],
    [['1,2', '2,x'], { task: 'regression' }, /"x" is no number to predict/],
    [['1,2', '2,NA'], { task: 'regression' }, /remove the rows without one/],
    [ROWS, { task: 'regression', columns: new Map([['dose', 'categorical']]) }, /is to be categorical and of a task of regression: say one of them/],
    [ROWS, { task: 'classes', columns: new Map([['dose', 'numeric']]) }, /is to be numeric and of a task of classes/]
  ])('is refused where it cannot be one', async (rows, choices, message) => {
    await expect(infer(rows, choices)).rejects.toThrow(message)
  })
})
