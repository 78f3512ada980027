/**
 * The document that a new federation starts with: from a file, from a preset, or made to fit the data
 */
import { basename, extname } from 'node:path'
import { UsageError } from './errors.ts'
import { readFederationFile } from './home.ts'
import { dataPartition, dataSource } from './node-init.ts'
import { refuseTableChoices, tableChoices, TABLE_CHOICES } from './table-choices.ts'
import type { Settings } from './settings.ts'
import type { ReadOptions } from '../src/data/data-format.ts'
import type { TableChoices, TableSchema } from '../src/data/table-schema.ts'
import type { FederationDocument, FederationInit } from '../src/federation/document.ts'
import type { DatasetSource } from '../src/interface.ts'

export const DEFAULT_PRESET = 'digits-private'

/** True when the settings name a document, rather than leave it to a default */
export function namesDocument ({ federation, preset }: Settings): boolean {
  return federation !== undefined || preset !== undefined
}

/** Throws UsageError for settings of a new federation where none is founded */
export function refuseFounding (settings: Settings): void {
  const given = (['privacy', 'epsilon', 'examples', 'label', ...TABLE_CHOICES] as const).filter((name) => settings[name] !== undefined)
  if (given.length > 0) {
    throw new UsageError(`${given.map((name) => `--${name}`).join(' and ')} ${given.length === 1 ? 'is' : 'are'} for a new federation only: here the document is given already`)
  }
}

/**
 * Throws ConfigurationError, InvalidFederationError (file), UsageError (no such preset, label without a table, privacy
 * settings that do not go together), DatasetError (data that nothing can be told from)
 */
export async function foundingDocument (settings: Settings): Promise<FederationDocument> {
  return (await founding(settings)).document
}

export interface Founding {
  document: FederationDocument
  /** Of the table that the document was made from */
  table?: TableSchema | undefined
}

/** The same, and what its founder must see of the table first. `onRead` as in ReadOptions. Throws as it does */
export async function founding (settings: Settings, onRead?: (share: number) => void): Promise<Founding> {
  const { document, table } = await documentOf(settings, onRead)
  return { document: await withPrivacy(document, settings), table }
}

async function documentOf (settings: Settings, onRead?: (share: number) => void): Promise<Founding> {
  refuseLabel(settings)
  if (settings.federation !== undefined) {
    refuseTableChoices(settings, 'this one is given')
    return { document: await readFederationFile(settings.federation) }
  }
  const source = await dataSource(settings)
  if (settings.preset !== undefined || source.kind !== 'csv') {
    refuseTableChoices(settings, settings.preset === undefined ? 'give one with --data csv:FILE' : 'a preset is made for none')
  }
  if (settings.preset !== undefined || source.kind === 'digits') {
    return { document: await presetDocument(settings.preset ?? DEFAULT_PRESET) }
  }
  return fittedDocument(source, tableChoices(settings), { onRead })
}

/** The column of the class stands in a document that is given already, and pictures have none */
function refuseLabel ({ label, federation, preset, data }: Settings): void {
  const why = federation !== undefined || preset !== undefined ? 'the document that was named says it already' : data?.startsWith('csv:') === true ? undefined : 'these data are no table'
  if (label !== undefined && why !== undefined) {
    throw new UsageError(`--label names the column of the class for a document that is made to fit a CSV file: ${why}`)
  }
}

/** The document with the privacy that the settings ask for, if they do */
async function withPrivacy (document: FederationDocument, settings: Settings): Promise<FederationDocument> {
  const { privacy, epsilon, rounds, examples } = settings
  if (privacy === undefined && epsilon === undefined) {
    if (examples !== undefined) {
      throw new UsageError('--examples says nothing without --epsilon and --rounds')
    }
    return document
  }
  const { promisedPrivacy } = await import('../src/privacy/plan.ts')
  const { parseFederation } = await import('../src/federation/document.ts')
  const count = async (): Promise<number> => examples ?? await ownExamples(document, settings)
  try {
    return parseFederation({ ...document, privacy: await promisedPrivacy(document, { mechanism: privacy, epsilon, rounds, examples: count }) })
  } catch (err) {
    throw err instanceof RangeError || (err as Error).name === 'InvalidFederationError' ? new UsageError((err as Error).message, { cause: err }) : err
  }
}

/** With a partition, an equal share of all: the parts may differ */
async function ownExamples ({ model }: FederationDocument, settings: Settings): Promise<number> {
  const { countExamples } = await import('../src/data/data-formats.ts')
  return Math.max(1, Math.floor(await countExamples(await dataSource(settings), model) / (dataPartition(settings)?.count ?? 1)))
}

async function presetDocument (name: string): Promise<FederationDocument> {
  const { presetDocument, PRESET_NAMES } = await import('../src/presets.ts')
  const { closest } = await import('../src/closest.ts')
  const known: readonly string[] = PRESET_NAMES
  if (!known.includes(name)) {
    const near = closest(name, known)
    throw new UsageError(`there is no preset "${name}"${near === undefined ? '' : ` (did you mean ${near}?)`}: presets are ${known.join(', ')}`)
  }
  return presetDocument(name as typeof PRESET_NAMES[number])
}

/** A small multi-layer perceptron over whatever the data hold */
async function fittedDocument (source: Exclude<DatasetSource, { kind: 'digits' }>, choices: TableChoices, options: ReadOptions): Promise<Founding> {
  const { inferInput } = await import('../src/data/data-formats.ts')
  const { inputShape } = await import('../src/federation/input-shape.ts')
  const { parseFederation } = await import('../src/federation/document.ts')
  const { denseTopology } = await import('../src/model/topology.ts')
  const { input, labels, schema: table } = await inferInput(source, choices, options)
  const shape = inputShape(input)
  const inputs = shape.reduce((product, size) => product * size, 1)
  const document: FederationInit = {
    format: 1,
    name: federationName(source),
    model: {
      topology: denseTopology({ inputShape: shape, hidden: hiddenWidths(inputs, labels.length), classes: labels.length }),
      seed: 1,
      loss: 'categoricalCrossentropy',
      input,
      labels
    },
    training: { epochs: 1, batchSize: 32, optimizer: { name: 'adam', learningRate: 0.001 } },
    aggregation: { rule: 'gated-geometric-median', f: 1 },
    codec: { name: 'int8' },
    topology: { degree: 6 },
    round: { deadlineMs: 15_000, staleness: 1 },
    privacy: { mechanism: 'none' }
  }
  return { document: parseFederation(document), table }
}

/** Wide enough for the inputs and the classes, within what trains in seconds on a processor */
function hiddenWidths (inputs: number, classes: number): number[] {
  const first = 2 ** Math.round(Math.log2(Math.min(Math.max(inputs, 2 * classes, 16), 256)))
  return [first, Math.max(16, first / 2, Math.min(classes, first))]
}

/** The name of the file or folder, in the letters that a name may have */
function federationName (source: Exclude<DatasetSource, { kind: 'digits' }>): string {
  const path = source.kind === 'idx' ? source.directory : source.file
  const plain = path.replace(/\.gz$/i, '')
  const name = basename(plain, extname(plain)).replace(/[^\p{L}\p{N} ._-]+/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '').slice(0, 64)
  return name === '' ? 'federation' : name
}
