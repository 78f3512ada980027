/**
 * `grapevine schema`: proposes what a federation's document says of a table, to be edited and given to `init --schema`
 *
 * Nothing is sent, and no home is needed or made.
 */
import { open } from 'node:fs/promises'
import { DEFAULT_RARE_ROWS } from '../../src/data/table-schema.ts'
import { commandLine } from '../command-line.ts'
import { UsageError } from '../errors.ts'
import { fittingChoices, refuseOtherTask } from '../fitted-document.ts'
import { dataSource, TABLE_KINDS } from '../node-init.ts'
import { schemaText } from '../schema-text.ts'
import { filePath } from '../setting.ts'
import type { VerbContext } from '../context.ts'
import type { InferredInput } from '../../src/data/data-format.ts'
import type { Settings } from '../settings.ts'

/** FILE as `--data` takes it, or the path of a file */
const KIND = /^(\w+):(.+)$/s

interface NamedTable {
  kind: string
  file: string
}

export async function schema ({ settings, terminal, args }: VerbContext): Promise<number> {
  const named = tableOf(args[0]!)
  const inferred = await inferredFrom(named, settings, (text) => { terminal.progress(text) })
  const table = inferred.schema
  if (table === undefined) {
    throw new UsageError(`${args[0]!} holds pictures, which have no columns: grapevine init --data ${named.kind}:${named.file} proposes all that a document says of them`)
  }
  refuseOtherTask(inferred, settings)
  const command = (file: string): string => nextCommand(named, inferred, settings, file)
  const text = { command: command(settings.output ?? 'FILE'), table, rareRows: settings.rare ?? DEFAULT_RARE_ROWS }
  if (settings.output === undefined) {
    terminal.event('schema', { table, toml: schemaText({ ...text, counts: false }), next: text.command })
    schemaText({ ...text, counts: true }).split('\n').forEach((line) => { terminal.line(line) })
    return 0
  }
  await writeNew(settings.output, `${schemaText({ ...text, counts: false })}\n`)
  terminal.event('schema', { table, output: settings.output, next: text.command })
  terminal.line(`Wrote ${settings.output}, which only you can read: edit it, then`)
  terminal.line(text.command)
  return 0
}

async function inferredFrom ({ kind, file }: NamedTable, settings: Settings, progress: (text: string) => void): Promise<InferredInput> {
  const { inferInput } = await import('../../src/data/data-formats.ts')
  const { separator, decimal } = settings
  const source = await dataSource({
    data: `${kind}:${filePath(file, process.cwd())}`,
    ...(separator === undefined ? {} : { separator }),
    ...(decimal === undefined ? {} : { decimal })
  } satisfies Settings)
  progress('reading the data')
  try {
    return await inferInput(source, await fittingChoices(settings))
  } finally {
    progress('')
  }
}

/**
 * What was said here and does not stand in the file is said again: how the table is written, and the number to predict
 */
function nextCommand ({ kind, file }: NamedTable, { target }: InferredInput, { separator, decimal, targetRange, targetUnit }: Settings, schemaFile: string): string {
  const flag = (name: string, value: string | undefined): string[] => value === undefined ? [] : [name, value]
  return commandLine([
    'grapevine', 'init', '--data', `${kind}:${file}`, '--schema', schemaFile,
    ...flag('--separator', separator === '\t' ? 'tab' : separator),
    ...flag('--decimal', decimal),
    ...flag('--task', target === undefined ? undefined : 'regression'),
    ...flag('--target-range', targetRange),
    ...flag('--target-unit', targetUnit)
  ])
}

/** Without a kind, by the end of the name. Throws UsageError for what has no columns */
function tableOf (argument: string): NamedTable {
  const [, kind, path] = KIND.exec(argument) ?? []
  if (argument === 'digits' || /^(digits|idx|images|text)$/.test(kind ?? '')) {
    throw new UsageError(`${argument} is no table: a schema is that of csv:FILE, parquet:FILE, jsonl:FILE or npy:PATH; for pictures and texts grapevine init proposes all that a document says`)
  }
  if (kind !== undefined && path !== undefined && TABLE_KINDS.includes(kind)) {
    return { kind, file: path }
  }
  return { kind: /\.parquet$/i.test(argument) ? 'parquet' : /\.np[yz]$/i.test(argument) ? 'npy' : /\.(jsonl|ndjson)(\.gz)?$/i.test(argument) ? 'jsonl' : 'csv', file: argument }
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
