/**
 * Whether the data fit the federation, before a home is made that would then be of no use
 */
import { UsageError } from './errors.ts'
import { dataPartition, dataSource } from './node-init.ts'
import { withProgress } from './reading-progress.ts'
import type { Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'
import type { FederationDocument } from '../src/federation/document.ts'

/** One address or several: all of them together */
const FETCH_TIMEOUT_MS = 15_000

/**
 * The document that a new peer begins with, and its data fit: the named one, or else that of the federation which it
 * joins
 *
 * Throws as the two below
 */
export async function newPeersDocument (settings: Settings, named: FederationDocument | undefined, terminal: Pick<Terminal, 'progress'>): Promise<FederationDocument> {
  const { requireFirst } = await import('../src/federation/successor.ts')
  const document = requireFirst(named ?? await fetchedDocument(settings))
  await withProgress(terminal, async (onRead) => requireFittingData(settings, document, onRead))
  return document
}

/**
 * Reads files to their end; digits are made, and cannot be damaged
 *
 * Throws DatasetError, UsageError for a split that cannot be
 */
async function requireFittingData (settings: Settings, { model }: FederationDocument, onRead: (share: number) => void): Promise<void> {
  const source = await dataSource(settings)
  if (source.kind === 'digits') {
    const { checkDataset } = await import('../src/data/data-formats.ts')
    await checkDataset(source, model)
    return
  }
  const { loadDataset } = await import('../src/data/data-formats.ts')
  try {
    await loadDataset(source, model, dataPartition(settings), { identified: false, onRead })
  } catch (err) {
    throw err instanceof RangeError ? new UsageError(err.message, { cause: err }) : err
  }
}

/**
 * The document of the federation that these addresses lead to, checked as the node would
 *
 * Throws BootstrapError, FederationMismatchError, InvalidAddressError, InvalidFederationError
 */
async function fetchedDocument ({ bootstrap = [], federationId }: Settings): Promise<FederationDocument> {
  const { fetchFederation } = await import('../src/network/federation-exchange.ts')
  const { decodeFederation } = await import('../src/federation/document.ts')
  const { inspectTopology } = await import('../src/model/topology.ts')
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
  const { bytes } = await fetchFederation({ addresses: bootstrap, signal, ...(federationId === undefined ? {} : { expected: federationId }) })
  const document = decodeFederation(bytes)
  inspectTopology(document.model)
  return document
}
