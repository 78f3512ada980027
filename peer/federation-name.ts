/**
 * A federation as it is shown: id and name
 */
import type { FederationDocument } from '../src/federation/document.ts'

export interface FederationName {
  id: string
  name: string
}

export async function federationName (document: FederationDocument): Promise<FederationName> {
  const { encodeFederation } = await import('../src/federation/document.ts')
  const { federationId } = await import('../src/federation/federation-id.ts')
  return { id: federationId(encodeFederation(document)), name: document.name }
}
