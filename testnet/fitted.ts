/**
 * A federation that is made to fit the data, as `grapevine init` would make it: loaded only where one is
 */
import { formatCount } from '../peer/format.ts'
import { fittedDocument } from '../peer/fitted-document.ts'
import type { FittedSource } from '../peer/fitted-document.ts'
import type { FederationDocument } from '../src/federation/document.ts'

export interface FittedFlags {
  peers: number
  label?: string | undefined
  task?: 'classes' | 'regression' | undefined
}

/** Throws as `fittedDocument` does */
export async function fittedFederation (source: FittedSource, { peers, label, task }: FittedFlags): Promise<{ document: FederationDocument, notes: string[] }> {
  const { document, remarks = [] } = await fittedDocument(source, { ...(peers > 1 ? { peers } : {}), ...(label === undefined ? {} : { label }), ...(task === undefined ? {} : { task }) })
  const { labels, target, input } = document.model
  const what = target === undefined ? `${formatCount(labels.length)} classes` : `the number "${input.kind === 'table' ? input.label : ''}"`
  return { document, notes: [`the document is made to fit the data, as grapevine init would: ${what}`, ...remarks] }
}
