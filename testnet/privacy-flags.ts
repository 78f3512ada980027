/**
 * --privacy and --epsilon: what they make of the federation document
 */
import { countExamples } from '../src/data/data-formats.ts'
import { InvalidFederationError } from '../src/errors.ts'
import { parseFederation } from '../src/federation/document.ts'
import { promisedPrivacy } from '../src/privacy/plan.ts'
import { UsageError } from './errors.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DatasetSource } from '../src/interface.ts'
import type { PrivacySettings } from '../src/federation/privacy-settings.ts'

export interface PrivacyFlags {
  privacy?: PrivacySettings['mechanism']
  epsilon?: number
  rounds: number
  peers: number
  data: DatasetSource
}

/**
 * The document with the privacy that the flags ask for, and what the user should know of it. The noise is that of a
 * peer with an equal share of the examples
 *
 * Throws UsageError when flags and document do not go together, DatasetError when examples cannot be counted
 */
export async function withPrivacy (document: FederationDocument, { privacy: mechanism, epsilon, rounds, peers, data }: PrivacyFlags): Promise<{ federation: FederationDocument, notes: string[] }> {
  if (mechanism === undefined && epsilon === undefined) {
    return { federation: document, notes: [] }
  }
  const notes: string[] = []
  const examples = async (): Promise<number> => {
    const total = await countExamples(data, document.model)
    const share = Math.max(1, Math.floor(total / peers))
    notes.push(`noise for ${share} examples a peer (${total} / ${peers}): a peer with fewer spends more in a round, and stops sending earlier`)
    return share
  }
  try {
    const privacy = await promisedPrivacy(document, { mechanism, epsilon, rounds, examples })
    return { federation: parseFederation({ ...document, privacy }), notes }
  } catch (err) {
    throw err instanceof RangeError || err instanceof InvalidFederationError ? new UsageError(err.message, { cause: err }) : err
  }
}
