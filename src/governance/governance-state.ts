/**
 * What the decisions so far make of the federation's first document: a pure fold, the same on every peer
 *
 * It looks at nothing but decisions. Statements come in another order everywhere, and whether an act may be decided
 * must not depend on them.
 */
import { quorum } from '../consensus/quorum.ts'
import { actIdOf, MAX_VOTERS, sortedVoters } from './acts.ts'
import { verifyStatement } from './statements.ts'
import type { Act, Decision, MembershipSettings, Voter } from './governance-interface.ts'
import type { PeerName } from '../interface.ts'

/** A member without a certificate. Founders have no slot */
export interface Admission { slot?: number, name?: string }
export interface Revocation { slot: number, lastSequence: number, reason?: string }

/** Never changed in place */
export interface GovernanceState {
  readonly federation: string
  readonly settings: MembershipSettings
  readonly epoch: number
  /** Number of the next decision, and so how many there are */
  readonly slot: number
  /** In the order in which ballots name them */
  readonly voters: readonly Voter[]
  readonly admitted: ReadonlyMap<PeerName, Admission>
  readonly revoked: ReadonlyMap<PeerName, Revocation>
  /** Raised ones only, with the decision that raised them */
  readonly limits: ReadonlyMap<PeerName, { guests: number, slot: number }>
  /** Ids of the acts that were decided in this epoch */
  readonly decided: ReadonlySet<string>
}

/** Whether the voting keys of `voters` chose the value for the slot: made by consensus/ */
export type VerifyCertificate = (certificate: Uint8Array, init: { federation: string, epoch: number, slot: number, value: Uint8Array, voters: Voter[] }) => boolean

export function initialState (federation: string, settings: MembershipSettings): GovernanceState {
  return {
    federation,
    settings,
    epoch: 0,
    slot: 0,
    voters: settings.voters,
    admitted: new Map(settings.voters.map(({ peer }) => [peer, {}])),
    revoked: new Map(),
    limits: new Map(),
    decided: new Set()
  }
}

export function isVoter (state: GovernanceState, peer: PeerName): boolean {
  return state.voters.some((voter) => voter.peer === peer)
}

/** How many guests a peer may have */
export function guestLimit (state: GovernanceState, peer: PeerName): number {
  return state.limits.get(peer)?.guests ?? state.settings.guestsPerMember
}

/**
 * Voters of the next epoch: these peers, in the one order, each with a key that no other voter has now. One that named
 * no new key, such as one that is gone, keeps its own: the others must be able to go on without it
 */
function areNextVoters (state: GovernanceState, voters: readonly Voter[], peers: readonly PeerName[]): boolean {
  const owners = new Map(state.voters.map(({ peer, votingKey }) => [votingKey, peer]))
  const keys = new Set(voters.map(({ votingKey }) => votingKey))
  const ordered = [...peers].sort()
  return voters.length === ordered.length && voters.length <= MAX_VOTERS && keys.size === voters.length &&
    voters.every(({ peer, votingKey }, index) => peer === ordered[index] && (owners.get(votingKey) ?? peer) === peer)
}

/** Who left and is taken back: it was a member by decision when it left, and left after it became one */
function isReturn ({ slot = -1 }: Admission, departure: number | undefined, next: number): boolean {
  return departure !== undefined && departure > slot && departure <= next
}

/** Why a decision on this act would change nothing, or what must not be; undefined: it may be decided */
export function voidReason (state: GovernanceState, act: Act): string | undefined {
  if (state.revoked.has(act.peer)) {
    return 'the peer was revoked, for ever'
  }
  const peers = state.voters.map(({ peer }) => peer)
  const votes = peers.includes(act.peer)
  const admission = state.admitted.get(act.peer)
  switch (act.do) {
    case 'admit':
      return admittingReason(admission, act.departure, state.slot)
    case 'revoke':
      return votes && peers.length === 1 ? 'nobody would be left to decide' : undefined
    case 'appoint':
      return appointingReason(votes, admission) ?? nextVotersReason(areNextVoters(state, act.voters, [...peers, act.peer]))
    case 'dismiss':
      return dismissingReason(votes, peers.length) ?? nextVotersReason(areNextVoters(state, act.voters, peers.filter((peer) => peer !== act.peer)))
    case 'raise-limit':
      return act.guests > guestLimit(state, act.peer) ? undefined : 'the peer may have so many guests already'
  }
}

