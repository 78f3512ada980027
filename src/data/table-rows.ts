/**
 * Examples from the rows of one file: of all of them in one reading, or of those that somebody chose by their labels
 */
import { DatasetError } from '../errors.ts'
import { columnFindings } from './column-fit.ts'
import { requireRoom } from './examples.ts'
import { RECORD_DIGEST_BYTES } from './record-digest.ts'
import { rowReader, TargetCollector } from './row-reader.ts'
import { RowStore } from './row-store.ts'
import { tableExamples } from './table-examples.ts'
import { readTable } from './table-file.ts'
import type { CsvOptions, TableVisitor } from './csv.ts'
import type { Examples, Model, TableInput } from './examples.ts'
import type { RowReader, RowTargets } from './row-reader.ts'

/** One reading of one file */
export interface TableReading {
  file: string
  model: Model
  options: CsvOptions
}

export interface Selection {
  /** Ascending */
  rows: Uint32Array
  /** To train on: it is said where they are unlike what the document was made for */
  own?: boolean
  /** By their digests */
  identified?: boolean
}

export interface ReadRows {
  examples: Examples
  remarks: string[]
}

/** Columns that a refusal lists */
const MAX_UNFIT = 3

/** Labels and groups alone. Throws DatasetError */
export async function readTargets ({ file, model, options }: TableReading): Promise<RowTargets> {
  const targets = new TargetCollector(file, model)
  await readTable(file, (columns, format) => {
    const reader = rowReader(file, columns, model, format)
    return (row, place) => { targets.add(reader, row, place) }
  }, options)
  return targets.result()
}

export interface AllRows {
  targets: RowTargets
  /** Examples of each selection; once only: what was read goes as it is taken */
  take: (selections: readonly Selection[]) => Promise<ReadRows[]>
}

/**
 * Every row, in one reading, or in two where they are too large to lie in memory twice; `identified`: each with its
 * digest. Throws DatasetError
 */
export async function readAllRows ({ file, model, options }: TableReading, identified: boolean, maxBytes?: number): Promise<AllRows> {
  const table = model.input as TableInput
  const found = new TargetCollector(file, model)
  const store = new RowStore({ file, width: table.columns.length, identified }, maxBytes)
  await readTable(file, (columns, format) => {
    const reader = rowReader(file, columns, model, format)
    return (row, place) => {
      found.add(reader, row, place)
      const { values, offset, digests, digestOffset } = store.add()
      reader.values(row, place, values, offset)
      digests?.set(reader.digest(row), digestOffset)
    }
  }, options)
  const targets = found.result()
  const take: AllRows['take'] = async (selections) => store.isGivenUp
    ? readRows({ file, model, options: { ...options, onRead: undefined } }, targets, selections)
    : store.take(selections.map(({ rows }) => rows)).map(({ values, digests }, i) => rowsOf(file, table, targets, { ...selections[i]!, values, digests }))
  return { targets, take }
}

interface Target extends Selection {
  values: Float32Array
  digests: Uint8Array | undefined
}

/** Examples of each selection of rows, in one reading. Throws DatasetError */
export async function readRows ({ file, model, options }: TableReading, found: RowTargets, selections: readonly Selection[]): Promise<ReadRows[]> {
  const table = model.input as TableInput
  const width = table.columns.length
  requireRoom(file, selections.reduce((sum, { rows }) => sum + rows.length, 0), 4 * width + RECORD_DIGEST_BYTES)
  const targets = selections.map((selection): Target => ({
    ...selection,
    values: new Float32Array(selection.rows.length * width),
    digests: selection.identified === true ? new Uint8Array(selection.rows.length * RECORD_DIGEST_BYTES) : undefined
  }))
  const total = await readTable(file, (columns, format) => selectionVisitor(rowReader(file, columns, model, format), targets, width), options)
  if (total !== found.labels.length) {
    throw new DatasetError(`${file} changed while it was read: ${found.labels.length} rows, then ${total}; start again`)
  }
  return targets.map((target) => rowsOf(file, table, found, target))
}

function selectionVisitor (reader: RowReader, targets: readonly Target[], width: number): TableVisitor {
  const next = targets.map(() => 0)
  let at = 0
  return (row, place) => {
    for (let i = 0; i < targets.length; i++) {
      const { rows, values, digests } = targets[i]!
      const to = next[i]!
      if (rows[to] === at) {
        reader.values(row, place, values, to * width)
        digests?.set(reader.digest(row), to * RECORD_DIGEST_BYTES)
        next[i] = to + 1
      }
    }
    at++
  }
}

function rowsOf (file: string, table: TableInput, { labels, targets: numbers }: RowTargets, { rows, values, digests, own = false, identified = false }: Target): ReadRows {
  const examples = tableExamples(values, Uint16Array.from(rows, (row) => labels[row]!), table)
  return {
    examples: {
      ...examples,
      ...(numbers === undefined ? {} : { targets: Float32Array.from(rows, (row) => numbers[row]!) }),
      ...(identified && digests !== undefined ? { recordDigests: digests } : {})
    },
    remarks: own ? fittingRemarks(file, values, table) : []
  }
}

/** Throws DatasetError for a column that cannot be what the document declares */
function fittingRemarks (file: string, values: Float32Array, table: TableInput): string[] {
  const { remarks, unfit } = columnFindings(values, table)
  if (unfit.length > 0) {
    throw new DatasetError(`${file} does not fit the federation: ${unfit.slice(0, MAX_UNFIT).join('; ')}${unfit.length > MAX_UNFIT ? `; and ${unfit.length - MAX_UNFIT} columns more` : ''}`)
  }
  return remarks
}
