/**
 * Examples from CSV files, by the columns that the federation document names
 *
 * A file is read twice: first its labels, which decide the rows that are this peer's own; then the values of those rows
 * only.
 */
import { closest } from '../closest.ts'
import { DatasetError } from '../errors.ts'
import { columnRemarks } from './column-fit.ts'
import { badValue, listed, shown } from './csv.ts'
import { DEFAULT_TEST_FRACTION, HOLD_OUT_SEED, holdOut } from './hold-out.ts'
import { indices, partitionRows } from './partition.ts'
import { isMissing } from './missing.ts'
import { parseNumber } from './parse-number.ts'
import { RECORD_DIGEST_BYTES, recordDigest } from './record-digest.ts'
import { requireRoom } from './examples.ts'
import { MISSING, OTHER, tableExamples } from './table-examples.ts'
import { readTable } from './table-file.ts'
import type { Dataset, Examples, Model, TableInput } from './examples.ts'
import type { RowPlace, RowVisitor } from './csv.ts'
import type { DatasetSource, Partition } from '../interface.ts'

export type CsvSource = Extract<DatasetSource, { kind: 'csv' }>

const MAX_ROWS = 2 ** 28

/** Rows that a check reads of each file */
const CHECKED_ROWS = 100

/** What one row becomes */
interface RowReader {
  digest: (fields: readonly string[]) => Uint8Array
  label: (fields: readonly string[], place: RowPlace) => number
  /** One number for each column of the document: standardised or MISSING, the index of the category or OTHER */
  values: (fields: readonly string[], place: RowPlace, out: Float32Array, offset: number) => void
}

/**
 * Loads this peer's training rows and the test rows: those of `testFile`, or a part of `file` set aside by a fixed seed
 * before the rest is partitioned. Throws DatasetError, and RangeError on an impossible test fraction
 */
export async function loadCsvDataset (source: CsvSource, model: Model, partition?: Partition): Promise<Dataset> {
  const input = requireTable(source, model)
  const labels = await readLabels(source.file, input, model.labels)
  const held = source.testFile === undefined ? holdOut(labels, source.testFraction ?? DEFAULT_TEST_FRACTION, HOLD_OUT_SEED) : { train: indices(labels.length), test: undefined }
  const own = partition === undefined ? held.train : partitionRows(labels, partition, held.train)
  if (own.length === 0 || held.test?.length === 0) {
    throw new DatasetError(`${source.file} has ${labels.length} rows: too few to train and to test; add rows`)
  }
  if (held.test !== undefined || source.testFile === undefined) {
    const [train, test] = await readRows(source.file, model, labels, [{ rows: own, identified: true }, { rows: held.test ?? indices(0) }])
    return datasetOf(train!, test!)
  }
  const testLabels = await readLabels(source.testFile, input, model.labels)
  const [train] = await readRows(source.file, model, labels, [{ rows: own, identified: true }])
  const [test] = await readRows(source.testFile, model, testLabels, [{ rows: indices(testLabels.length) }])
  return datasetOf(train!, test!)
}

function datasetOf ({ examples: train, remarks }: ReadRows, { examples: test }: ReadRows): Dataset {
  return { train, test, ...(remarks.length === 0 ? {} : { remarks }) }
}

/** Checks columns and the first rows of the file or files. Throws DatasetError as loading would */
export async function checkCsvDataset (source: CsvSource, model: Model): Promise<void> {
  const input = requireTable(source, model)
  const scratch = new Float32Array(input.columns.length)
  for (const file of source.testFile === undefined ? [source.file] : [source.file, source.testFile]) {
    await readTable(file, (names) => {
      const row = rowReader(file, names, input, model.labels)
      let seen = 0
      return (fields, place) => {
        row.label(fields, place)
        row.values(fields, place, scratch, 0)
        return ++seen < CHECKED_ROWS
      }
    })
  }
}

function requireTable ({ file }: CsvSource, { input }: Model): TableInput {
  if (input.kind !== 'table') {
    throw new DatasetError(`${file} is a table, but the federation's model takes images of ${input.shape.join(' x ')}; give a folder of IDX files`)
  }
  return input
}

async function readLabels (file: string, input: TableInput, names: readonly string[]): Promise<Uint16Array> {
  let labels = new Uint16Array(1024)
  let count = 0
  await readTable(file, (columns) => {
    const row = rowReader(file, columns, input, names)
    return (fields, place) => {
      if (count === labels.length) {
        labels = grown(labels, file)
      }
      labels[count++] = row.label(fields, place)
    }
  })
  return labels.slice(0, count)
}

function grown (labels: Uint16Array, file: string): Uint16Array<ArrayBuffer> {
  if (labels.length >= MAX_ROWS) {
    throw new DatasetError(`${file} has more than ${MAX_ROWS} rows; give each peer a file of its own`)
  }
  const larger = new Uint16Array(2 * labels.length)
  larger.set(labels)
  return larger
}

