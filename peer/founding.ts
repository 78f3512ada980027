/**
 * The document that a new federation starts with: from a file, from a preset, or made to fit the data
 */
import { basename, extname } from 'node:path'
import { UsageError } from './errors.ts'
import { readFederationFile } from './home.ts'
import { dataSource } from './node-init.ts'
import type { Settings } from './settings.ts'
import type { FederationDocument, FederationInit } from '../src/federation.ts'
import type { DatasetSource } from '../src/interface.ts'

export const DEFAULT_PRESET = 'digits'

/** True when the settings name a document, rather than leave it to a default */
export function namesDocument ({ federation, preset }: Settings): boolean {
  return federation !== undefined || preset !== undefined
}

/**
 * Throws ConfigurationError, InvalidFederationError (file), UsageError (no such preset, label without a table),
 * DatasetError (data that nothing can be told from)
 */
export async function foundingDocument (settings: Settings): Promise<FederationDocument> {
  if (settings.federation !== undefined) {
    return readFederationFile(settings.federation)
  }
  const source = await dataSource(settings)
  if (settings.preset !== undefined || source.kind === 'digits') {
    return presetDocument(settings.preset ?? DEFAULT_PRESET)
  }
  return fittedDocument(source, settings.label)
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
async function fittedDocument (source: Exclude<DatasetSource, { kind: 'digits' }>, label: string | undefined): Promise<FederationDocument> {
  const { inferInput } = await import('../src/data/infer-input.ts')
  const { inputShape, parseFederation } = await import('../src/federation.ts')
  const { denseTopology } = await import('../src/model/topology.ts')
  const { input, labels } = await inferInput(source, label === undefined ? {} : { label })
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
  return parseFederation(document)
}

/** Wide enough for the inputs and the classes, within what trains in seconds on a processor */
function hiddenWidths (inputs: number, classes: number): number[] {
  const first = 2 ** Math.round(Math.log2(Math.min(Math.max(inputs, 2 * classes, 16), 256)))
  return [first, Math.max(16, first / 2, Math.min(classes, first))]
}

/** The name of the file or folder, in the letters that a name may have */
function federationName (source: Exclude<DatasetSource, { kind: 'digits' }>): string {
  const path = source.kind === 'idx' ? source.directory : source.file
  const name = basename(path, extname(path)).replace(/[^\p{L}\p{N} ._-]+/gu, '-').replace(/^[^\p{L}\p{N}]+/u, '').slice(0, 64)
  return name === '' ? 'federation' : name
}
