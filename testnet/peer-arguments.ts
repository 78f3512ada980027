/**
 * The command line of one peer program. Flags are the only thing a testnet knows of it
 */
import { DIGITS_DEFAULTS } from '../src/data/digits.ts'
import type { CsvDialectChoice, BackendName, DatasetSource } from '../src/interface.ts'
import type { TestnetPartition } from './interface.ts'

export interface PeerArguments {
  home: string
  /** File with the federation document; left out by a peer that starts again from its home */
  federation: string | undefined
  /** A safetensors file, where the document starts from weights; left out by a peer that starts again */
  weights: string | undefined
  data: DatasetSource
  partition: TestnetPartition & { index: number, count: number, seed: number }
  /** Full multiaddr of a running peer; left out by the first one */
  bootstrap: string | undefined
  rounds: number
  minMembers: number
  keepVersions: number
  backend: BackendName | 'auto'
  threads: number
  evaluateEvery: number
  /** Folder of the privacy ledgers: one for each peer of a testnet, apart from the user's own */
  ledgers: string
  attack: string | undefined
}

/**
 * As the peer program reads them
 *
 * Throws RangeError on digits of another number than the program makes: it has a flag for their seed alone
 */
function dataFlags (data: DatasetSource): string[] {
  switch (data.kind) {
    case 'digits':
      if (data.trainExamples !== DIGITS_DEFAULTS.trainExamples || data.testExamples !== DIGITS_DEFAULTS.testExamples) {
        throw new RangeError(`digits: peers make ${DIGITS_DEFAULTS.trainExamples} examples for training and ${DIGITS_DEFAULTS.testExamples} for testing, no other numbers`)
      }
      return ['--data', `digits:${data.seed}`]
    case 'idx':
      return ['--data', `idx:${data.directory}`]
    case 'images':
    case 'npy':
      return ['--data', `${data.kind}:${data.path}`, ...flag('--test-fraction', data.testFraction)]
    case 'text':
      return ['--data', `text:${data.path}`, ...flag('--test-data', data.testFile), ...flag('--test-fraction', data.testFraction), ...separatorFlag(data)]
    case 'csv':
      return [...tableFlags(data), ...separatorFlag(data), ...flag('--decimal', data.decimal)]
    case 'parquet':
    case 'jsonl':
      return tableFlags(data)
  }
}

function tableFlags ({ kind, file, testFile, testFraction }: Extract<DatasetSource, { kind: 'csv' | 'parquet' | 'jsonl' }>): string[] {
  return ['--data', `${kind}:${file}`, ...flag('--test-data', testFile), ...flag('--test-fraction', testFraction)]
}

function separatorFlag ({ separator }: Pick<CsvDialectChoice, 'separator'>): string[] {
  return flag('--separator', separator === '\t' ? 'tab' : separator)
}

function flag (name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)]
}

function partitionFlags (partition: PeerArguments['partition']): string[] {
  const flags = ['--partition', `${partition.index + 1}/${partition.count}`, '--partition-seed', String(partition.seed)]
  if (partition.strategy === 'dirichlet') {
    flags.push('--dirichlet', String(partition.alpha))
  }
  if (partition.strategy === 'shards') {
    flags.push('--shards', String(partition.shardsPerPeer))
  }
  return flags
}

/** Everything after the program itself */
export function peerArguments (peer: PeerArguments): string[] {
  return [
    'start',
    '--json',
    '--home', peer.home,
    ...(peer.federation === undefined ? [] : ['--federation', peer.federation]),
    ...flag('--weights', peer.weights),
    ...dataFlags(peer.data),
    ...partitionFlags(peer.partition),
    '--listen', '/ip4/127.0.0.1/tcp/0',
    ...(peer.bootstrap === undefined ? [] : ['--bootstrap', peer.bootstrap]),
    '--rounds', String(peer.rounds),
    '--min-members', String(peer.minMembers),
    '--keep-versions', String(peer.keepVersions),
    '--backend', peer.backend,
    '--threads', String(peer.threads),
    '--evaluate-every', String(peer.evaluateEvery),
    '--ledgers', peer.ledgers,
    ...(peer.attack === undefined ? [] : ['--attack', peer.attack])
  ]
}

/**
 * Several peers share the cores: one more thread each than there are cores slows all of them down. Settings for a peer
 * in the caller's environment are not meant for all of these
 */
export function peerEnvironment (threads: number, base: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(Object.entries(base).filter(([name]) => !name.startsWith('GRAPEVINE_'))),
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
    OMP_NUM_THREADS: String(threads),
    GRAPEVINE_EXIT_WITH_STDIN: '1'
  }
}
