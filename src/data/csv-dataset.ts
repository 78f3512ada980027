/**
 * Examples from CSV files, by the columns that the federation document names
 *
 * A file is read twice: first its labels, which decide the rows that are this peer's own; then the values of those rows
 * only.
 */
import { DatasetError } from '../errors.ts'
import { columnFindings } from './column-fit.ts'
import { listed, shown } from './csv.ts'
import { groupReader } from './group-keys.ts'
import { DEFAULT_TEST_FRACTION, HOLD_OUT_SEED, holdOut, holdOutGroups } from './hold-out.ts'
import { indices, partitionRows } from './partition.ts'
import { missingTest } from './missing.ts'
import { numberParser } from './parse-number.ts'
import { withAllMisfits } from './misfits.ts'
import { RECORD_DIGEST_BYTES, recordDigest } from './record-digest.ts'
import { inputWords, requireRoom } from './examples.ts'
import { LabelCollector, labelReader } from './label-reader.ts'
import { alike } from './similar-name.ts'
import { tableExamples } from './table-examples.ts'
import { readTable } from './table-file.ts'
import { valuesReader } from './table-values.ts'
import type { Dataset, Examples, Model, TableInput } from './examples.ts'
import type { CsvOptions, RowPlace, RowVisitor } from './csv.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { LoadOptions, ReadOptions } from './data-format.ts'
import type { DatasetSource, Partition, TestSplit } from '../interface.ts'
import type { RowLabels } from './label-reader.ts'
import type { ValuesReader } from './table-values.ts'

export type CsvSource = Extract<DatasetSource, { kind: 'csv' }>

/** Rows that a check reads of each file */
const CHECKED_ROWS = 100

/** Columns that a refusal lists */
const MAX_UNFIT = 3

/** What one row becomes */
interface RowReader {
  digest: (fields: readonly string[]) => Uint8Array
  label: (fields: readonly string[], place: RowPlace) => number
  /** Where the document names a group */
  group?: (fields: readonly string[], place: RowPlace) => number
  values: ValuesReader
}

/**
 * Loads this peer's training rows and the test rows: those of `testFile`, or a part of `file` set aside before the rest
 * is partitioned: by a fixed seed, or by the groups that the document names
 *
 * Throws DatasetError, which counts all that does not fit, and RangeError on an impossible test fraction
 */
export async function loadCsvDataset (source: CsvSource, model: Model, partition?: Partition, options: LoadOptions = {}): Promise<Dataset> {
  try {
    return await load(source, model, { ...options, partition })
  } catch (err) {
    throw err instanceof DatasetError && model.input.kind === 'table' ? await withAllMisfits(err, source, model) : err
  }
}

async function load (source: CsvSource, model: Model, { partition, identified = true, onRead }: LoadOptions & { partition: Partition | undefined }): Promise<Dataset> {
  const { reading } = readings(source, { count: source.testFile === undefined ? 2 : 4, onRead })
  const input = requireTable(source, model)
  const found = await readLabels(source.file, model, reading())
  const { labels } = found
  const held = source.testFile === undefined ? heldOut(source, input, found) : { train: indices(labels.length), test: undefined }
  const own = partition === undefined ? held.train : partitionRows(labels, partition, held.train)
  if (own.length === 0 || held.test?.length === 0) {
    throw new DatasetError(`${source.file} has ${labels.length} rows: too few to train and to test; add rows`)
  }
  if (held.test !== undefined || source.testFile === undefined) {
    const [train, test] = await readRows(source.file, model, found, { selections: [{ rows: own, own: true, identified }, { rows: held.test ?? indices(0) }], options: reading() })
    return datasetOf(train!, test!, input.group === undefined ? { by: 'rows' } : { by: 'groups', column: input.group })
  }
  const tested = await readLabels(source.testFile, model, reading())
  const [train] = await readRows(source.file, model, found, { selections: [{ rows: own, own: true, identified }], options: reading() })
  const [test] = await readRows(source.testFile, model, tested, { selections: [{ rows: indices(tested.labels.length) }], options: reading() })
  train!.remarks.push(...sharedGroups(input, found, tested))
  return datasetOf(train!, test!, { by: 'file' })
}

