/**
 * Which federation a home belongs to: the document from the home, from the founder, or from a peer
 *
 * An invited federation gives its document to members only: whoever holds an invitation becomes one first, and whoever
 * does not may ask, and waits until enough voters said yes.
 */
import { anySignal } from 'any-signal'
import { checkDataset } from '../data/data-formats.ts'
import { AdmissionRefusedError, BootstrapError, FederationMismatchError } from '../errors.ts'
import { decodeFederation, encodeFederation } from '../federation/document.ts'
import { documentId, federationId } from '../federation/federation-id.ts'
import { requireFirst } from '../federation/successor.ts'
import { inspectTopology } from '../model/topology.ts'
import { membersWeights } from './home-weights.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { FederationDocument } from '../federation/document.ts'
import type { Store } from '../interface.ts'
import type { WeightsKeeper } from './home-weights.ts'
import type { NodeInit } from './node-interface.ts'
import type { NodeParts } from './node-parts.ts'

/** How long one try to reach a bootstrap address for the document may take */
const FETCH_TIMEOUT_MS = 15_000

export interface Membership {
  bytes: Uint8Array
  id: string
  document: FederationDocument
  how: 'founded' | 'joined' | 'resumed'
  /** The canonical file, where the document has `model.weights` */
  weights?: Uint8Array | undefined
  /** What proves that this node is a member, where it was admitted just now */
  records?: readonly Uint8Array[]
}

type FetchDocument = NodeParts['fetchDocument']

export interface EnterComponents {
  store: Pick<Store, 'getFederation' | 'putFederation'>
  fetchDocument: FetchDocument
  enterInvited: NodeParts['enterInvited']
  weights: WeightsKeeper
  identity: PrivateKey
  /** A request is filed at this address */
  onWaiting: (detail: { federation: string, address: string }) => void
}

type Wishes = Pick<NodeInit, 'data' | 'home' | 'federation' | 'weights' | 'bootstrap' | 'expectedFederation' | 'refuseOtherFederation' | 'invitation' | 'requestAdmission'>

type Asking = Pick<EnterComponents, 'fetchDocument' | 'enterInvited' | 'identity' | 'onWaiting'>

/**
 * The document from the home, from the founder, from the inviter, or from the first bootstrap address that answers
 *
 * Throws AdmissionRefusedError, BootstrapError, DatasetError, FederationMismatchError, InvalidFederationError,
 * InvitationError, WeightsError
 */
export async function enterFederation ({ store, weights, ...asking }: EnterComponents, init: Wishes, signal: AbortSignal): Promise<Membership> {
  const { fetchDocument } = asking
  const stored = await store.getFederation()
  const bootstrap = init.bootstrap ?? []
  if (stored !== undefined) {
    const membership = checked(init, stored, 'resumed')
    await refuseOther(fetchDocument, init, { own: membership.id, signal })
    return withWeights(await admittedAgain(asking, init, { membership, signal }), init, weights)
  }
  if (init.federation !== undefined) {
    await refuseOther(fetchDocument, init, { own: federationId(encodeFederation(init.federation)), signal })
    return entered(checked(init, encodeFederation(init.federation), bootstrap.length > 0 ? 'joined' : 'founded'), init, { store, weights })
  }
  if (bootstrap.length === 0 && init.invitation === undefined) {
    throw new BootstrapError('this home knows no federation, and no bootstrap address was given: found one with a federation document, or join one by address', 'unreachable')
  }
  const { bytes, records } = await askFor(asking, init, signal)
  return entered({ ...checked(init, bytes, 'joined'), records }, init, { store, weights })
}

/** The document of somebody who has it; who is no member yet becomes one, where that is wanted */
async function askFor ({ fetchDocument, enterInvited, identity, onWaiting }: Asking, wishes: Wishes, signal: AbortSignal): Promise<{ bytes: Uint8Array, records: readonly Uint8Array[] }> {
  const { bootstrap = [], invitation, requestAdmission, expectedFederation: expected } = wishes
  const wanted = { identity, addresses: bootstrap, invitation, request: requestAdmission, expected, signal, onWaiting }
  if (invitation !== undefined) {
    return enterInvited(wanted)
  }
  const inTime = anySignal([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)])
  try {
    const { bytes } = await fetchDocument({ addresses: bootstrap, signal: inTime, ...(expected === undefined ? {} : { expected }) })
    return { bytes, records: [] }
  } catch (err) {
    if (err instanceof AdmissionRefusedError && requestAdmission !== undefined) {
      return await enterInvited(wanted)
    }
    throw err
  } finally {
    inTime.clear()
  }
}

/** A home that knows its federation and is given an invitation: its own right may have ended, or was never had */
async function admittedAgain (asking: Asking, wishes: Wishes, { membership, signal }: { membership: Membership, signal: AbortSignal }): Promise<Membership> {
  if (wishes.invitation === undefined || membership.document.membership === undefined) {
    return membership
  }
  const { records } = await askFor(asking, { ...wishes, expectedFederation: membership.id }, signal)
  return { ...membership, records }
}

/**
 * Whoever joins by an address wants the federation there: another one than the home's is told before anything runs. An
 * address that does not answer is no reason to stay away from one's own mesh
 */
async function refuseOther (fetchDocument: FetchDocument, wishes: Wishes, { own, signal }: { own: string, signal: AbortSignal }): Promise<void> {
  const { home, bootstrap = [], refuseOtherFederation = false } = wishes
  if (!refuseOtherFederation || bootstrap.length === 0) {
    return
  }
  const inTime = anySignal([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)])
  try {
    const { id, address } = await fetchDocument({ addresses: bootstrap, signal: inTime })
    if (id !== own) {
      throw new FederationMismatchError(`${address} belongs to federation ${id}, and ${home} to ${own}: use another home to join it (--home)`)
    }
  } catch (err) {
    if (!(err instanceof BootstrapError) && !(err instanceof AdmissionRefusedError)) {
      signal.throwIfAborted()
      throw err
    }
  } finally {
    inTime.clear()
  }
}

/**
 * A topology from a stranger may be absurd, and an own one mistaken, and the own data may not fit it: this is refused
 * before the home belongs to the federation
 */
async function entered (membership: Membership, wishes: Wishes, { store, weights }: Pick<EnterComponents, 'store' | 'weights'>): Promise<Membership> {
  const { model } = membership.document
  inspectTopology(model)
  await checkDataset(wishes.data, model)
  const complete = await withWeights(membership, wishes, weights)
  await store.putFederation(membership.bytes)
  return complete
}

/** Nobody sends them: they come from whoever starts the node, or were kept in its home */
async function withWeights (membership: Membership, { home, weights }: Wishes, keeper: WeightsKeeper): Promise<Membership> {
  return { ...membership, weights: await membersWeights(home, membership.document.model, weights, keeper) }
}

function checked ({ home, federation, expectedFederation }: Wishes, bytes: Uint8Array, how: Membership['how']): Membership {
  const id = federationId(bytes)
  if (expectedFederation !== undefined && expectedFederation !== id) {
    throw new FederationMismatchError(`expected federation ${expectedFederation}, but found ${id} (${how}): correct the expected id (--federation-id), or use another home`)
  }
  if (how === 'resumed' && federation !== undefined && documentId(encodeFederation(federation)) !== documentId(bytes)) {
    throw new FederationMismatchError(`${home} belongs to federation ${documentId(bytes)}, not to ${documentId(encodeFederation(federation))}: use another home`)
  }
  return { bytes, id, document: requireFirst(decodeFederation(bytes)), how }
}