function admittingReason (admission: Admission | undefined, departure: number | undefined, slot: number): string | undefined {
  if (admission === undefined) {
    return departure === undefined ? undefined : 'the peer was no member by decision that could return'
  }
  return isReturn(admission, departure, slot) ? undefined : 'the peer is a member by decision already'
}

function appointingReason (votes: boolean, admission: Admission | undefined): string | undefined {
  if (votes) {
    return 'the peer is a voter already'
  }
  return admission === undefined ? 'the peer is a guest or no member, and must be admitted by a decision first (grapevine members approve)' : undefined
}

function dismissingReason (votes: boolean, count: number): string | undefined {
  if (!votes) {
    return 'the peer is no voter'
  }
  return count === 1 ? 'nobody would be left to decide' : undefined
}

function nextVotersReason (right: boolean): string | undefined {
  return right ? undefined : 'its voters are not those that would result, in order, each with a voting key of its own'
}

export function isApplicable (state: GovernanceState, act: Act): boolean {
  return voidReason(state, act) === undefined
}

/** Whether q voters of the epoch signed that they want it; a statement that the decision does not fit counts nothing */
function endorsers (state: GovernanceState, { actId, endorsements }: Decision): Set<PeerName> {
  const signed = endorsements.filter((statement) => {
    const { author, body } = statement
    return isVoter(state, author) && body.federation === state.federation && body.epoch === state.epoch &&
      actIdOf(body.federation, body.epoch, body.act) === actId && verifyStatement(statement)
  })
  return new Set(signed.map(({ author }) => author))
}

/** Why this is not the next decision; undefined: it is. The cheap checks come first. Never throws */
export function checkDecision (state: GovernanceState, decision: Decision, verifyCertificate: VerifyCertificate): string | undefined {
  const { epoch, slot, act, actId, certificate } = decision
  const { federation, voters } = state
  if (slot !== state.slot || epoch !== state.epoch) {
    return `it is number ${slot} of epoch ${epoch}, and the next one is number ${state.slot} of epoch ${state.epoch}`
  }
  try {
    if (actIdOf(federation, epoch, act) !== actId) {
      return 'it is of another federation'
    }
    const reason = voidReason(state, act)
    if (reason !== undefined) {
      return reason
    }
    const needed = quorum(voters.length)
    const found = endorsers(state, decision).size
    if (found < needed) {
      return `${found} voters of the epoch endorsed it, and ${needed} must`
    }
    if (found < decision.endorsements.length) {
      // it would go on with a name in it that did not sign
      return 'one of its endorsements is none'
    }
    const value = new Uint8Array(Buffer.from(actId, 'hex'))
    return verifyCertificate(certificate, { federation, epoch, slot, value, voters: [...voters] }) ? undefined : 'its certificate does not prove that the voters chose it'
  } catch {
    return 'it is damaged'
  }
}

function without<Value> (map: ReadonlyMap<PeerName, Value>, peer: PeerName): Map<PeerName, Value> {
  return new Map([...map].filter(([name]) => name !== peer))
}

/** A new epoch with these voters: what was endorsed in the old one counts no more */
function newEpoch ({ epoch }: GovernanceState, voters: readonly Voter[]): Pick<GovernanceState, 'epoch' | 'voters' | 'decided'> {
  return { epoch: epoch + 1, voters, decided: new Set() }
}

/** The state after a decision that `checkDecision` found right */
export function applyDecision (state: GovernanceState, { slot, act, actId }: Pick<Decision, 'slot' | 'act' | 'actId'>): GovernanceState {
  const next = { ...state, slot: slot + 1, decided: new Set(state.decided).add(actId) }
  const { peer } = act
  switch (act.do) {
    case 'admit':
      return { ...next, admitted: new Map(state.admitted).set(peer, { slot, ...(act.name === undefined ? {} : { name: act.name }) }) }
    case 'revoke':
      return {
        ...next,
        ...(isVoter(state, peer) ? newEpoch(state, state.voters.filter((voter) => voter.peer !== peer)) : {}),
        admitted: without(state.admitted, peer),
        revoked: new Map(state.revoked).set(peer, { slot, lastSequence: act.lastSequence, ...(act.reason === undefined ? {} : { reason: act.reason }) })
      }
    case 'appoint':
    case 'dismiss':
      return { ...next, ...newEpoch(state, sortedVoters(act.voters)) }
    case 'raise-limit':
      return { ...next, limits: new Map(state.limits).set(peer, { guests: act.guests, slot }) }
  }
}