interface Selection {
  /** Ascending */
  rows: Uint32Array
  /** By their digests: rows to train on */
  identified?: boolean
}

interface ReadRows {
  examples: Examples
  remarks: string[]
}

interface Target {
  rows: Uint32Array
  values: Float32Array
  digests: Uint8Array | undefined
  next: number
}

/** Examples of each selection of rows, in one reading */
async function readRows (file: string, { input, labels: names }: Model, labels: Uint16Array, selections: readonly Selection[]): Promise<ReadRows[]> {
  const table = input as TableInput
  const width = table.columns.length
  requireRoom(file, selections.reduce((sum, { rows }) => sum + rows.length, 0), 4 * width + RECORD_DIGEST_BYTES)
  const targets = selections.map(({ rows, identified = false }): Target => ({
    rows,
    values: new Float32Array(rows.length * width),
    digests: identified ? new Uint8Array(rows.length * RECORD_DIGEST_BYTES) : undefined,
    next: 0
  }))
  const total = await readTable(file, (columns) => selectionVisitor(rowReader(file, columns, table, names), targets, width))
  if (total !== labels.length) {
    throw new DatasetError(`${file} changed while it was read: ${labels.length} rows, then ${total}; start again`)
  }
  return targets.map(({ rows, values, digests }) => {
    const examples = tableExamples(values, Uint16Array.from(rows, (row) => labels[row]!), table)
    return digests === undefined
      ? { examples, remarks: [] }
      : { examples: { ...examples, recordDigests: digests }, remarks: columnRemarks(values, table) }
  })
}

function selectionVisitor (reader: RowReader, targets: readonly Target[], width: number): RowVisitor {
  let row = 0
  return (fields, place) => {
    for (const target of targets) {
      if (target.rows[target.next] === row) {
        reader.values(fields, place, target.values, target.next * width)
        target.digests?.set(reader.digest(fields), target.next * RECORD_DIGEST_BYTES)
        target.next++
      }
    }
    row++
  }
}

/** Throws DatasetError when a column that the document names is missing */
function rowReader (file: string, names: readonly string[], input: TableInput, labels: readonly string[]): RowReader {
  requireColumns(file, names, input)
  const labelAt = names.indexOf(input.label)
  const labelIndex = new Map(labels.map((label, i) => [label, i]))
  const columns = input.columns.map((column) => ({ at: names.indexOf(column.name), read: valueReader(column) }))
  return {
    digest: recordDigest(names),
    label (fields, place) {
      const index = labelIndex.get(fields[labelAt]!)
      if (index === undefined) {
        throw badValue(place, input.label, fields[labelAt]!, `is not one of the federation's labels ${listed(labels)}`)
      }
      return index
    },
    values (fields, place, out, offset) {
      for (let i = 0; i < columns.length; i++) {
        const { at, read } = columns[i]!
        out[offset + i] = read(fields[at]!, place)
      }
    }
  }
}

function requireColumns (file: string, names: readonly string[], { label, columns }: TableInput): void {
  if (!names.includes(label)) {
    throw new DatasetError(`${file} has no column ${shown(label)}, which the federation uses as the label; it has ${listed(names)}${alike(label, names)}`)
  }
  const lacking = columns.map(({ name }) => name).filter((name) => !names.includes(name))
  if (lacking.length === 1) {
    throw new DatasetError(`${file} has no column ${shown(lacking[0]!)}, which the federation takes as an input; it has ${listed(names)}${alike(lacking[0]!, names)}`)
  }
  if (lacking.length > 1) {
    throw new DatasetError(`${file} has no columns ${listed(lacking)}, which the federation takes as inputs; it has ${listed(names)}${alike(lacking[0]!, names)}`)
  }
}

function alike (column: string, names: readonly string[]): string {
  const suggestion = closest(column, names)
  return suggestion === undefined ? '' : ` (is it ${shown(suggestion)}?)`
}

function valueReader (column: TableInput['columns'][number]): (text: string, place: RowPlace) => number {
  if (column.kind === 'categorical') {
    const categories = new Map(column.values.map((value, i) => [value, i]))
    return (text, place) => {
      const category = categories.get(text) ?? (column.other === true ? OTHER : undefined)
      if (category === undefined) {
        throw badValue(place, column.name, text, `is not one of the federation's values ${listed(column.values)}`)
      }
      return category
    }
  }
  return (text, place) => {
    const value = parseNumber(text)
    if (value === undefined && isMissing(text)) {
      return MISSING
    }
    const standardised = value === undefined ? NaN : Math.fround((value - column.mean) / column.stdDev)
    if (!Number.isFinite(standardised)) {
      throw badValue(place, column.name, text, value === undefined ? 'is not a number; correct it or remove the row' : 'is too large for this column; correct it or remove the row')
    }
    return standardised
  }
}
