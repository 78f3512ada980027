/**
 * What becomes of a column by its founder's word: what is declared is never computed from the rows
 *
 * Pure. What the founder leaves open is decided by the values, as without a schema (column-role.ts).
 */
import { rangeMoments } from '../federation/input-shape.ts'
import { categoricalOf, chosenCategorical, chosenNumeric, leftOut, numericOf, requireNumbers } from './column-role.ts'
import type { ColumnProfile } from './column-profile.ts'
import type { ColumnRole, Unnamed } from './column-role.ts'
import type { TableInput } from './examples.ts'
import type { DeclaredColumn } from './table-schema.ts'

type NumericColumn = Extract<TableInput['columns'][number], { kind: 'numeric' }>
type CategoricalColumn = Extract<TableInput['columns'][number], { kind: 'categorical' }>

/** Without `declared`, a column that the schema does not name. Throws DatasetError as `columnRole` does */
export function declaredRole (profile: ColumnProfile, declared: DeclaredColumn | undefined, rareRows: number): ColumnRole {
  if (declared === undefined) {
    return leftOut(profile, 'the schema does not name it')
  }
  switch (declared.kind) {
    case 'ignore': return leftOut(profile, 'as the schema says')
    case 'numeric': return declaredNumeric(profile, declared)
    case 'categorical': return declaredCategorical(profile, declared, rareRows)
  }
}

function declaredNumeric (profile: ColumnProfile, { unit, range, told, constant, missingInput }: DeclaredColumn): ColumnRole {
  const known = told ?? (range === undefined ? undefined : rangeMoments(range))
  if (known !== undefined) {
    requireNumbers(profile)
  }
  const { schema, input } = known === undefined ? chosenNumeric(profile) : numericOf(profile, known, 'declared')
  const { missing: _, ...column } = input as NumericColumn
  const missing = { ...(constant === undefined ? {} : { constant }), ...(missingInput === true ? { indicator: true as const } : {}) }
  return {
    schema: { ...schema, unit, declared: range, constant, missingInput },
    input: { ...column, ...(unit === undefined ? {} : { unit }), ...range, ...(Object.keys(missing).length === 0 ? {} : { missing }) }
  }
}

function declaredCategorical (profile: ColumnProfile, { values, missingInput }: DeclaredColumn, rareRows: number): ColumnRole {
  const { schema, input } = values === undefined ? chosenCategorical(profile, rareRows) : categoricalOf(profile, { values: [...values], unnamed: unnamedBeside(profile, values), provenance: 'declared' })
  const { missing: _, ...column } = input as CategoricalColumn
  return { schema: { ...schema, missingInput }, input: { ...column, ...(missingInput === true ? { missing: true } : {}) } }
}

/** Of the file's values, as far as they were counted, those that the founder does not name */
function unnamedBeside ({ rows }: ColumnProfile, named: readonly string[]): Unnamed {
  const counts = [...rows].filter(([value]) => !named.includes(value)).map(([, count]) => count)
  return { values: counts.length, rows: counts.reduce((sum, count) => sum + count, 0) }
}
