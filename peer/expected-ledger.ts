/**
 * The ledger that a peer which has not started yet will find: told from its data, and nothing is made
 */
import { randomBytes } from 'node:crypto'
import { exists, storedLedger } from './ledger-reader.ts'
import { dataPartition, dataSource } from './node-init.ts'
import { defaultLedgerRoot } from '../src/ledger/open-budget.ts'
import type { DatasetLedger } from './privacy-account.ts'
import type { Settings } from './settings.ts'
import type { FederationDocument } from '../src/federation/document.ts'

const SECRET_BYTES = 32

/**
 * Reads the data to their end. What other homes spent on them, or on sets that overlap with them, counts
 *
 * Throws DatasetError, IdentityError, StateFolderError, UsageError for settings of data that do not go together, and as
 * `readOverlapping`
 */
export async function expectedLedger (home: string, settings: Settings, document: FederationDocument): Promise<DatasetLedger> {
  const { loadDataset } = await import('../src/data/data-formats.ts')
  const { encodeFederation } = await import('../src/federation/document.ts')
  const { federationId } = await import('../src/federation/federation-id.ts')
  const { loadIdentity } = await import('../src/network/host/identity.ts')
  const { identityOf } = await import('../src/data/dataset-identity.ts')
  const { readOverlapping } = await import('../src/ledger/inherited.ts')
  const { knownSecret } = await import('../src/ledger/similar-ledgers.ts')
  const root = settings.ledgers ?? defaultLedgerRoot()
  const { train } = await loadDataset(await dataSource(settings), document.model, dataPartition(settings))
  // where there is no secret there is no sketch either, and nothing to compare with
  const identity = identityOf(train, await knownSecret(root) ?? randomBytes(SECRET_BYTES))
  const place = { root, fingerprint: identity.fingerprint }
  const peer = (await loadIdentity(home))?.publicKey.toString() ?? ''
  const overlapping = await readOverlapping(root, identity)
  const record = { federation: federationId(encodeFederation(document)), peer, fingerprint: identity.fingerprint, examples: train.count, ledgers: root }
  const stored = storedLedger(place, {})
  const ledger = { ...stored, totals: async () => await exists(place) ? stored.totals() : overlapping.flatMap(({ totals }) => [...totals]) }
  return { record, place, ledger, pid: undefined, expected: { overlapping } }
}
