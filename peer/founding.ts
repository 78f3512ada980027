/**
 * The document that a new federation starts with: from a file, from a preset, or made to fit the data
 */
import { UsageError } from './errors.ts'
import { DOCUMENT_CHOICES, fittedDocument, refuseDocumentChoices } from './fitted-document.ts'
import { readFederationFile } from './home.ts'
import { dataPartition, dataSource } from './node-init.ts'
import { outsidePromise, requirePublishable, withoutStatistics } from './published-statistics.ts'
import { kebabName } from './settings.ts'
import { refuseTableChoices, TABLE_CHOICES } from './table-choices.ts'
import type { Settings } from './settings.ts'
import type { Founding } from './fitted-document.ts'
import type { FederationDocument } from '../src/federation/document.ts'

export const DEFAULT_PRESET = 'digits-private'

/** Kinds of data that may be a table, whose columns somebody decides on */
const TABLE_KINDS: readonly string[] = ['csv', 'parquet', 'npy']
/** Kinds of data that may be pictures, whose size somebody decides on */
const PICTURE_KINDS: readonly string[] = ['images', 'npy']

/** True when the settings name a document, rather than leave it to a default */
export function namesDocument ({ federation, preset }: Settings): boolean {
  return federation !== undefined || preset !== undefined
}

/** Throws UsageError for settings of a new federation where none is founded */
export function refuseFounding (settings: Settings): void {
  const given = (['privacy', 'epsilon', 'examples', 'label', 'size', 'fit', 'publishStatistics', ...TABLE_CHOICES, ...DOCUMENT_CHOICES] as const).filter((name) => settings[name] !== undefined)
  if (given.length > 0) {
    throw new UsageError(`${given.map((name) => `--${kebabName(name)}`).join(' and ')} ${given.length === 1 ? 'is' : 'are'} for a new federation only: here the document is given already`)
  }
}

/**
 * What `proposal` gives, for a document that others will read. `onRead` as in ReadOptions
 *
 * Throws as `proposal` does, and UsageError for one that promises privacy and tells what was computed from rows
 */
export async function founding (settings: Settings, onRead?: (share: number) => void): Promise<Founding> {
  const proposed = await proposal(settings, onRead)
  requirePublishable(proposed, settings)
  return proposed
}

/**
 * The document, and what its founder must see of the table first
 *
 * Throws ConfigurationError, InvalidFederationError (file), UsageError (no such preset, label without a table, privacy
 * settings that do not go together), DatasetError (data that nothing can be told from), WeightsError
 */
export async function proposal (settings: Settings, onRead?: (share: number) => void): Promise<Founding> {
  const { document: found, fitted = false, ...madeFrom } = await documentOf(settings, onRead)
  const promising = await withPrivacy(found, settings)
  const document = fitted ? withoutStatistics(promising, settings) : promising
  const remarks = fitted ? [...madeFrom.remarks ?? [], ...outsidePromise(document)] : madeFrom.remarks
  return { document, ...madeFrom, ...(remarks === undefined ? {} : { remarks }) }
}

async function documentOf (settings: Settings, onRead?: (share: number) => void): Promise<Founding> {
  refuseLabel(settings)
  refuseSize(settings)
  if (settings.federation !== undefined) {
    refuseTableChoices(settings, 'this one is given')
    refuseStatistics(settings)
    refuseDocumentChoices(settings, 'this one is given')
    return { document: await readFederationFile(settings.federation) }
  }
  const source = await dataSource(settings)
  if (settings.preset !== undefined || !TABLE_KINDS.includes(source.kind)) {
    refuseTableChoices(settings, settings.preset === undefined ? 'give one with --data csv:FILE or parquet:FILE' : 'a preset is made for none')
  }
  if (settings.preset !== undefined || source.kind === 'digits') {
    refuseStatistics(settings)
    refuseDocumentChoices(settings, settings.preset === undefined ? 'give data of your own (--data)' : 'a preset says it already')
    return { document: await presetDocument(settings.preset ?? DEFAULT_PRESET) }
  }
  return fittedDocument(source, settings, { onRead })
}

/** The column of the class stands in a document that is given already, and pictures have none */
function refuseLabel ({ label, federation, preset, data }: Settings): void {
  const why = federation !== undefined || preset !== undefined ? 'the document that was named says it already' : TABLE_KINDS.includes(data?.split(':')[0] ?? '') ? undefined : 'these data are no table'
  if (label !== undefined && why !== undefined) {
    throw new UsageError(`--label names the column of the class for a document that is made to fit a table: ${why}`)
  }
}

/** The size of the pictures stands in a document that is given already */
function refuseSize ({ size, fit, federation, preset, data }: Settings): void {
  const why = federation !== undefined || preset !== undefined ? 'the document that was named says it already' : PICTURE_KINDS.includes(data?.split(':')[0] ?? '') ? undefined : 'give them with --data images:FOLDER or npy:PATH'
  if (size !== undefined && why !== undefined) {
    throw new UsageError(`--size is that of the pictures of a new federation: ${why}`)
  }
  if (fit !== undefined && why !== undefined) {
    throw new UsageError(`--fit is for the pictures of a new federation: ${why}`)
  }
}

/** Nothing of the founder's rows stands in a document that is given already */
function refuseStatistics ({ publishStatistics }: Settings): void {
  if (publishStatistics === true) {
    throw new UsageError('--publish-statistics lets a document tell what is computed from your data: this one is not made from them')
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
