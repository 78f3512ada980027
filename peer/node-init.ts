/**
 * From checked settings to what the library takes
 */
import { UsageError } from './errors.ts'
import { kebabName } from './settings.ts'
import type { SettingName, Settings } from './settings.ts'
import type { DatasetSource, Partition } from '../src/interface.ts'
import type { NodeInit } from '../src/node/node-interface.ts'

/** Settings that say which examples a peer uses */
export const DATA_SETTINGS = ['data', 'separator', 'decimal', 'testData', 'testFraction', 'partition', 'dirichlet', 'shards', 'partitionSeed'] as const satisfies readonly SettingName[]

const DEFAULT_TEST_FRACTION = 0.2

/** Kinds of data that are a table's file, and may have another one to test with */
const TABLE_KINDS: readonly string[] = ['csv', 'parquet', 'jsonl']
/** Others of which a share may be kept for testing */
const SPLIT_KINDS: readonly string[] = ['images', 'npy']

const DEFAULT_PARTITION_SEED = 1

/** Where the examples come from. Throws UsageError when settings do not go together */
export async function dataSource (settings: Settings): Promise<DatasetSource> {
  const { kind, rest } = specOf(settings.data ?? 'digits')
  refuseTestSettings(kind, settings)
  if (kind !== 'csv') {
    refuse(settings, ['separator', 'decimal'], 'only csv: data can have')
  }
  switch (kind) {
    case 'idx':
      return { kind: 'idx', directory: rest }
    case 'csv':
    case 'parquet':
    case 'jsonl':
      return tableSource(kind, rest, settings)
    case 'images':
    case 'npy':
      return { kind, path: rest, testFraction: settings.testFraction ?? DEFAULT_TEST_FRACTION }
    default: {
      const { DIGITS_DEFAULTS } = await import('../src/data/digits.ts')
      return { kind: 'digits', ...DIGITS_DEFAULTS, ...(rest === '' ? {} : { seed: Number(rest) }) }
    }
  }
}

function specOf (data: string): { kind: string, rest: string } {
  const separator = data.indexOf(':')
  return separator === -1 ? { kind: data, rest: '' } : { kind: data.slice(0, separator), rest: data.slice(separator + 1) }
}

/** Throws UsageError for test examples that this kind of data cannot have apart */
function refuseTestSettings (kind: string, settings: Settings): void {
  if (!TABLE_KINDS.includes(kind)) {
    refuse(settings, ['testData'], 'only csv:, parquet: and jsonl: data can have')
  }
  if (!TABLE_KINDS.includes(kind) && !SPLIT_KINDS.includes(kind)) {
    refuse(settings, ['testFraction'], `only ${[...TABLE_KINDS, ...SPLIT_KINDS].map((name) => `${name}:`).join(', ')} data can have`)
  }
}

function tableSource (kind: 'csv' | 'parquet' | 'jsonl', file: string, { testData, testFraction, separator, decimal }: Settings): DatasetSource {
  const tests = testData === undefined ? { testFraction: testFraction ?? DEFAULT_TEST_FRACTION } : { testFile: testData }
  return kind !== 'csv'
    ? { kind, file, ...tests }
    : { kind, file, ...tests, ...(separator === undefined ? {} : { separator }), ...(decimal === undefined ? {} : { decimal }) }
}

/** Undefined: all examples. Throws UsageError when settings do not go together */
export function dataPartition (settings: Settings): Partition | undefined {
  const { partition, dirichlet, shards, partitionSeed } = settings
  if (partition === undefined) {
    refuse(settings, ['dirichlet', 'shards', 'partitionSeed'], '--partition I/N is missing: nothing can be split by')
    return undefined
  }
  const [index, count] = partition.split('/').map(Number)
  const part = { index: index! - 1, count: count!, seed: partitionSeed ?? DEFAULT_PARTITION_SEED }
  if (dirichlet !== undefined) {
    return { ...part, strategy: 'dirichlet', alpha: dirichlet }
  }
  return shards === undefined ? { ...part, strategy: 'iid' } : { ...part, strategy: 'shards', shardsPerPeer: shards }
}

/** All of a node's settings but the document. Throws UsageError when settings do not go together */
export async function nodeInit (home: string, settings: Settings): Promise<NodeInit> {
  const { bootstrap, federationId, listen, announce, backend, threads, rounds, minMembers, keepVersions, evaluateEvery, ledgers, epsilonLimit, alone } = settings
  const init = {
    home,
    data: await dataSource(settings),
    partition: dataPartition(settings),
    bootstrap,
    expectedFederation: federationId,
    listen,
    announce,
    backend,
    threads,
    rounds,
    minMembers,
    keepVersions,
    evaluateEvery,
    ledgers,
    epsilonLimit,
    alone
  }
  return withoutUndefined(init)
}

function refuse (settings: Settings, names: readonly SettingName[], why: string): void {
  const given = names.filter((name) => settings[name] !== undefined)
  if (given.length > 0) {
    throw new UsageError(`${why} ${given.map((name) => `--${kebabName(name)}`).join(' and ')}`)
  }
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Settings that were not given are left out, so that the library's defaults hold */
function withoutUndefined<T extends object> (value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>
}
