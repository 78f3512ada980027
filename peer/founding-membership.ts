/**
 * Who may take part in a federation that is founded: what the flags say, and its founder as the first who decides
 */
import { UsageError } from './errors.ts'
import { ARE, refuseGiven } from './given-flags.ts'
import type { Founding } from './fitted-document.ts'
import type { Settings } from './settings.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { MembershipSettings } from '../src/federation/membership-settings.ts'

export const DEFAULT_GUESTS = 8
export const DEFAULT_CERTIFICATE_DAYS = 365

/** Flags of an invited federation */
const OF_INVITED = ['guests', 'certificateDays'] as const

/** All of the document's membership that does not depend on the home */
export type MembershipChoice = Pick<MembershipSettings, 'guestsPerMember' | 'certificateDays'>

/**
 * What is to be added to the document; undefined: it stays as it is
 *
 * Throws UsageError for flags that the document contradicts, or that an open federation has no use for
 */
export function membershipChoice ({ document, fitted = false }: Founding, settings: Settings): MembershipChoice | undefined {
  const { membership = fitted ? 'invited' : 'open', guests, certificateDays } = settings
  if (document.membership !== undefined) {
    refuseGiven(settings, OF_INVITED, ARE, 'in the document that was named already: change it there')
    if (settings.membership === 'open') {
      throw new UsageError('--membership open: the document that was named says who decides and that members are invited; take "membership" out of it for an open federation')
    }
    return undefined
  }
  if (membership === 'open') {
    refuseGiven(settings, OF_INVITED, ARE, 'for a federation whose members are invited (--membership invited)')
    return undefined
  }
  return { guestsPerMember: guests ?? DEFAULT_GUESTS, certificateDays: certificateDays ?? DEFAULT_CERTIFICATE_DAYS }
}

/**
 * The document with the peer of this home as its only voter, whose keys are made when they are not there
 *
 * Throws IdentityError, InvalidFederationError when the document becomes too large
 */
export async function withMembership (document: FederationDocument, home: string, choice: MembershipChoice): Promise<FederationDocument> {
  const { peerOfHome } = await import('../src/network/host/identity.ts')
  const { createVotingKey } = await import('../src/node/voting-keys.ts')
  const { encodeFederation, parseFederation } = await import('../src/federation/document.ts')
  const voter = { peer: await peerOfHome(home), votingKey: await createVotingKey(home, 0) }
  const founded = parseFederation({ ...document, format: 2, membership: { admission: 'invited', voters: [voter], ...choice } })
  encodeFederation(founded)
  return founded
}

/** Why the peer of this home does not decide although the document is its own; undefined: it does, or nobody is to */
export async function voterProblem ({ membership }: FederationDocument, home: string): Promise<string | undefined> {
  if (membership === undefined) {
    return undefined
  }
  const { peerOfHome } = await import('../src/network/host/identity.ts')
  const { loadVotingKey, votingKeyFile, votingKeyOf } = await import('../src/node/voting-keys.ts')
  const self = await peerOfHome(home)
  const voter = membership.voters.find(({ peer }) => peer === self)
  if (voter === undefined) {
    return `this peer, ${self}, is none of the voters that the document names: it is no member before one of them invites or admits it`
  }
  const key = await loadVotingKey(home, 0)
  return key !== undefined && votingKeyOf(key) === voter.votingKey
    ? undefined
    : `the document names this peer as a voter with another voting key than ${votingKeyFile(home, 0)} holds: it cannot vote before the voters change`
}
