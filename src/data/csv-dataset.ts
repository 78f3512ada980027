/**
 * Examples from CSV files, by the columns that the federation document names
 *
 * A file is read once, unless others have a part of it: then first its labels, which decide the rows that are this
 * peer's own, and in a second reading the values of those rows only.
 */
import { DatasetError } from '../errors.ts'
import { shown } from './csv.ts'
import { DEFAULT_TEST_FRACTION, HOLD_OUT_SEED, holdOut, holdOutGroups } from './hold-out.ts'
import { indices, partitionRows } from './partition.ts'
import { withAllMisfits } from './misfits.ts'
import { rowReader } from './row-reader.ts'
import { inputWords } from './examples.ts'
import { readTable } from './table-file.ts'
import { readAllRows, readRows, readTargets } from './table-rows.ts'
import type { Dataset, Model, TableInput } from './examples.ts'
import type { CsvOptions } from './csv.ts'
import type { LoadOptions, ReadOptions } from './data-format.ts'
import type { DatasetSource, Partition, TestSplit } from '../interface.ts'
import type { RowTargets } from './row-reader.ts'
import type { ReadRows, Selection, TableReading } from './table-rows.ts'

export type CsvSource = Extract<DatasetSource, { kind: 'csv' }>

/** Rows that a check reads of each file */
const CHECKED_ROWS = 100

/**
 * Loads this peer's training rows and the test rows: those of `testFile`, or a part of `file` set aside before the rest
 * is partitioned: by a fixed seed, or by the groups that the document names
 *
 * Throws DatasetError, which counts all that does not fit, and RangeError on an impossible test fraction
 */
export async function loadCsvDataset (source: CsvSource, model: Model, partition?: Partition, options: LoadOptions = {}): Promise<Dataset> {
  requireTable(source, model)
  try {
    return await load(source, model, { ...options, partition })
  } catch (err) {
    throw err instanceof DatasetError ? await withAllMisfits(err, source, model) : err
  }
}

async function load (source: CsvSource, model: Model, { partition, identified = true, onRead }: LoadOptions & { partition: Partition | undefined }): Promise<Dataset> {
  const { file, testFile } = source
  const input = requireTable(source, model)
  const reading = readings(source, model, { count: 1 + Number(testFile !== undefined) + Number(partition !== undefined), onRead })
  const whole = partition === undefined ? await readAllRows(reading(file), identified) : undefined
  const targets = whole?.targets ?? await readTargets(reading(file))
  const { train, test } = divided(source, input, targets)
  const own = partition === undefined ? train : requireRows(source, targets, partitionRows(targets.labels, partition, train))
  const selections: Selection[] = [{ rows: own, own: true, identified }, { rows: test }]
  const [ownRows, heldRows] = await whole?.take(selections) ?? await readRows(reading(file), targets, selections)
  if (testFile === undefined) {
    return datasetOf(ownRows!, heldRows!, input.group === undefined ? { by: 'rows' } : { by: 'groups', column: input.group })
  }
  const tests = await readAllRows(reading(testFile), false)
  const [tested] = await tests.take([{ rows: indices(tests.targets.labels.length) }])
  ownRows!.remarks.push(...sharedGroups(input, targets, tests.targets))
  return datasetOf(ownRows!, tested!, { by: 'file' })
}

/** Labels of the training rows of the source, read alone. Throws DatasetError, RangeError as loading does */
export async function csvTrainingLabels (source: CsvSource, model: Model): Promise<Uint16Array> {
  const input = requireTable(source, model)
  const targets = await readTargets(readings(source, model, { count: 1 })(source.file))
  return Uint16Array.from(divided(source, input, targets).train, (row) => targets.labels[row]!)
}

/** The rows to train with and those to test with; none of these where a file of its own has them */
function divided (source: CsvSource, input: TableInput, targets: RowTargets): { train: Uint32Array, test: Uint32Array } {
  if (source.testFile !== undefined) {
    return { train: requireRows(source, targets, indices(targets.labels.length)), test: indices(0) }
  }
  const { train, test } = heldOut(source, input, targets)
  return { train: requireRows(source, targets, train), test: requireRows(source, targets, test) }
}

function requireRows ({ file }: CsvSource, { labels }: RowTargets, rows: Uint32Array): Uint32Array {
  if (rows.length === 0) {
    throw new DatasetError(`${file} has ${labels.length} rows: too few to train and to test; add rows`)
  }
  return rows
}

function heldOut ({ file, testFraction = DEFAULT_TEST_FRACTION }: CsvSource, { group }: TableInput, { labels, groups }: RowTargets): { train: Uint32Array, test: Uint32Array } {
  if (group === undefined || groups === undefined) {
    return holdOut(labels, testFraction, HOLD_OUT_SEED)
  }
  const held = holdOutGroups(groups, testFraction)
  if (held === undefined) {
    throw new DatasetError(`${file} has one group only in column ${shown(group)}: none is left to test on; add rows of others, or give test rows in a file of their own (--test-data)`)
  }
  return held
}

/** Who is in both files is known already when he is tested */
function sharedGroups ({ group }: TableInput, { groups: trained }: RowTargets, { groups: tested }: RowTargets): string[] {
  if (group === undefined || trained === undefined || tested === undefined) {
    return []
  }
  const known = new Set(trained)
  const all = new Set(tested)
  const shared = [...all].filter((key) => known.has(key)).length
  return shared === 0 ? [] : [`column ${shown(group)}: ${shared} of ${all.size} groups of the test file are in the training file, too: figures will be better than they are for others`]
}

function datasetOf ({ examples: train, remarks }: ReadRows, { examples: test }: ReadRows, split: TestSplit): Dataset {
  return { train, test, split, ...(remarks.length === 0 ? {} : { remarks }) }
}

/** Checks columns and the first rows of the file or files. Throws DatasetError as loading would */
export async function checkCsvDataset (source: CsvSource, model: Model): Promise<void> {
  const input = requireTable(source, model)
  const scratch = new Float32Array(input.columns.length)
  for (const file of source.testFile === undefined ? [source.file] : [source.file, source.testFile]) {
    await readTable(file, (names, format) => {
      const row = rowReader(file, names, model, format)
      let seen = 0
      return (line, place) => {
        row.label(line, place)
        row.values(line, place, scratch, 0)
        return ++seen < CHECKED_ROWS
      }
    }, dialectOf(source))
  }
}

function requireTable ({ file }: CsvSource, { input }: Model): TableInput {
  if (input.kind !== 'table') {
    throw new DatasetError(`${file} is a table, but the federation's model takes ${inputWords(input).takes}; give ${input.kind === 'image' ? 'a folder of IDX files' : inputWords(input).give}`)
  }
  return input
}

function dialectOf ({ separator, decimal }: CsvSource): CsvOptions {
  return { separator, decimal }
}

/** Of `count` readings, each takes its share of the progress */
function readings (source: CsvSource, model: Model, { count, onRead }: ReadOptions & { count: number }): (file: string) => TableReading {
  let begun = 0
  return (file) => {
    const before = begun++
    return { file, model, options: { ...dialectOf(source), onRead: onRead && ((share) => { onRead((before + share) / count) }) } }
  }
}
