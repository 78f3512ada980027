/**
 * A table's schema as a founder edited it: TOML, as `grapevine schema` proposes it
 */
import { open } from 'node:fs/promises'
import { closest } from '../src/closest.ts'
import { quoted } from '../src/quoted.ts'
import { ConfigurationError } from './errors.ts'
import { parseToml } from './resolve-settings.ts'
import type { output } from 'zod'
import type { DeclaredColumn, TableChoices } from '../src/data/table-schema.ts'
import type { Z } from './setting.ts'

/** 4096 columns, each with a few lines and its values */
const MAX_BYTES = 4_194_304

/** As in the document (src/federation/table-input.ts) */
const MAX_NAME = 256
const MAX_COLUMNS = 4096

function schemas (z: Z) {
  const name = z.string().min(1).max(MAX_NAME)
  const finite = z.number()
  const missingInput = { 'missing-input': z.boolean().optional() }
  return {
    table: z.strictObject({
      label: name.optional(),
      classes: z.array(name).min(2).max(1000).optional(),
      group: name.optional(),
      marks: z.array(z.string().min(1).max(32)).max(64).optional(),
      rare: z.int().min(1).max(1_000_000).optional(),
      columns: z.record(z.string(), z.unknown())
    }),
    column: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('numeric'),
        unit: z.string().min(1).max(32).optional(),
        min: finite.optional(),
        max: finite.optional(),
        mean: finite.optional(),
        deviation: finite.positive().optional(),
        missing: z.union([z.literal('mean'), finite]).optional(),
        ...missingInput
      }),
      z.strictObject({ kind: z.literal('categorical'), values: z.array(z.string().max(MAX_NAME)).min(1).max(1024).optional(), ...missingInput }),
      z.strictObject({ kind: z.literal('ignore') })
    ])
  }
}

type Schemas = ReturnType<typeof schemas>
type ColumnEntry = output<Schemas['column']>

/** Throws ConfigurationError with the path in front: missing, no TOML, unknown keys, values that do not go together */
export async function readSchemaFile (path: string): Promise<TableChoices> {
  const { table: tableSchema, column: columnSchema } = schemas(await import('./checks.ts'))
  const { issuesMessage } = await import('../src/federation/document-issues.ts')
  const parsed = tableSchema.safeParse(await parseToml(await readText(path), path), { reportInput: true })
  if (!parsed.success) {
    throw new ConfigurationError(`${path}: ${issuesMessage(tableSchema, parsed.error.issues)}`)
  }
  const { label, classes, group, marks, rare, columns } = parsed.data
  const entries = Object.entries(columns)
  if (entries.length === 0 || entries.length > MAX_COLUMNS) {
    throw new ConfigurationError(`${path}: ${entries.length} columns: there must be 1 to ${MAX_COLUMNS}, each as [columns.NAME]`)
  }
  const declared = entries.map(([name, value]): [string, DeclaredColumn] => {
    const fail = (problem: string): never => { throw new ConfigurationError(`${path}: column ${quoted(name)}: ${problem}`) }
    const column = columnSchema.safeParse(value, { reportInput: true })
    if (!column.success) {
      return fail(kindProblem(value) ?? issuesMessage(columnSchema, column.error.issues))
    }
    if (name === label) {
      return fail('is the label, and no input: remove it here')
    }
    return [name, declaredColumn(column.data, fail)]
  })
  return { label, rareRows: rare, declared: { columns: new Map(declared), classes, group, marks } }
}

function kindProblem (value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) {
    return 'must say kind = "numeric", "categorical" or "ignore"'
  }
  const { kind } = value
  if (kind === 'numeric' || kind === 'categorical' || kind === 'ignore') {
    return undefined
  }
  const near = typeof kind === 'string' ? closest(kind, ['numeric', 'categorical', 'ignore']) : undefined
  return `kind must be "numeric", "categorical" or "ignore"${near === undefined ? '' : ` (did you mean "${near}"?)`}`
}

function declaredColumn (entry: ColumnEntry, fail: (problem: string) => never): DeclaredColumn {
  if (entry.kind === 'ignore') {
    return { kind: 'ignore' }
  }
  if (entry.kind === 'categorical') {
    const twice = entry.values?.find((value, i) => entry.values!.indexOf(value) !== i)
    return twice === undefined ? { kind: 'categorical', values: entry.values, missingInput: entry['missing-input'] } : fail(`the value ${quoted(twice)} stands there twice`)
  }
  const { unit, missing, 'missing-input': missingInput } = entry
  return { kind: 'numeric', unit, range: rangeOf(entry, fail), told: toldOf(entry, fail), constant: missing === 'mean' ? undefined : missing, missingInput }
}

type NumericEntry = Extract<ColumnEntry, { kind: 'numeric' }>

function rangeOf ({ min, max }: NumericEntry, fail: (problem: string) => never): DeclaredColumn['range'] {
  if (min === undefined && max === undefined) {
    return undefined
  }
  return min !== undefined && max !== undefined && min < max ? { min, max } : fail('"min" and "max" are one range: give both, the smaller one as "min"')
}

function toldOf ({ mean, deviation }: NumericEntry, fail: (problem: string) => never): DeclaredColumn['told'] {
  if (mean === undefined && deviation === undefined) {
    return undefined
  }
  return mean !== undefined && deviation !== undefined ? { mean, stdDev: deviation } : fail('"mean" and "deviation" go together: give both, or a range')
}

/** Bounded before it is read */
async function readText (path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      if (size > MAX_BYTES) {
        throw new ConfigurationError(`${path} has ${size} bytes: it is no schema`)
      }
      return (await file.readFile('utf8')).replace(/^\ufeff/, '')
    } finally {
      await file.close()
    }
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw err instanceof ConfigurationError ? err : new ConfigurationError(`cannot read the schema ${path}: ${code === 'ENOENT' ? 'there is no such file; grapevine schema DATA --output FILE proposes one' : message}`, { cause: err })
  }
}
