/**
 * Examples from CSV files, by the columns that the federation document names
 *
 * A file is read once, unless others have a part of it: then first its labels, which decide the rows that are this
 * peer's own, and in a second reading the values of those rows only.
 */
import { closest } from '../closest.ts'
import { DatasetError } from '../errors.ts'
import { columnRemarks } from './column-fit.ts'
import { badValue, listed, readTable, shown } from './csv.ts'
import { DEFAULT_TEST_FRACTION, holdOut } from './hold-out.ts'
import { indices, partitionRows } from './partition.ts'
import { isMissing } from './missing.ts'
import { numberHint, numberParser } from './parse-number.ts'
import { RECORD_DIGEST_BYTES, recordDigest } from './record-digest.ts'
import { requireRoom } from './examples.ts'
import { RowStore } from './row-store.ts'
import { MISSING, OTHER, tableExamples } from './table-examples.ts'
import type { CsvOptions, RowPlace, TableVisitor } from './csv.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { Row } from './csv-rows.ts'
import type { LoadOptions, ReadOptions } from './data-format.ts'
import type { Dataset, Examples, Model, TableInput } from './examples.ts'
import type { DecimalMark } from './parse-number.ts'
import type { DatasetSource, Partition } from '../interface.ts'

export type CsvSource = Extract<DatasetSource, { kind: 'csv' }>

const MAX_ROWS = 2 ** 28

/** Rows that a check reads of each file */
const CHECKED_ROWS = 100

/** All peers that share a file must hold out the same rows, whatever their partitions */
const HOLD_OUT_SEED = 1

/** What one row becomes */
interface RowReader {
  digest: (row: Row) => Uint8Array
  label: (row: Row, place: RowPlace) => number
  /** One number for each column of the document: standardised or MISSING, the index of the category or OTHER */
  values: (row: Row, place: RowPlace, out: Float32Array, offset: number) => void
}

/** One reading of one file */
interface Reading {
  file: string
  model: Model
  options: CsvOptions
}

/**
 * Loads this peer's training rows and the test rows: those of `testFile`, or a part of `file` set aside by a fixed seed
 * before the rest is partitioned. Throws DatasetError, and RangeError on an impossible test fraction
 */
export async function loadCsvDataset (source: CsvSource, model: Model, partition?: Partition, options: LoadOptions = {}): Promise<Dataset> {
  requireTable(source, model)
  const { testFile } = source
  const reading = readings(source, model, { count: 1 + Number(testFile !== undefined) + Number(partition !== undefined), onRead: options.onRead })
  const [train, test] = await (partition === undefined ? readWhole(source, reading, options) : readPart(source, reading, { ...options, partition }))
  if (testFile === undefined) {
    return datasetOf(train!, test!)
  }
  const tests = await readAll(reading(testFile), false)
  return datasetOf(train!, tests.take([{ rows: indices(tests.labels.length) }])[0]!)
}

/** Training rows of the source, by their labels alone. Throws DatasetError, RangeError as loading does */
export async function countCsvExamples (source: CsvSource, model: Model): Promise<number> {
  requireTable(source, model)
  const labels = await readLabels(readings(source, model, { count: 1 })(source.file))
  return divided(source, labels).train.length
}

/** Of `count` readings, each takes its share of the progress */
function readings ({ separator, decimal }: CsvSource, model: Model, { count, onRead }: ReadOptions & { count: number }): (file: string) => Reading {
  let begun = 0
  return (file) => {
    const before = begun++
    return { file, model, options: { separator, decimal, onRead: onRead && ((share) => { onRead((before + share) / count) }) } }
  }
}

/** All rows are this peer's own: they are kept while their labels are read, and divided then */
async function readWhole (source: CsvSource, reading: (file: string) => Reading, { identified = true }: LoadOptions): Promise<ReadRows[]> {
  const all = await readAll(reading(source.file), identified)
  const { train, test } = divided(source, all.labels)
  return all.take([{ rows: train, own: true }, { rows: test }])
}

