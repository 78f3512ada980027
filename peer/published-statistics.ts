/**
 * What a document that promises privacy may tell of its founder's data: nothing that was computed from them
 *
 * The promise is of all that a peer sends, and the document is sent to whoever joins. Epsilon counts none of it.
 */
import { UsageError } from './errors.ts'
import { quoted } from '../src/quoted.ts'
import type { Settings } from './settings.ts'
import type { ColumnSchema, TableSchema } from '../src/data/table-schema.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** Of the evenly spread values of the range 0 to 1, which every picture's pixels have */
const PIXELS = { mean: 0.5, stdDev: 1 / Math.sqrt(12) }

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
 * What a private document still tells. Of pictures: what they are called, and how they are made. A folder's names are
 * its founder's word; a single picture in colour, or of 16 bits, changes the rest. Weights tell of what they were
 * learnt from
 */
export function outsidePromise ({ privacy: { mechanism }, model: { input, weights } }: FederationDocument): string[] {
  if (mechanism === 'none') {
    return []
  }
  return [...pictureRemarks(mechanism, input), ...weights === undefined ? [] : [`under ${mechanism} the promise is of what is learnt here, not of the weights that this federation starts from: if they were learnt from private data, whoever has them may learn of these, and no ledger counts it`]]
}

function pictureRemarks (mechanism: string, input: FederationDocument['model']['input']): string[] {
  return input.kind !== 'image'
    ? []
    : [`under ${mechanism} this document still tells the classes of your pictures, their size, and whether any is in colour or of 16 bits: that is outside of its promise`]
}

/** Throws UsageError, which names what would be told and what to do */
export function requirePublishable ({ document: { privacy: { mechanism } }, table }: { document: FederationDocument, table?: TableSchema | undefined }, { publishStatistics, data }: Settings): void {
  if (mechanism === 'none' || publishStatistics === true || table === undefined) {
    return
  }
  const told = statistics(table)
  if (told.length > 0) {
    const file = data === undefined ? 'FILE' : data.slice(data.indexOf(':') + 1)
    const target = table.columns.find(({ role, provenance, told: numbers }) => role === 'label' && provenance === 'rows' && numbers !== undefined)
    const range = target === undefined ? '' : `; the range of ${quoted(target.name)} by --target-range MIN..MAX`
    throw new UsageError(`under ${mechanism} the document may tell nothing that was computed from your rows, and it would tell ${told.join(', ')}: declare them (grapevine schema ${file} --output schema.toml, edit it, then --schema schema.toml${range}), or let everyone read them, outside of the promise (--publish-statistics)`)
  }
}

/** What of a table was computed from its rows, in words */
function statistics ({ columns }: TableSchema): string[] {
  const computed = columns.filter(({ provenance }) => provenance === 'rows')
  const numeric = computed.filter(({ told }) => told !== undefined)
  const categorical = computed.filter(({ role, values }) => role === 'input' && values !== undefined)
  const label = computed.filter(({ role, values }) => role === 'label' && values !== undefined)
  return [['means and deviations of', numeric], ['the values of', categorical], ['the classes of', label]]
    .flatMap(([what, of]) => (of as ColumnSchema[]).length === 0 ? [] : [`${what as string} ${names(of as ColumnSchema[])}`])
}

function names (columns: readonly ColumnSchema[]): string {
  return columns.slice(0, MAX_LISTED).map(({ name }) => quoted(name)).join(', ') + (columns.length > MAX_LISTED ? ` and ${columns.length - MAX_LISTED} more` : '')
}
