/**
 * A field of a document as text: its value, whether it was given, and where its numbers come from as far as that can be
 * known
 *
 * The document may be a stranger's: each text in it is quoted.
 */
import { quoted } from '../src/quoted.ts'
import { formatCount } from './format.ts'
import { isOfPictures, isOfRange } from './told-by-document.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DocumentEntry } from '../src/federation/document-fields.ts'
import type { FieldText } from '../src/federation/field-texts.ts'
import type { Moments } from './told-by-document.ts'

/** Entries of a list that are shown */
const MAX_LISTED = 12

/** A list is cut, an object is counted: JSON has all of it */
export function valueText (value: unknown): string {
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_LISTED).map(valueText).join(', ')
    return `[${shown}${value.length > MAX_LISTED ? `, … (${formatCount(value.length)})` : ''}]`
  }
  if (value !== null && typeof value === 'object') {
    return objectText(value)
  }
  return typeof value === 'string' ? quoted(value) : String(value)
}

/** Layers, or tensors by name */
function objectText (value: object): string {
  if ('class_name' in value) {
    return `${quoted(String(value.class_name))}, ${formatCount(JSON.stringify(value).length)} characters of JSON`
  }
  const tensors = Object.entries(value)
  const numbers = tensors.reduce((sum, [, of]) => sum + (Array.isArray(of) ? of.length : 1), 0)
  return `${formatCount(numbers)} numbers: ${tensors.slice(0, MAX_LISTED).map(([name]) => quoted(name)).join(', ')}${tensors.length > MAX_LISTED ? ', …' : ''}`
}

export type FieldState = 'given' | 'default' | 'absent'

export function stateOf ({ value, isGiven }: Pick<DocumentEntry, 'value' | 'isGiven'>): FieldState {
  return isGiven ? 'given' : value === undefined ? 'absent' : 'default'
}

/**
 * Where the numbers or names of a field come from; undefined where that is no question. A document does not say whether
 * they are its founder's word or were computed from rows: what can be told is told
 */
export function provenanceOf ({ path, of, field }: Pick<DocumentEntry, 'path' | 'of' | 'field'>, text: FieldText, { model }: FederationDocument): string | undefined {
  if (text.from === undefined) {
    return undefined
  }
  if (text.from === 'word') {
    return 'its founder\'s word'
  }
  if (!/\.(mean|stdDev)$/.test(field)) {
    return 'its founder\'s word, or found in the founder\'s data'
  }
  if (of === 'image') {
    return ofPixels(model.input)
  }
  const moments = field.startsWith('model.target') ? model.target : columnAt(model.input, path)
  return moments !== undefined && isOfRange(moments)
    ? 'follows from the declared range: of nobody\'s data'
    : 'computed from the founder\'s rows, or known from elsewhere: the document does not say'
}

function columnAt (input: FederationDocument['model']['input'], path: string): Moments | undefined {
  const column = input.kind === 'table' ? input.columns[Number(/\.columns\.(\d+)\./.exec(path)?.[1])] : undefined
  return column?.kind === 'numeric' ? column : undefined
}

function ofPixels (input: FederationDocument['model']['input']): string | undefined {
  if (input.kind !== 'image') {
    return undefined
  }
  return isOfPictures(input)
    ? 'computed from the founder\'s pictures, or known from elsewhere: the document does not say'
    : 'the same for all pictures: of nobody\'s data'
}
