/**
 * Who belongs to the federation at one instant: what follows from the decisions and the statements that a node holds
 *
 * The decisions are one order for all (governance-state.ts); statements say the same in whatever order they came.
 */
import { quorum, toleratedLiars } from '../consensus/quorum.ts'
import { chainsOf, CLOCK_TOLERANCE_MS, effectiveDepartures, graceMs, isSoundCertificate } from './chains.ts'
import { isVoter } from './governance-state.ts'
import type { Certificate, Chains, Link } from './chains.ts'
import type { GovernanceState } from './governance-state.ts'
import type { DepartureBody, MembershipSettings, RosterMember, RosterView, Standing, Statement } from './governance-interface.ts'
import type { PeerName } from '../interface.ts'

export { applyDecision, checkDecision, guestLimit, initialState, isApplicable, isVoter, voidReason } from './governance-state.ts'
export type { GovernanceState, VerifyCertificate } from './governance-state.ts'
export { CLOCK_TOLERANCE_MS, graceMs } from './chains.ts'
export { credentialsFor } from './credentials.ts'

export interface Roster {
  standing: (peer: PeerName) => Standing
  /** Undefined for whoever is no member now */
  member: (peer: PeerName) => RosterMember | undefined
  view: () => RosterView
  /** Whom `peer` gave a certificate, with the newest one of each */
  guestsOf: (peer: PeerName) => readonly Certificate[]
  /** The certificates by which a peer is vouched for, that of a voter or member by decision first; none for such */
  chain: (peer: PeerName) => Certificate[]
}

function isCertificate (statement: Statement): statement is Certificate {
  return statement.body.kind === 'certificate'
}

function isDeparture (statement: Statement): statement is Statement<DepartureBody> {
  return statement.body.kind === 'departure'
}

/** The link that lasts longest; of two such the shorter chain */
function bestLink (links: readonly Link[]): Link | undefined {
  return links.reduce<Link | undefined>((best, link) => best === undefined || link.expiresAt > best.expiresAt ? link : best, undefined)
}

class Fold implements Roster {
  readonly #state: GovernanceState
  readonly #chains: Chains
  readonly #departed: ReadonlyMap<PeerName, Statement<DepartureBody>>
  /** Guests of peers that were revoked, and theirs: vouched for by nobody who counts */
  readonly #fallen: ReadonlySet<PeerName>
  readonly #nowMs: number
  readonly #graceMs: number

  constructor (state: GovernanceState, statements: Iterable<Statement>, nowMs: number, settings: MembershipSettings) {
    const own = [...statements].filter(({ body }) => body.federation === state.federation)
    const begun = ({ body: { issuedAt } }: Certificate) => issuedAt <= nowMs + CLOCK_TOLERANCE_MS
    this.#state = state
    this.#nowMs = nowMs
    this.#graceMs = graceMs(settings)
    this.#departed = effectiveDepartures(state, own.filter(isDeparture))
    const certificates = own.filter(isCertificate).filter((certificate) => begun(certificate) && isSoundCertificate(certificate, settings))
    this.#chains = chainsOf({ state, certificates, departures: this.#departed })
    this.#fallen = fallenFrom(state, this.#chains)
  }

  standing (peer: PeerName): Standing {
    if (this.#state.revoked.has(peer)) {
      return 'revoked'
    }
    if (this.#departed.has(peer)) {
      return 'departed'
    }
    if (this.#state.admitted.has(peer)) {
      return 'member'
    }
    const link = this.#linkOf(peer)
    if (link !== undefined) {
      return this.#nowMs <= link.expiresAt + this.#graceMs ? 'member' : 'expired'
    }
    if (this.#chains.overLimit.has(peer)) {
      return 'over-limit'
    }
    return this.#fallen.has(peer) ? 'revoked' : 'unknown'
  }

  member (peer: PeerName): RosterMember | undefined {
    if (this.standing(peer) !== 'member') {
      return undefined
    }
    const role = isVoter(this.#state, peer) ? 'voter' : 'member'
    const admission = this.#state.admitted.get(peer)
    if (admission !== undefined) {
      return { peer, role, ...admission }
    }
    const { certificate: { author: inviter, body: { name } }, expiresAt } = this.#linkOf(peer)!
    return { peer, role, inviter, expiresAt, ...(name === undefined ? {} : { name }), ...(this.#nowMs > expiresAt ? { inGrace: true } : {}) }
  }

  view (): RosterView {
    const { epoch, slot, voters, admitted, revoked } = this.#state
    const peers = new Set([...admitted.keys(), ...this.#chains.links.keys()])
    return {
      epoch,
      slot,
      voters: [...voters],
      toleratedLiars: toleratedLiars(voters.length),
      quorum: quorum(voters.length),
      members: [...peers].sort().map((peer) => this.member(peer)).filter((member) => member !== undefined),
      revoked: [...revoked].map(([peer, revocation]) => ({ peer, ...revocation }))
    }
  }

  guestsOf (peer: PeerName): readonly Certificate[] {
    return this.#chains.issued.get(peer) ?? []
  }

  chain (peer: PeerName): Certificate[] {
    const chain: Certificate[] = []
    let link = this.#state.admitted.has(peer) ? undefined : this.#linkOf(peer)
    while (link !== undefined) {
      const { certificate, depth } = link
      chain.unshift(certificate)
      link = this.#chains.links.get(certificate.author)?.find((above) => above.depth === depth - 1)
    }
    return chain
  }

  #linkOf (peer: PeerName): Link | undefined {
    return bestLink(this.#chains.links.get(peer) ?? [])
  }
}

/** Whoever was invited by a revoked peer, or by one of those: in whatever order, each once */
function fallenFrom ({ revoked }: GovernanceState, { issued }: Chains): Set<PeerName> {
  const fallen = new Set<PeerName>()
  const open = [...revoked.keys()]
  for (let inviter = open.pop(); inviter !== undefined; inviter = open.pop()) {
    for (const { body: { peer } } of issued.get(inviter) ?? []) {
      if (!fallen.has(peer)) {
        fallen.add(peer)
        open.push(peer)
      }
    }
  }
  return fallen
}

/** `statements`: verified ones; the order does not matter. Takes milliseconds for thousands of members */
export function rosterAt (state: GovernanceState, statements: Iterable<Statement>, nowMs: number, settings: MembershipSettings = state.settings): Roster {
  return new Fold(state, statements, nowMs, settings)
}
