/**
 * The fields in which two documents differ, defaults filled in
 */
import { encode } from '@ipld/dag-cbor'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DocumentEntry } from '../src/federation/document-fields.ts'

export interface DocumentDifference {
  /** Columns by their names, wherever they stand */
  path: string
  /** Undefined: not there */
  a: unknown
  b: unknown
  meaning: string | undefined
  /** What it means that the field is not there, where it is optional */
  absent: string | undefined
}

/** In the order of the first document, then what only the second has. As their encodings see them */
export async function documentDifferences (a: FederationDocument, b: FederationDocument): Promise<DocumentDifference[]> {
  const { documentEntries, fieldText } = await import('../src/federation/document-fields.ts')
  const [left, right] = [a, b].map((document) => new Map(documentEntries(document, document).map((entry) => [nameOf(entry, document), entry]))) as [Map<string, DocumentEntry>, Map<string, DocumentEntry>]
  const paths = [...new Set([...left.keys(), ...right.keys()])].filter((path) => !isEqual(left.get(path)?.value, right.get(path)?.value))
  const fields = paths.map((path): DocumentDifference => {
    const { field, of } = left.get(path) ?? right.get(path)!
    const text = fieldText(field, of)
    return { path, a: left.get(path)?.value, b: right.get(path)?.value, meaning: text?.meaning, absent: text?.absent }
  })
  return [...fields, ...orderDifference(a, b)]
}

/** A column that was put in between must not make all after it differ */
function nameOf ({ path }: DocumentEntry, { model: { input } }: FederationDocument): string {
  const [, index, rest] = /^model\.input\.columns\.(\d+)\.(.*)$/.exec(path) ?? []
  const name = input.kind === 'table' && index !== undefined ? input.columns[Number(index)]?.name : undefined
  return name === undefined ? path : `model.input.columns[${JSON.stringify(name)}].${rest}`
}

function orderDifference (a: FederationDocument, b: FederationDocument): DocumentDifference[] {
  const [left, right] = [a, b].map(({ model: { input } }) => input.kind === 'table' ? input.columns.map(({ name }) => name) : []) as [string[], string[]]
  return isEqual([...left].sort(), [...right].sort()) && !isEqual(left, right)
    ? [{ path: 'model.input.columns', a: left, b: right, meaning: 'the columns, in the order of the input vector', absent: undefined }]
    : []
}

function isEqual (a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.from(encode(a)).equals(encode(b))
}
