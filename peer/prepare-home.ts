/**
 * Makes the home of a new peer
 */
import { randomInt } from 'node:crypto'
import { makeHome, readFoundingDocument, writeConfig, writeFoundingDocument } from './home.ts'
import type { MembershipChoice } from './founding-membership.ts'
import type { Settings } from './settings.ts'
import type { FederationDocument } from '../src/federation/document.ts'

const MAX_SEED = 0x7fffffff

export interface PreparedHome {
  /** The settings as they were written: what was left to chance is settled now */
  settings: Settings
  peer: string
  configFile: string
  /** As it was written, with this peer as the first who decides where members are invited */
  document: FederationDocument | undefined
}

export interface Founded {
  /** To be kept. Undefined: it is fetched */
  document: FederationDocument | undefined
  /** The canonical file, where the document starts from weights */
  weights?: Uint8Array | undefined
  /** To be added to the document, with this peer as the only voter */
  membership?: MembershipChoice | undefined
}

/**
 * Writes key, weights, document and settings; the settings last, because a home with settings is a finished one
 *
 * Throws IdentityError, InvalidFederationError, StoreWriteError, and the file system's errors
 */
export async function prepareHome (home: string, given: Settings, founded: Founded): Promise<PreparedHome> {
  const settings = withOwnDigits(given)
  await makeHome(home)
  const { loadOrCreateIdentity } = await import('../src/network/host/identity.ts')
  const key = await loadOrCreateIdentity(home)
  const { weights } = founded
  const document = await ownDocument(home, founded)
  if (weights !== undefined) {
    const { weightsFile } = await import('../src/node/home-weights.ts')
    await weightsFile.keep(home, weights)
  }
  if (document !== undefined) {
    await writeFoundingDocument(home, document)
  }
  const configFile = await writeConfig(home, settings)
  return { settings, peer: key.publicKey.toString(), configFile, document }
}

async function ownDocument (home: string, { document, membership }: Founded): Promise<FederationDocument | undefined> {
  if (document === undefined || membership === undefined) {
    return document
  }
  const { withMembership } = await import('./founding-membership.ts')
  return withMembership(document, home, membership)
}

/**
 * Digits of this peer alone, when no seed says which: private data that others have too would teach nobody anything.
 * Parts of one dataset need the common seed, so they keep the default
 */
function withOwnDigits (settings: Settings): Settings {
  const { data, partition } = settings
  return (data === undefined || data === 'digits') && partition === undefined ? { ...settings, data: `digits:${randomInt(1, MAX_SEED)}` } : settings
}

/**
 * The document of a home that exists already, when the command line names one too
 *
 * Throws FederationMismatchError, before anything is started, when they are not the same
 */
export async function sameDocument (home: string, named: FederationDocument | undefined): Promise<FederationDocument | undefined> {
  const kept = await readFoundingDocument(home)
  if (named === undefined || kept === undefined) {
    return named ?? kept
  }
  const { encodeFederation } = await import('../src/federation/document.ts')
  const { documentId } = await import('../src/federation/federation-id.ts')
  const { FederationMismatchError } = await import('../src/errors.ts')
  const [keptId, namedId] = [kept, named].map((document) => documentId(encodeFederation(document)))
  if (keptId !== namedId) {
    throw new FederationMismatchError(`${home} was made for federation ${keptId} ("${kept.name}"), not for ${namedId} ("${named.name}"): use another home with --home`)
  }
  return kept
}
