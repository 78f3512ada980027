/**
 * What a federation makes of each row of a table: its label, its group, its numbers, and what it is recognised by
 */
import { DatasetError } from '../errors.ts'
import { listed, shown } from './csv.ts'
import { groupReader } from './group-keys.ts'
import { LabelCollector, labelReader } from './label-reader.ts'
import { missingTest } from './missing.ts'
import { numberParser } from './parse-number.ts'
import { recordDigest } from './record-digest.ts'
import { alike } from './similar-name.ts'
import { valuesReader } from './table-values.ts'
import type { RowPlace } from './csv.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { Model, TableInput } from './examples.ts'
import type { RowLabels } from './label-reader.ts'
import type { Row } from './row.ts'
import type { ValuesReader } from './table-values.ts'

/** What one row becomes. All throw DatasetError for a cell that does not fit */
export interface RowReader {
  digest: (row: Row) => Uint8Array
  label: (row: Row, place: RowPlace) => number
  /** Where the document names a group */
  group?: (row: Row, place: RowPlace) => number
  values: ValuesReader
}

/** For rows of `file` with these columns. Throws DatasetError when one that the document names is missing */
export function rowReader (file: string, names: readonly string[], model: Model, { decimal }: Pick<CsvFormat, 'decimal'> = { decimal: 'point' }): RowReader {
  const input = model.input as TableInput
  requireLabel(file, names, input)
  requireGroup(file, names, input)
  const labelAt = names.indexOf(input.label)
  const readLabel = labelReader(input.label, model, decimal)
  const groupOf = input.group === undefined ? undefined : groupReader(input.group, missingTest(input.marks, numberParser(decimal)))
  const groupAt = names.indexOf(input.group ?? '')
  const digestOf = recordDigest(names, numberParser(decimal))
  return {
    digest: (row) => digestOf(row.texts()),
    ...(groupOf === undefined ? {} : { group: (row, place) => groupOf(row.text(groupAt), place) }),
    label: (row, place) => readLabel(row.text(labelAt), place),
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

/** Of all rows of a file, in their order */
export interface RowTargets extends RowLabels {
  /** Keys of their groups, where the document names a column of groups */
  groups: Float64Array | undefined
}

/** Collects labels and groups, in a memory that grows */
export class TargetCollector {
  private readonly file: string
  private readonly labels: LabelCollector
  private groups: Float64Array<ArrayBuffer> | undefined
  private count = 0

  constructor (file: string, model: Model) {
    this.file = file
    this.labels = new LabelCollector(model)
    this.groups = (model.input as TableInput).group === undefined ? undefined : new Float64Array(1024)
  }

  /** Throws DatasetError for a label or a group that does not fit, and for more rows than a peer may hold */
  add (reader: RowReader, row: Row, place: RowPlace): void {
    this.labels.add(reader.label(row, place), this.file)
    if (this.groups !== undefined && reader.group !== undefined) {
      this.groups = this.count < this.groups.length ? this.groups : grown(this.groups)
      this.groups[this.count++] = reader.group(row, place)
    }
  }

  result (): RowTargets {
    return { ...this.labels.result(), groups: this.groups?.slice(0, this.count) }
  }
}

function grown (values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length)
  larger.set(values)
  return larger
}
