/**
 * `grapevine schema`: proposes what a federation's document says of a table, to be edited and given to `init --schema`
 *
 * Nothing is sent, and no home is needed or made.
 */
import { open } from 'node:fs/promises'
import { DEFAULT_RARE_ROWS } from '../../src/data/table-schema.ts'
import { UsageError } from '../errors.ts'
import { dataSource } from '../node-init.ts'
import { schemaText } from '../schema-text.ts'
import { filePath } from '../setting.ts'
import { tableChoices } from '../table-choices.ts'
import type { VerbContext } from '../context.ts'
import type { Settings } from '../settings.ts'

/** FILE as `--data` takes it, or the path of a CSV file */
const KIND = /^(\w+):(.+)$/s

export async function schema ({ settings, terminal, args }: VerbContext): Promise<number> {
  const { kind, file } = tableOf(args[0]!)
  const { separator, decimal } = settings
  const { inferInput } = await import('../../src/data/data-formats.ts')
  const source = await dataSource({
    data: `${kind}:${filePath(file, process.cwd())}`,
    ...(separator === undefined ? {} : { separator }),
    ...(decimal === undefined ? {} : { decimal })
  } satisfies Settings)
  terminal.progress('reading the data')
  const { schema: table } = await inferInput(source, tableChoices(settings))
  terminal.progress('')
  const text = { file, table: table!, rareRows: settings.rare ?? DEFAULT_RARE_ROWS }
  if (settings.output === undefined) {
    terminal.event('schema', { table, toml: schemaText({ ...text, counts: false }) })
    schemaText({ ...text, counts: true }).split('\n').forEach((line) => { terminal.line(line) })
    return 0
  }
  await writeNew(settings.output, `${schemaText({ ...text, counts: false })}\n`)
  terminal.event('schema', { table, output: settings.output })
  terminal.line(`Wrote ${settings.output}, which only you can read: edit it, then`)
  terminal.line(`grapevine init --data ${kind}:${file} --schema ${settings.output}`)
  return 0
}

function tableOf (argument: string): { kind: 'csv' | 'parquet' | 'jsonl', file: string } {
  const [, kind, path] = KIND.exec(argument) ?? []
  if (argument === 'digits' || /^(digits|idx|images|npy)$/.test(kind ?? '')) {
    throw new UsageError(`${argument} is no table: a schema is that of a CSV, Parquet or JSON Lines file`)
  }
  return (kind === 'csv' || kind === 'parquet' || kind === 'jsonl') && path !== undefined ? { kind, file: path } : { kind: 'csv', file: argument }
}

/** For its owner only. Throws UsageError where there is a file: it may be one that was edited */
async function writeNew (path: string, text: string): Promise<void> {
  let file
  try {
    file = await open(path, 'wx', 0o600)
  } catch (err) {
    throw (err as NodeJS.ErrnoException).code === 'EEXIST' ? new UsageError(`${path} exists already: name another file, or remove it`, { cause: err }) : err
  }
  try {
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}
