/**
 * What a testnet is of: the document and the data, from a file, a preset, or made to fit data of one's own
 */
import { resolve } from 'node:path'
import { DIGITS_DEFAULTS } from '../src/data/digits.ts'
import { DatasetError } from '../src/errors.ts'
import { presetDocument, presetTestnet } from '../src/presets.ts'
import { UsageError } from './errors.ts'
import { readFederation } from './federation-file.ts'
import { findMnist } from './find-mnist.ts'
import type { FittedSource } from '../peer/fitted-document.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DatasetSource } from '../src/interface.ts'
import type { PresetName, PresetTestnet } from '../src/presets.ts'

export const DEFAULT_PRESET = 'digits-private'

/** Of a federation that is made to fit the data */
const FITTED_TESTNET = { peers: 4, rounds: 10 } as const

export interface FoundingFlags {
  peers?: number
  preset?: string
  federation?: string
  data?: DatasetSource
  label?: string
  task?: 'classes' | 'regression'
}

/** Whether there is no ready-made document for such data: what their columns or pictures are nobody has said yet */
function isFitted (data: DatasetSource | undefined): data is FittedSource {
  return data !== undefined && data.kind !== 'digits' && data.kind !== 'idx'
}

export interface Surroundings {
  environment: Readonly<Record<string, string | undefined>>
  workingDirectory: string
}

export interface Founded {
  preset: PresetName | undefined
  /** What a run of it takes unless flags say otherwise */
  local: Pick<PresetTestnet, 'peers' | 'rounds' | 'degree' | 'partition'>
  document: FederationDocument
  data: DatasetSource
  notes: string[]
}

/** The document of a file, of a preset, or, for data that no preset is for, one that is made to fit them */
export async function foundedBy (flags: FoundingFlags, surroundings: Surroundings): Promise<Founded> {
  const { workingDirectory } = surroundings
  if (flags.federation !== undefined) {
    const document = await readFederation(resolve(workingDirectory, flags.federation))
    return { preset: undefined, local: presetTestnet(DEFAULT_PRESET), document, data: await dataOf(flags, undefined, surroundings), notes: [] }
  }
  const named = flags.data === undefined ? undefined : namedData(flags.data, flags.preset as PresetName | undefined, workingDirectory)
  if (flags.preset === undefined && isFitted(named)) {
    const { fittedFederation } = await import('./fitted.ts')
    const { document, notes } = await fittedFederation(named, { ...flags, peers: flags.peers ?? FITTED_TESTNET.peers })
    return { preset: undefined, local: { ...FITTED_TESTNET, partition: { strategy: 'iid' } }, document, data: named, notes }
  }
  if (flags.label !== undefined || flags.task !== undefined) {
    throw new UsageError('--label and --task are for a document that is made to fit a table: give one with --data csv:FILE, parquet:FILE, jsonl:FILE or npy:PATH')
  }
  const preset = (flags.preset ?? DEFAULT_PRESET) as PresetName
  return { preset, local: presetTestnet(preset), document: presetDocument(preset), data: await dataOf(flags, preset, surroundings), notes: [] }
}

async function dataOf (flags: FoundingFlags, preset: PresetName | undefined, { environment, workingDirectory }: Surroundings): Promise<DatasetSource> {
  if (flags.data !== undefined) {
    return namedData(flags.data, preset, workingDirectory)
  }
  if (preset !== undefined && presetTestnet(preset).dataKind === 'mnist') {
    const directory = await findMnist([resolve(workingDirectory, '../shared/data/mnist'), environment['GRAPEVINE_MNIST']])
    if (directory === undefined) {
      throw new DatasetError(`preset ${preset} needs the MNIST files: give their folder with --data idx:DIR, or name it in GRAPEVINE_MNIST`)
    }
    return { kind: 'idx', directory }
  }
  return { kind: 'digits', ...DIGITS_DEFAULTS }
}

/** With absolute paths */
function namedData (data: DatasetSource, preset: PresetName | undefined, workingDirectory: string): DatasetSource {
  switch (data.kind) {
    case 'digits': return data
    case 'idx': return { ...data, directory: resolve(workingDirectory, data.directory) }
    case 'images':
    case 'npy':
    case 'text':
      return { ...data, path: resolve(workingDirectory, data.path) }
    case 'csv':
    case 'parquet':
    case 'jsonl':
      if (preset !== undefined) {
        throw new UsageError(`--data ${data.kind}: needs a document for that table, which no preset is: leave --preset out, and one is made to fit it, or give one with --federation`)
      }
      return { ...data, file: resolve(workingDirectory, data.file) }
  }
}
