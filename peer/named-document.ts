/**
 * The document that a verb is to look at: in a file, or of a home
 */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigurationError } from './errors.ts'
import { checkedDocument, readDocumentValue } from './home.ts'
import type { FederationDocument } from '../src/federation/document.ts'

export interface NamedDocument {
  /** The file or home, as it was named */
  source: string
  document: FederationDocument
  /** What it was read from: fields that are missing there were filled in */
  raw: unknown
}

/**
 * Throws ConfigurationError (no such file, no JSON, a home that knows no federation yet), InvalidFederationError with
 * the path in front, and as `openHome` does
 *
 * @param name - A file or a home
 */
export async function namedDocument (name: string): Promise<NamedDocument> {
  if (await isFolder(name)) {
    const document = await ofHome(resolve(name))
    return { source: name, document, raw: document }
  }
  const raw = await readDocumentValue(name)
  return { source: name, document: await checkedDocument(raw, name), raw }
}

async function isFolder (path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // whoever reads it says why it cannot be read
    return false
  }
}

async function ofHome (home: string): Promise<FederationDocument> {
  const { openHome } = await import('./home-reader.ts')
  const reader = await openHome(home)
  try {
    const document = await reader.federation()
    if (document === undefined) {
      throw new ConfigurationError(`the peer of ${home} knows no federation yet: start it, so that it joins one`)
    }
    return document
  } finally {
    await reader.close()
  }
}
