/**
 * Which columns a Parquet file has, and how their values are written as a CSV file would have them
 */
import { DatasetError } from '../../errors.ts'
import { listed, shown } from '../csv.ts'
import type { ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet'

/** As many as a federation document allows */
const MAX_COLUMNS = 4096

/** Of byte arrays: what makes text or numbers of them */
const TEXT_TYPES: readonly (string | undefined)[] = ['UTF8', 'ENUM', 'JSON', 'DECIMAL']
const TEXT_LOGICAL_TYPES: readonly (string | undefined)[] = ['STRING', 'ENUM', 'JSON', 'DECIMAL', 'UUID', 'FLOAT16']

/** Names of the columns, in the order of the file. Throws DatasetError for columns that are no cells of a table */
export function columnNames (file: string, { children }: SchemaTree): string[] {
  const nested = children.filter((child) => child.children.length > 0 || child.element.repetition_type === 'REPEATED').map(({ element }) => element.name)
  if (nested.length > 0) {
    throw new DatasetError(`${file} has nested ${nested.length === 1 ? 'column' : 'columns'} ${listed(nested)} (lists, structures or maps), which are no cells of a table; write the file without ${nested.length === 1 ? 'it' : 'them'}, or with a column for each part`)
  }
  const raw = children.filter(({ element }) => isRaw(element)).map(({ element }) => element.name)
  if (raw.length > 0) {
    throw new DatasetError(`${file} has the ${raw.length === 1 ? 'column' : 'columns'} ${listed(raw)} of raw bytes or of a kind that is not read; write the file without ${raw.length === 1 ? 'it' : 'them'}, or as text`)
  }
  const names = children.map(({ element }) => element.name)
  const repeated = names.find((name, i) => names.indexOf(name) !== i)
  if (names.length < 2 || names.length > MAX_COLUMNS || repeated !== undefined) {
    throw new DatasetError(repeated === undefined
      ? `${file} has ${names.length} ${names.length === 1 ? 'column' : 'columns'}; a table has a label and at least one input, and at most ${MAX_COLUMNS} columns`
      : `${file} has two columns named ${shown(repeated)}; give each column a name of its own`)
  }
  return names
}

function isRaw ({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  if (converted === 'BSON' || converted === 'INTERVAL') {
    return true
  }
  return (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY') && !TEXT_TYPES.includes(converted) && !TEXT_LOGICAL_TYPES.includes(logical?.type)
}

const DAY_MS = 86_400_000

/** Dates and times as ISO 8601 has them, to the last digit that the file has; JSON as its text */
export const PARSERS: Partial<ParquetParsers> = {
  dateFromDays: (days: number | undefined) => days === undefined || days === null ? undefined : day(days),
  timestampFromMilliseconds: (value: bigint | undefined) => timeOf(value, 1000n, 3),
  timestampFromMicroseconds: (value: bigint | undefined) => timeOf(value, 1_000_000n, 6),
  timestampFromNanoseconds: (value: bigint | undefined) => timeOf(value, 1_000_000_000n, 9),
  jsonFromBytes: (bytes: Uint8Array | undefined) => bytes === undefined || bytes === null ? undefined : Buffer.from(bytes).toString()
}

function day (days: number): string {
  const date = new Date(days * DAY_MS)
  return Number.isNaN(date.getTime()) ? String(days) : date.toISOString().slice(0, -14)
}

function timeOf (value: bigint | undefined, second: bigint, digits: number): string | undefined {
  if (value === undefined || value === null) {
    return undefined
  }
  const [whole, part] = [value / second, value % second]
  const [seconds, fraction] = part < 0n ? [whole - 1n, part + second] : [whole, part]
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) {
    return String(value)
  }
  const text = date.toISOString().slice(0, -5)
  return fraction === 0n ? text : `${text}.${String(fraction).padStart(digits, '0').replace(/0+$/, '')}`
}

/** As decoded with PARSERS */
export type Cell = string | number | bigint | boolean | null | undefined

/** A cell as a CSV file would have it: trimmed, empty where there is no value */
export function cellText (value: Cell): string {
  return value === null || value === undefined ? '' : typeof value === 'string' ? value.trim() : String(value)
}
