/**
 * A federation as it is shown: id and name
 */
import type { FederationDocument } from '../src/federation.ts'

export interface FederationName {
  id: string
  name: string
}

export async function federationName (document: FederationDocument): Promise<FederationName> {
  const { encodeFederation, federationId } = await import('../src/federation.ts')
  return { id: federationId(encodeFederation(document)), name: document.name }
}
