/**
 * The document that a new federation starts with: from a file, from a preset, or made to fit the data
 */
import { UsageError } from './errors.ts'
import { DOCUMENT_CHOICES, fittedDocument } from './fitted-document.ts'
import { ARE, DECIDE, refuseGiven } from './given-flags.ts'
import { readFederationFile } from './home.ts'
import { dataPartition, dataSource, LABEL_KINDS, PICTURE_KINDS, TABLE_KINDS } from './node-init.ts'
import { namesOutsidePromise, outsidePromise, requireNobodysNumbers, requirePublishable, withoutStatistics } from './published-statistics.ts'
import { TABLE_CHOICES } from './table-choices.ts'
import type { Verbs } from './given-flags.ts'
import type { SettingName, Settings } from './settings.ts'
import type { Founding } from './fitted-document.ts'
import type { FederationDocument } from '../src/federation/document.ts'

export const DEFAULT_PRESET = 'digits-private'

/** Flags that decide on texts */
const TEXT_CHOICES = ['textColumn', 'length', 'vocabulary'] as const satisfies readonly SettingName[]
/** Flags of a table that the classes of a table of texts have as well */
const OF_CLASSES = ['column', 'rare'] as const satisfies readonly SettingName[]
const OF_TABLES = TABLE_CHOICES.filter((name) => !OF_CLASSES.some((other) => other === name))

interface FittedOnly {
  names: readonly SettingName[]
  verbs: Verbs
  /** What the flags say, to follow the verb */
  what: string
  /** Whether they say something of this kind of data */
  of: (kind: string) => boolean
  /** What to do where they do not */
  otherwise: string
  /** Why a document that is given takes none of them. @default that it says it already */
  given?: string
}

const OF_A_TABLE = { verbs: DECIDE, what: 'what a new federation\'s document says of a table', otherwise: 'give one with --data csv:FILE or parquet:FILE' } as const

/** Flags for a document that is made to fit the data. One that is given already, or other data, take nothing of them */
const FITTED_ONLY: readonly FittedOnly[] = [
  { names: ['label'], verbs: ['names', 'name'], what: 'the column of the class for a document that is made to fit a table', of: (kind) => LABEL_KINDS.includes(kind), otherwise: 'these data are no table' },
  { names: ['size'], verbs: ARE, what: 'that of the pictures of a new federation', of: (kind) => PICTURE_KINDS.includes(kind), otherwise: 'give them with --data images:FOLDER or npy:PATH' },
  { names: ['fit'], verbs: ARE, what: 'for the pictures of a new federation', of: (kind) => PICTURE_KINDS.includes(kind), otherwise: 'give them with --data images:FOLDER or npy:PATH' },
  { names: OF_TABLES, of: (kind) => TABLE_KINDS.includes(kind), ...OF_A_TABLE },
  { names: OF_CLASSES, of: (kind) => LABEL_KINDS.includes(kind), ...OF_A_TABLE },
  { names: TEXT_CHOICES, verbs: ['says', 'say'], what: 'what the texts of a new federation are to its model', of: (kind) => kind === 'text', otherwise: 'give texts with --data text:PATH' },
  { names: DOCUMENT_CHOICES, verbs: DECIDE, what: 'what a document that is made to fit the data says', of: (kind) => kind !== 'digits', otherwise: 'give data of your own (--data)' },
  { names: ['publishStatistics'], verbs: ['lets', 'let'], what: 'a document tell what is computed from your data', of: (kind) => kind !== 'digits', otherwise: 'this one is not made from them', given: 'this one is not made from them' }
]

/** True when the settings name a document, rather than leave it to a default */
export function namesDocument ({ federation, preset }: Settings): boolean {
  return federation !== undefined || preset !== undefined
}

/** Throws UsageError for settings of a new federation where none is founded */
export function refuseFounding (settings: Settings): void {
  refuseGiven(settings, ['privacy', 'epsilon', 'examples', 'membership', 'guests', 'certificateDays', ...FITTED_ONLY.flatMap(({ names }) => names)], ARE, 'for a new federation only: here the document is given already')
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
  const { document: found, fitted = false, written = false, ...madeFrom } = await documentOf(settings, onRead)
  const promising = await withPrivacy(found, settings)
  const document = fitted ? withoutStatistics(promising, settings) : promising
  const isDerived = written && changesPrivacy(settings)
  if (isDerived) {
    requireNobodysNumbers(document, settings)
  }
  const remarks = fitted || isDerived ? [...madeFrom.remarks ?? [], ...outsidePromise(document), ...(isDerived ? namesOutsidePromise(document) : [])] : madeFrom.remarks
  return { document, fitted, ...madeFrom, ...(remarks === undefined ? {} : { remarks }) }
}

async function documentOf (settings: Settings, onRead?: (share: number) => void): Promise<Founding> {
  refuseFittedOnly(settings)
  if (settings.federation !== undefined) {
    return { document: await readFederationFile(settings.federation), written: true }
  }
  const source = await dataSource(settings)
  if (settings.preset !== undefined || source.kind === 'digits') {
    return { document: await presetDocument(settings.preset ?? DEFAULT_PRESET) }
  }
  return fittedDocument(source, settings, { onRead })
}

/** Throws UsageError for flags that decide what stands in the document already, or that these data have not */
function refuseFittedOnly (settings: Settings): void {
  const { federation, preset, data = 'digits' } = settings
  const isNamed = namesDocument(settings)
  for (const { names, verbs, what, of, otherwise, given = preset === undefined ? 'the document that was named says it already' : 'a preset says it already' } of FITTED_ONLY) {
    const isOfFile = names.includes('publishStatistics') && federation !== undefined && changesPrivacy(settings)
    if (!isOfFile && (isNamed || !of(data.split(':')[0]!))) {
      refuseGiven(settings, names, verbs, `${what}: ${isNamed ? given : otherwise}`)
    }
  }
}

/** Whether the flags make another document of a given one */
function changesPrivacy ({ privacy, epsilon }: Settings): boolean {
  return privacy !== undefined || epsilon !== undefined
}

/** The document with the privacy that the settings ask for, if they do */
async function withPrivacy (document: FederationDocument, settings: Settings): Promise<FederationDocument> {
  const { privacy, epsilon, rounds, examples } = settings
  if (!changesPrivacy(settings)) {
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
