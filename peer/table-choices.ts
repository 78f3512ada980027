/**
 * What the flags decide of a table's columns, for a new federation
 */
import { UsageError } from './errors.ts'
import { flagsText, givenOf } from './given-flags.ts'
import type { SettingName, Settings } from './settings.ts'
import type { ColumnChoice, TableChoices } from '../src/data/table-schema.ts'

/** What a schema file says itself */
const IN_SCHEMA = ['label', 'drop', 'column', 'rare'] as const satisfies readonly SettingName[]

export const TABLE_CHOICES = ['drop', 'column', 'rare', 'schema'] as const satisfies readonly SettingName[]

/**
 * From the flags, or from the schema file that they name
 *
 * Throws UsageError where both decide, or two things are said of a column; ConfigurationError for the file
 */
export async function foundersChoices (settings: Settings): Promise<TableChoices> {
  if (settings.schema === undefined) {
    return tableChoices(settings)
  }
  const given = givenOf(settings, IN_SCHEMA)
  if (given.length > 0) {
    throw new UsageError(`--schema names a file that decides on all columns: say there what ${flagsText(given)} would`)
  }
  const { readSchemaFile } = await import('./schema-file.ts')
  return await readSchemaFile(settings.schema)
}

/** Throws UsageError for a column of which two things are said */
export function tableChoices ({ label, drop = [], column = [], rare }: Settings): TableChoices {
  const columns = new Map<string, ColumnChoice>()
  const said: Array<[string, ColumnChoice]> = [...drop.map((name): [string, ColumnChoice] => [name, 'ignore']), ...column.map(parsed)]
  for (const [name, choice] of said) {
    const before = columns.get(name)
    if (before !== undefined && before !== choice) {
      throw new UsageError(`column "${name}" is to be ${before} and ${choice}: say one of them`)
    }
    columns.set(name, choice)
  }
  return { label, columns, rareRows: rare }
}

/** A name may have an equals sign in it, a kind has none */
function parsed (text: string): [name: string, choice: ColumnChoice] {
  const at = text.lastIndexOf('=')
  return [text.slice(0, at), text.slice(at + 1) as ColumnChoice]
}
