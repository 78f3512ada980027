/**
 * What a document that promises privacy may tell of its founder's data: nothing that was computed from them
 *
 * The promise is of all that a peer sends, and the document is sent to whoever joins. Epsilon counts none of it.
 */
import { UsageError } from './errors.ts'
import { quoted, quotedList } from '../src/quoted.ts'
import { namesOfData, numbersOfData, PIXELS } from './told-by-document.ts'
import type { Settings } from './settings.ts'
import type { ColumnSchema, TableSchema } from '../src/data/table-schema.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** Names that a message lists */
const MAX_LISTED = 8

/**
 * The document of a table as it is; pictures under a privacy mechanism are standardised by their range and not by their
 * founder's mean, unless that may be told
 */
export function withoutStatistics (document: FederationDocument, { publishStatistics }: Settings): FederationDocument {
  const { model, privacy } = document
  if (privacy.mechanism === 'none' || publishStatistics === true || model.input.kind !== 'image') {
    return document
  }
  return { ...document, model: { ...model, input: { ...model.input, ...PIXELS } } }
}

/**
 * What a private document still tells. Of pictures or texts: what they are called, and how they are made. A folder's
 * names are its founder's word; a single picture in colour, or of 16 bits, changes the rest. Weights tell of what they
 * were learnt from
 */
export function outsidePromise ({ privacy: { mechanism }, model: { input, weights } }: FederationDocument): string[] {
  if (mechanism === 'none') {
    return []
  }
  return [...inputRemarks(mechanism, input), ...weights === undefined ? [] : [`under ${mechanism} the promise is of what is learnt here, not of the weights that this federation starts from: if they were learnt from private data, whoever has them may learn of these, and no ledger counts it`]]
}

function inputRemarks (mechanism: string, input: FederationDocument['model']['input']): string[] {
  if (input.kind === 'table') {
    return []
  }
  const told = input.kind === 'image' ? 'the classes of your pictures, their size, and whether any is in colour or of 16 bits' : 'the classes of your texts'
  return [`under ${mechanism} this document still tells ${told}: that is outside of its promise`]
}

/** Throws UsageError, which names what would be told and what to do */
export function requirePublishable ({ document: { privacy: { mechanism } }, table, computed = [] }: { document: FederationDocument, table?: TableSchema | undefined, computed?: readonly string[] | undefined }, { publishStatistics, data }: Settings): void {
  if (mechanism === 'none' || publishStatistics === true) {
    return
  }
  if (computed.length > 0) {
    throw new UsageError(`under ${mechanism} the document may tell nothing that was computed from your texts, and it would tell ${computed.join(' and ')}: take bytes or name the words yourself (--vocabulary FILE), and name classes by a folder for each, or let everyone read them, outside of the promise (--publish-statistics)`)
  }
  if (table === undefined) {
    return
  }
  const told = statistics(table)
  if (told.length > 0) {
    const file = data === undefined ? 'FILE' : data.startsWith('csv:') ? data.slice('csv:'.length) : data
    const target = table.columns.find(({ role, provenance, told: numbers }) => role === 'label' && provenance === 'rows' && numbers !== undefined)
    const range = target === undefined ? '' : `; the range of ${quoted(target.name)} by --target-range MIN..MAX`
    throw new UsageError(`under ${mechanism} the document may tell nothing that was computed from your rows, and it would tell ${told.join(', ')}: declare them (grapevine schema ${file} --output schema.toml, edit it, then --schema schema.toml${range}), or let everyone read them, outside of the promise (--publish-statistics)`)
  }
}

/**
 * For a private document that flags make of a file's: nobody knows where the file's means and deviations come from, and
 * a document without a promise may well tell those of its founder's data
 *
 * Throws UsageError for those that no declared range and no range of pixels gives, unless they may be told
 */
export function requireNobodysNumbers (document: FederationDocument, { publishStatistics, federation = 'the file' }: Settings): void {
  const { privacy: { mechanism } } = document
  const told = mechanism === 'none' || publishStatistics === true ? [] : numbersOfData(document)
  if (told.length > 0) {
    throw new UsageError(`under ${mechanism} the document may tell nothing that was computed from anybody's data, and ${federation} tells ${told.join(', ')}: put declared ranges in their place (min and max, with their middle as mean; of pixels mean 0.5 and stdDev ${PIXELS.stdDev}), or let everyone read them (--publish-statistics), which costs nothing where they are known from elsewhere`)
  }
}

/** Names in a file's document, which cannot be told from somebody's data either: a class must have its name */
export function namesOutsidePromise (document: FederationDocument): string[] {
  const { privacy: { mechanism } } = document
  return mechanism === 'none' ? [] : namesOfData(document).map((told) => `under ${mechanism} this document still tells ${told}: where they were found in somebody's rows, that is outside of its promise`)
}

/** What of a table was computed from its rows, in words */
function statistics ({ columns }: TableSchema): string[] {
  const computed = columns.filter(({ provenance }) => provenance === 'rows')
  const numeric = computed.filter(({ told }) => told !== undefined)
  const categorical = computed.filter(({ role, values }) => role === 'input' && values !== undefined)
  const label = computed.filter(({ role, values }) => role === 'label' && values !== undefined)
  return [['means and deviations of', numeric], ['the values of', categorical], ['the classes of', label]]
    .flatMap(([what, of]) => (of as ColumnSchema[]).length === 0 ? [] : [`${what as string} ${quotedList((of as ColumnSchema[]).map(({ name }) => name), MAX_LISTED)}`])
}