/** Others' rows are not kept: a first reading finds out which they are */
async function readPart (source: CsvSource, reading: (file: string) => Reading, { partition, identified = true }: LoadOptions & { partition: Partition }): Promise<ReadRows[]> {
  const labels = await readLabels(reading(source.file))
  const { train, test } = divided(source, labels)
  const own = requireRows(source, labels, partitionRows(labels, partition, train))
  return readRows(reading(source.file), labels, [{ rows: own, own: true, identified }, { rows: test }])
}

/** The rows to train with and those to test with; none of these where a file of its own has them */
function divided (source: CsvSource, labels: Uint16Array): { train: Uint32Array, test: Uint32Array } {
  if (source.testFile !== undefined) {
    return { train: requireRows(source, labels, indices(labels.length)), test: indices(0) }
  }
  const { train, test } = holdOut(labels, source.testFraction ?? DEFAULT_TEST_FRACTION, HOLD_OUT_SEED)
  return { train: requireRows(source, labels, train), test: requireRows(source, labels, test) }
}

function requireRows ({ file }: CsvSource, labels: Uint16Array, rows: Uint32Array): Uint32Array {
  if (rows.length === 0) {
    throw new DatasetError(`${file} has ${labels.length} rows: too few to train and to test; add rows`)
  }
  return rows
}

function datasetOf ({ examples: train, remarks }: ReadRows, { examples: test }: ReadRows): Dataset {
  return { train, test, ...(remarks.length === 0 ? {} : { remarks }) }
}

/** Checks columns and the first rows of the file or files. Throws DatasetError as loading would */
export async function checkCsvDataset (source: CsvSource, model: Model): Promise<void> {
  const input = requireTable(source, model)
  const { separator, decimal } = source
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
    }, { separator, decimal })
  }
}

function requireTable ({ file }: CsvSource, { input }: Model): TableInput {
  if (input.kind !== 'table') {
    throw new DatasetError(`${file} is a table, but the federation's model takes images of ${input.shape.join(' x ')}; give a folder of IDX files`)
  }
  return input
}

async function readLabels ({ file, model, options }: Reading): Promise<Uint16Array> {
  const labels = new LabelList(file)
  await readTable(file, (columns, format) => {
    const row = rowReader(file, columns, model, format)
    return (line, place) => { labels.add(row.label(line, place)) }
  }, options)
  return labels.all()
}

class LabelList {
  private readonly file: string
  private labels = new Uint16Array(1024)
  private count = 0

  constructor (file: string) {
    this.file = file
  }

  add (label: number): void {
    if (this.count === this.labels.length) {
      this.grow()
    }
    this.labels[this.count++] = label
  }

  all (): Uint16Array {
    return this.labels.slice(0, this.count)
  }

  private grow (): void {
    if (this.count >= MAX_ROWS) {
      throw new DatasetError(`${this.file} has more than ${MAX_ROWS} rows; give each peer a file of its own`)
    }
    const larger = new Uint16Array(2 * this.count)
    larger.set(this.labels)
    this.labels = larger
  }
}

interface Selection {
  /** Ascending */
  rows: Uint32Array
  /** To train on: it is said where they are unlike what the document was made for */
  own?: boolean
  /** By their digests */
  identified?: boolean
}

interface ReadRows {
  examples: Examples
  remarks: string[]
}

interface AllRows {
  labels: Uint16Array
  /** Once only */
  take: (selections: readonly Selection[]) => ReadRows[]
}

/** Every row, in one reading */
async function readAll ({ file, model, options }: Reading, identified: boolean): Promise<AllRows> {
  const table = model.input as TableInput
  const list = new LabelList(file)
  const store = new RowStore({ file, width: table.columns.length, identified })
  await readTable(file, (columns, format) => {
    const row = rowReader(file, columns, model, format)
    return (line, place) => {
      list.add(row.label(line, place))
      const { values, offset, digests, digestOffset } = store.add()
      row.values(line, place, values, offset)
      digests?.set(row.digest(line), digestOffset)
    }
  }, options)
  const labels = list.all()
  const take: AllRows['take'] = (selections) => store.take(selections.map(({ rows }) => rows))
    .map(({ values, digests }, i) => rowsOf(table, labels, { ...selections[i]!, values, digests }))
  return { labels, take }
}

