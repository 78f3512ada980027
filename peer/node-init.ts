/**
 * From checked settings to what the library takes
 */
import { UsageError } from './errors.ts'
import { flagsText, givenOf } from './given-flags.ts'
import type { SettingName, Settings } from './settings.ts'
import type { DatasetSource, Partition } from '../src/interface.ts'
import type { NodeInit } from '../src/node/node-interface.ts'

/** Settings that say which examples a peer uses */
export const DATA_SETTINGS = ['data', 'separator', 'decimal', 'testData', 'testFraction', 'partition', 'dirichlet', 'shards', 'partitionSeed'] as const satisfies readonly SettingName[]

const DEFAULT_TEST_FRACTION = 0.2

/** Kinds of data that are files with rows, and may have another one to test with */
const ROW_FILE_KINDS: readonly string[] = ['csv', 'parquet', 'jsonl', 'text']
/** Kinds of data that may be a table, whose columns somebody decides on */
export const TABLE_KINDS: readonly string[] = ['csv', 'parquet', 'jsonl', 'npy']
/** Kinds of data that may have a column of the class */
export const LABEL_KINDS: readonly string[] = [...TABLE_KINDS, 'text']
/** Kinds of data that may be pictures, whose size somebody decides on */
export const PICTURE_KINDS: readonly string[] = ['images', 'npy']
/** Others of which a share may be kept for testing */
const SPLIT_KINDS: readonly string[] = ['images', 'npy']

const DEFAULT_PARTITION_SEED = 1

/** Where the examples come from. Throws UsageError when settings do not go together */
export async function dataSource (settings: Settings): Promise<DatasetSource> {
  const { kind, rest } = specOf(settings.data ?? 'digits')
  refuseTestSettings(kind, settings)
  refuseDialect(kind, settings)
  switch (kind) {
    case 'idx':
      return { kind: 'idx', directory: rest }
    case 'csv':
    case 'parquet':
    case 'jsonl':
      return tableSource(kind, rest, settings)
    case 'text':
      return textSource(rest, settings)
    case 'images':
    case 'npy':
      return { kind, path: rest, testFraction: settings.testFraction ?? DEFAULT_TEST_FRACTION }
    default: {
      const { DIGITS_DEFAULTS } = await import('../src/data/digits.ts')
      return { kind: 'digits', ...DIGITS_DEFAULTS, ...(rest === '' ? {} : { seed: Number(rest) }) }
    }
  }
}

/** Throws UsageError for a way of writing that these data do not have */
function refuseDialect (kind: string, settings: Settings): void {
  if (kind !== 'csv' && kind !== 'text') {
    refuse(settings, ['separator'], 'only csv: and text: data can have')
  }
  if (kind !== 'csv') {
    refuse(settings, ['decimal'], 'only csv: data can have')
  }
}

function specOf (data: string): { kind: string, rest: string } {
  const separator = data.indexOf(':')
  return separator === -1 ? { kind: data, rest: '' } : { kind: data.slice(0, separator), rest: data.slice(separator + 1) }
}

/** Throws UsageError for test examples that this kind of data cannot have apart */
function refuseTestSettings (kind: string, settings: Settings): void {
  if (!ROW_FILE_KINDS.includes(kind)) {
    refuse(settings, ['testData'], 'only csv:, parquet:, jsonl: and text: data can have')
  }
  if (!ROW_FILE_KINDS.includes(kind) && !SPLIT_KINDS.includes(kind)) {
    refuse(settings, ['testFraction'], `only ${[...ROW_FILE_KINDS, ...SPLIT_KINDS].map((name) => `${name}:`).join(', ')} data can have`)
  }
}

function tableSource (kind: 'csv' | 'parquet' | 'jsonl', file: string, { testData, testFraction, separator, decimal }: Settings): DatasetSource {
  const tests = testData === undefined ? { testFraction: testFraction ?? DEFAULT_TEST_FRACTION } : { testFile: testData }
  return kind !== 'csv'
    ? { kind, file, ...tests }
    : { kind, file, ...tests, ...(separator === undefined ? {} : { separator }), ...(decimal === undefined ? {} : { decimal }) }
}

function textSource (path: string, { testData, testFraction, separator }: Settings): DatasetSource {
  return {
    kind: 'text',
    path,
    ...(testData === undefined ? { testFraction: testFraction ?? DEFAULT_TEST_FRACTION } : { testFile: testData }),
    ...(separator === undefined ? {} : { separator })
  }
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
  const given = givenOf(settings, names)
  if (given.length > 0) {
    throw new UsageError(`${why} ${flagsText(given)}`)
  }
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Settings that were not given are left out, so that the library's defaults hold */
function withoutUndefined<T extends object> (value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>
}