function heldOut ({ file, testFraction = DEFAULT_TEST_FRACTION }: CsvSource, { group }: TableInput, { labels, groups }: Targets): { train: Uint32Array, test: Uint32Array } {
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
function sharedGroups ({ group }: TableInput, { groups: trained }: Targets, { groups: tested }: Targets): string[] {
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
      return (fields, place) => {
        row.label(fields, place)
        row.values(fields, place, scratch, 0)
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
function readings (source: CsvSource, { count, onRead }: ReadOptions & { count: number }): { reading: () => CsvOptions } {
  let begun = 0
  return {
    reading: () => {
      const before = begun++
      return { ...dialectOf(source), onRead: onRead && ((share) => { onRead((before + share) / count) }) }
    }
  }
}

/** Of all rows of a file */
interface Targets extends RowLabels {
  /** Keys of their groups, where the document names a column of groups */
  groups: Float64Array | undefined
}

async function readLabels (file: string, model: Model, options: CsvOptions): Promise<Targets> {
  const input = model.input as TableInput
  const found = new LabelCollector(model)
  let groups = new Float64Array(input.group === undefined ? 0 : 1024)
  let count = 0
  await readTable(file, (columns, format) => {
    const row = rowReader(file, columns, model, format)
    return (fields, place) => {
      found.add(row.label(fields, place), file)
      if (row.group !== undefined) {
        groups = count < groups.length ? groups : grown(groups)
        groups[count++] = row.group(fields, place)
      }
    }
  }, options)
  return { ...found.result(), groups: input.group === undefined ? undefined : groups.slice(0, count) }
}

function grown (values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length)
  larger.set(values)
  return larger
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

interface Target {
  rows: Uint32Array
  own: boolean
  values: Float32Array
  digests: Uint8Array | undefined
  next: number
}

/** Examples of each selection of rows, in one reading */
async function readRows (file: string, model: Model, { labels, targets: numbers }: RowLabels, { selections, options }: { selections: readonly Selection[], options: CsvOptions }): Promise<ReadRows[]> {
  const table = model.input as TableInput
  const width = table.columns.length
  requireRoom(file, selections.reduce((sum, { rows }) => sum + rows.length, 0), 4 * width + RECORD_DIGEST_BYTES)
  const targets = selections.map(({ rows, own = false, identified = false }): Target => ({
    rows,
    own,
    values: new Float32Array(rows.length * width),
    digests: identified ? new Uint8Array(rows.length * RECORD_DIGEST_BYTES) : undefined,
    next: 0
  }))
  const total = await readTable(file, (columns, format) => selectionVisitor(rowReader(file, columns, model, format), targets, width), options)
  if (total !== labels.length) {
    throw new DatasetError(`${file} changed while it was read: ${labels.length} rows, then ${total}; start again`)
  }
  return targets.map(({ rows, own: isOwn, values, digests }) => {
    const own = tableExamples(values, Uint16Array.from(rows, (row) => labels[row]!), table)
    const examples = numbers === undefined ? own : { ...own, targets: Float32Array.from(rows, (row) => numbers[row]!) }
    return {
      examples: digests === undefined ? examples : { ...examples, recordDigests: digests },
      remarks: isOwn ? fittingRemarks(file, values, table) : []
    }
  })
}

/** Throws DatasetError for a column that cannot be what the document declares */
function fittingRemarks (file: string, values: Float32Array, table: TableInput): string[] {
  const { remarks, unfit } = columnFindings(values, table)
  if (unfit.length > 0) {
    throw new DatasetError(`${file} does not fit the federation: ${unfit.slice(0, MAX_UNFIT).join('; ')}${unfit.length > MAX_UNFIT ? `; and ${unfit.length - MAX_UNFIT} columns more` : ''}`)
  }
  return remarks
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
function rowReader (file: string, names: readonly string[], model: Model, { decimal }: Pick<CsvFormat, 'decimal'> = { decimal: 'point' }): RowReader {
  const input = model.input as TableInput
  requireLabel(file, names, input)
  requireGroup(file, names, input)
  const labelAt = names.indexOf(input.label)
  const readLabel = labelReader(input.label, model, decimal)
  const groupOf = input.group === undefined ? undefined : groupReader(input.group, missingTest(input.marks, numberParser(decimal)))
  const groupAt = names.indexOf(input.group ?? '')
  return {
    digest: recordDigest(names, numberParser(decimal)),
    ...(groupOf === undefined ? {} : { group: (fields, place) => groupOf(fields[groupAt]!, place) }),
    label: (fields, place) => readLabel(fields[labelAt]!, place),
    values: valuesReader(file, names, input, decimal)
  }
}

function requireLabel (file: string, names: readonly string[], { label }: TableInput): void {
  if (!names.includes(label)) {
    throw new DatasetError(`${file} has no column ${shown(label)}, which the federation uses as the label; it has ${listed(names)}${alike(label, names)}`)
  }
}

function requireGroup (file: string, names: readonly string[], { group }: TableInput): void {
  if (group !== undefined && !names.includes(group)) {
    throw new DatasetError(`${file} has no column ${shown(group)}, by which the federation tells test rows from training rows; it has ${listed(names)}${alike(group, names)}`)
  }
}
