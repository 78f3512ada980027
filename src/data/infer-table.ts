/**
 * Proposes columns and labels for a CSV file, and says what becomes of each column (column-role.ts)
 */
import { closest } from '../closest.ts'
import { DatasetError } from '../errors.ts'
import { ColumnProfile, MAX_CELL } from './column-profile.ts'
import { columnRole } from './column-role.ts'
import { listed, readTable, shown } from './csv.ts'
import { LabelProfile } from './label-profile.ts'
import { numberParser } from './parse-number.ts'
import { DEFAULT_RARE_ROWS } from './table-schema.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { CsvOptions } from './csv.ts'
import type { TableInput } from './examples.ts'
import type { ColumnChoice, TableChoices, TableSchema } from './table-schema.ts'

/** As many as the federation document allows */
const MAX_COLUMNS = 4096

const DEFAULT_LABEL = 'label'

export interface InferredTable {
  input: TableInput
  labels: string[]
  schema: TableSchema
}

/**
 * Reads `file` once, in memory bounded by its columns and categories
 *
 * Throws DatasetError when the file cannot be read, a chosen column does not exist or cannot be what it was chosen to
 * be, the label is no class, a column of numbers has a word in it, or no input is left
 */
export async function inferTable (file: string, choices: TableChoices = {}, options: CsvOptions = {}): Promise<InferredTable> {
  const { columns: chosen = new Map<string, ColumnChoice>(), rareRows = DEFAULT_RARE_ROWS } = choices
  let profiles: ColumnProfile[] = []
  let labelAt = -1
  let label: LabelProfile | undefined
  let format: CsvFormat | undefined
  const rows = await readTable(file, (names, found) => {
    format = found
    requireNames(file, names)
    requireKnown(file, names, [...chosen.keys()])
    labelAt = labelPosition(file, names, choices)
    const classes = label = new LabelProfile({ file, name: names[labelAt]!, choice: chosen.get(names[labelAt]!), rareRows })
    const parse = numberParser(found.decimal)
    profiles = names.map((name) => new ColumnProfile(name, parse))
    return (row, place) => {
      classes.add(row.text(labelAt), place)
      for (let i = 0; i < profiles.length; i++) {
        if (i !== labelAt) {
          profiles[i]!.addField(row, i, place)
        }
      }
    }
  }, options)
  const labels = label!.labels()
  const roles = profiles.map((profile, i) => i === labelAt
    ? { schema: label!.schema(), input: undefined }
    : columnRole(profile, { choice: chosen.get(profile.name), rareRows }))
  const columns = roles.flatMap(({ input }) => input === undefined ? [] : [input])
  const schema = { rows, format, columns: roles.map((role) => role.schema) }
  requireInputs(file, schema)
  return { input: { kind: 'table', label: profiles[labelAt]!.name, columns }, labels, schema }
}

function labelPosition (file: string, names: readonly string[], { label, columns }: TableChoices): number {
  if (label === undefined) {
    const found = names.findIndex((name) => name.toLowerCase() === DEFAULT_LABEL)
    return found === -1 ? Math.max(0, names.findLastIndex((name) => columns?.get(name) !== 'ignore')) : found
  }
  requireKnown(file, names, [label])
  return names.indexOf(label)
}

function requireKnown (file: string, names: readonly string[], wanted: readonly string[]): void {
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const suggestion = closest(unknown, names)
    throw new DatasetError(`${file} has no column ${shown(unknown)}; it has ${listed(names)}${suggestion === undefined ? '' : ` (did you mean ${shown(suggestion)}?)`}`)
  }
}

function requireNames (file: string, names: readonly string[]): void {
  if (names.length > MAX_COLUMNS) {
    throw new DatasetError(`${file} has ${names.length} columns, more than ${MAX_COLUMNS}; remove some`)
  }
  names.forEach((name, i) => {
    if (name === '' || name.length > MAX_CELL) {
      throw new DatasetError(`${file}: column ${i + 1} has ${name === '' ? 'no name' : `a name longer than ${MAX_CELL} characters`}; name it in the first line`)
    }
  })
}

function requireInputs (file: string, { columns }: TableSchema): void {
  const out = columns.filter(({ role }) => role === 'left out')
  if (out.length === columns.length - 1) {
    const [first] = out
    throw new DatasetError(`${file}: no column is left to learn from${first === undefined ? '' : `: ${shown(first.name)} is left out (${first.why}${out.length > 1 ? `), and so are ${out.length - 1} more` : ')'}`}`)
  }
}
