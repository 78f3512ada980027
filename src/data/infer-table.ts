/**
 * Proposes columns and labels for a CSV file, and says what becomes of each column (column-role.ts)
 */
import { DatasetError } from '../errors.ts'
import { MAX_COLUMNS } from '../limits.ts'
import { ColumnProfile, MAX_CELL } from './column-profile.ts'
import { columnRole, leftOut } from './column-role.ts'
import { listed, shown } from './csv.ts'
import { declaredRole } from './declared-role.ts'
import { LabelProfile } from './label-profile.ts'
import { missingTest } from './missing.ts'
import { numberParser } from './parse-number.ts'
import { similarName } from './similar-name.ts'
import { readTable } from './table-file.ts'
import { TargetProfile } from './target-profile.ts'
import { DEFAULT_RARE_ROWS } from './table-schema.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { CsvOptions } from './csv.ts'
import type { NumberParser } from './parse-number.ts'
import type { ColumnRole } from './column-role.ts'
import type { Model, TableInput } from './examples.ts'
import type { ColumnChoice, TableChoices, TableSchema } from './table-schema.ts'

const DEFAULT_LABEL = 'label'

export interface InferredTable {
  input: TableInput
  labels: string[]
  target?: Model['target']
  schema: TableSchema
}

/**
 * Reads `file` once, in memory bounded by its columns and categories
 *
 * Throws DatasetError when the file cannot be read, a chosen column does not exist or cannot be what it was chosen to
 * be, the label is no class, a column of numbers has a word in it, or no input is left
 */
export async function inferTable (file: string, choices: TableChoices = {}, options: CsvOptions = {}): Promise<InferredTable> {
  const { columns: chosen = new Map<string, ColumnChoice>(), declared } = choices
  let profiles: ColumnProfile[] = []
  let labelAt = -1
  let label: LabelProfile | TargetProfile | undefined
  let format: CsvFormat | undefined
  const rows = await readTable(file, (names, found) => {
    format = found
    const parse = numberParser(found?.decimal ?? 'point')
    const isMissing = missingTest(declared?.marks, parse)
    requireNames(file, names)
    requireKnown(file, names, [...chosen.keys(), ...declared?.columns.keys() ?? [], ...(declared?.group === undefined ? [] : [declared.group])])
    labelAt = labelPosition(file, names, choices)
    const profile = label = labelProfile(file, names[labelAt]!, choices, parse)
    profiles = names.map((name) => new ColumnProfile(name, isMissing))
    return (row, place) => {
      profile.add(row.text(labelAt), place)
      for (let i = 0; i < profiles.length; i++) {
        if (i !== labelAt) {
          profiles[i]!.add(row, i, place)
        }
      }
    }
  }, options)
  const findings = label!.findings()
  const roles = profiles.map((profile, i) => i === labelAt
    ? { schema: label!.schema(), input: undefined }
    : roleOf(profile, choices))
  const columns = roles.flatMap(({ input }) => input === undefined ? [] : [input])
  const schema = { rows, ...(format === undefined ? {} : { format }), columns: roles.map((role) => role.schema) }
  requireInputs(file, schema)
  const { marks, group } = declared ?? {}
  return {
    input: { kind: 'table', label: profiles[labelAt]!.name, columns, ...(marks === undefined ? {} : { marks: [...marks] }), ...(group === undefined ? {} : { group }) },
    ...findings,
    schema
  }
}

/** Throws DatasetError when the column was chosen to be what no label can be */
function labelProfile (file: string, name: string, choices: TableChoices, parse: NumberParser): LabelProfile | TargetProfile {
  const { columns, rareRows = DEFAULT_RARE_ROWS, task, target = {}, declared } = choices
  const choice = columns?.get(name)
  const isNumber = choice !== 'ignore' && (task === 'regression' || choice === 'numeric')
  requireOneTask(file, name, choices, isNumber)
  return isNumber
    ? new TargetProfile({ file, name, choices: target, parse, isMissing: missingTest(declared?.marks, parse) })
    : new LabelProfile({ file, name, choice, rareRows, classes: declared?.classes, parse })
}

function requireOneTask (file: string, name: string, { columns, task, declared }: TableChoices, isNumber: boolean): void {
  const choice = columns?.get(name)
  if (task === 'regression' ? choice === 'categorical' : task === 'classes' && choice === 'numeric') {
    throw new DatasetError(`${file}: column ${shown(name)} is the label, and is to be ${choice} and of a task of ${task}: say one of them`)
  }
  if (isNumber && declared?.classes !== undefined) {
    throw new DatasetError(`the schema declares classes, and column ${shown(name)} is to be a number to predict: leave one of them out`)
  }
}

function roleOf (profile: ColumnProfile, { columns, rareRows = DEFAULT_RARE_ROWS, declared }: TableChoices): ColumnRole {
  if (declared === undefined) {
    return columnRole(profile, { choice: columns?.get(profile.name), rareRows })
  }
  return profile.name === declared.group
    ? groupRole(profile)
    : declaredRole(profile, declared.columns.get(profile.name), rareRows)
}

/** Its name is told, none of its values is */
function groupRole (profile: ColumnProfile): ColumnRole {
  return { schema: { ...leftOut(profile, '').schema, role: 'group', provenance: 'declared', why: undefined }, input: undefined }
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
    const suggestion = similarName(unknown, names)
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
  if (!columns.some(({ role }) => role === 'input')) {
    const [first] = out
    throw new DatasetError(`${file}: no column is left to learn from${first === undefined ? '' : `: ${shown(first.name)} is left out (${first.why}${out.length > 1 ? `), and so are ${out.length - 1} more` : ')'}`}`)
  }
}