interface Target extends Selection {
  values: Float32Array
  digests: Uint8Array | undefined
}

/** Examples of each selection of rows, in one reading */
async function readRows ({ file, model, options }: Reading, labels: Uint16Array, selections: readonly Selection[]): Promise<ReadRows[]> {
  const table = model.input as TableInput
  const width = table.columns.length
  requireRoom(file, selections.reduce((sum, { rows }) => sum + rows.length, 0), 4 * width + RECORD_DIGEST_BYTES)
  const targets = selections.map((selection): Target => ({
    ...selection,
    values: new Float32Array(selection.rows.length * width),
    digests: selection.identified === true ? new Uint8Array(selection.rows.length * RECORD_DIGEST_BYTES) : undefined
  }))
  const total = await readTable(file, (columns, format) => selectionVisitor(rowReader(file, columns, model, format), targets, width), options)
  if (total !== labels.length) {
    throw new DatasetError(`${file} changed while it was read: ${labels.length} rows, then ${total}; start again`)
  }
  return targets.map((target) => rowsOf(table, labels, target))
}

function rowsOf (table: TableInput, labels: Uint16Array, { rows, values, digests, own = false }: Target): ReadRows {
  const examples = tableExamples(values, Uint16Array.from(rows, (row) => labels[row]!), table)
  return {
    examples: own && digests !== undefined ? { ...examples, recordDigests: digests } : examples,
    remarks: own ? columnRemarks(values, table) : []
  }
}

function selectionVisitor (reader: RowReader, targets: readonly Target[], width: number): TableVisitor {
  const next = targets.map(() => 0)
  let row = 0
  return (line, place) => {
    targets.forEach(({ rows, values, digests }, i) => {
      const at = next[i]!
      if (rows[at] === row) {
        reader.values(line, place, values, at * width)
        digests?.set(reader.digest(line), at * RECORD_DIGEST_BYTES)
        next[i] = at + 1
      }
    })
    row++
  }
}

/** Throws DatasetError when a column that the document names is missing */
function rowReader (file: string, names: readonly string[], { input: anyInput, labels }: Model, { decimal }: CsvFormat): RowReader {
  const input = anyInput as TableInput
  requireColumns(file, names, input)
  const labelAt = names.indexOf(input.label)
  const labelIndex = new Map(labels.map((label, i) => [label, i]))
  const digest = recordDigest(names, numberParser(decimal))
  const columns = input.columns.map((column) => ({
    at: names.indexOf(column.name),
    ...(column.kind === 'numeric' ? column : { mean: 0, stdDev: 0 }),
    read: valueReader(column, decimal)
  }))
  return {
    digest: (row) => digest(row.texts()),
    label (row, place) {
      const label = row.text(labelAt)
      const index = labelIndex.get(label)
      if (index === undefined) {
        throw badValue(place, input.label, label, `is not one of the federation's labels ${listed(labels)}`)
      }
      return index
    },
    values (row, place, out, offset) {
      for (let i = 0; i < columns.length; i++) {
        const { at, mean, stdDev, read } = columns[i]!
        // most are numbers and need not become texts; NaN where they are not, and where the column is not numeric
        const standardised = Math.fround(((stdDev === 0 ? NaN : row.number(at) ?? NaN) - mean) / stdDev)
        out[offset + i] = Number.isFinite(standardised) ? standardised : read(row.text(at), place)
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

function valueReader (column: TableInput['columns'][number], decimal: DecimalMark): (text: string, place: RowPlace) => number {
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
  const parse = numberParser(decimal)
  return (text, place) => {
    const value = parse(text)
    if (value === undefined && isMissing(text)) {
      return MISSING
    }
    const standardised = value === undefined ? NaN : Math.fround((value - column.mean) / column.stdDev)
    if (!Number.isFinite(standardised)) {
      throw badValue(place, column.name, text, value === undefined ? `is not a number${numberHint(text, decimal)}; correct it or remove the row` : 'is too large for this column; correct it or remove the row')
    }
    return standardised
  }
}
