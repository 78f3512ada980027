/**
 * The document of the next epoch: what the members change together
 *
 * Each one names the one before and the first, so that whoever holds them all can check that they are one chain. Who
 * decided on a change is another question, which this version cannot answer: it follows nobody beyond a first document.
 */
import { InvalidFederationError } from '../errors.ts'
import { encodeFederation, parseFederation } from './document.ts'
import { changedMessage, documentNames } from './federation-id.ts'
import type { FederationDocument } from './document.ts'

/** Throws InvalidFederationError, as `parseFederation` does */
export function successor (previous: FederationDocument, changes: Partial<Omit<FederationDocument, 'format' | 'epoch'>>): FederationDocument {
  const { federation, document, epoch } = documentNames(encodeFederation(previous))
  return parseFederation({ ...previous, ...changes, format: 2, epoch: { number: epoch + 1, federation, previous: document } })
}

/** True when `next` says that it follows on `previous`, and says the same of the federation */
export function follows (next: FederationDocument, previous: FederationDocument): boolean {
  const before = documentNames(encodeFederation(previous))
  const { number, federation, previous: named } = next.epoch ?? {}
  return number === before.epoch + 1 && federation === before.federation && named === before.document
}

/**
 * The document itself, where it is a first one: a changed one is as good as the decision of the members on it
 *
 * Throws InvalidFederationError
 */
export function requireFirst (document: FederationDocument): FederationDocument {
  if (document.epoch !== undefined) {
    throw new InvalidFederationError(changedMessage({ epoch: document.epoch.number, federation: document.epoch.federation }))
  }
  return document
}
