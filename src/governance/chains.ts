/**
 * Who is vouched for by whom, up to a voter or a member by decision
 *
 * A certificate counts where its inviter may have so many guests and gave its number to nobody else. A chain has at
 * most eight. Its layers are walked from the top: a layer holds, for each peer, the certificate that lasts longest of
 * those by peers of the layer above, so that the work is in proportion to the certificates, whatever circles they
 * make. Nothing here depends on the time but that certificates of the future do not count yet.
 */
import { guestLimit } from './governance-state.ts'
import type { CertificateBody, DepartureBody, MembershipSettings, Statement } from './governance-interface.ts'
import type { GovernanceState } from './governance-state.ts'
import type { PeerName } from '../interface.ts'

export type Certificate = Statement<CertificateBody>

/** Certificates between a guest and a voter or member by decision */
export const MAX_CHAIN = 8
const DAY_MS = 86_400_000
/** How far the clocks of honest peers may be apart */
export const CLOCK_TOLERANCE_MS = 600_000

/** How a peer is vouched for, by one certificate of the layer above */
export interface Link {
  certificate: Certificate
  /** Number of certificates up to the top, from 1 */
  depth: number
  /** When it ends: its own end, and no later than a certificate's life after the end of its inviter */
  expiresAt: number
}

export interface Chains {
  /** For each peer the links of each layer that has one, shortest first */
  links: ReadonlyMap<PeerName, readonly Link[]>
  /** Peers with certificates that do not count, because of their number */
  overLimit: ReadonlySet<PeerName>
  /** Of each inviter those whose number counts, whoever vouches for the inviter */
  sound: ReadonlyMap<PeerName, readonly Certificate[]>
  /** The newest certificate of each guest of each inviter, whether it counts or not */
  issued: ReadonlyMap<PeerName, readonly Certificate[]>
}

export function certificateLifeMs ({ certificateDays }: MembershipSettings): number {
  return certificateDays * DAY_MS
}

/** Training goes on for so long after a certificate ended, as its inviter may be away */
export function graceMs (settings: MembershipSettings): number {
  return Math.max(DAY_MS, certificateLifeMs(settings) / 4)
}

/** A life that is one, and no longer than a certificate may last */
export function isSoundCertificate ({ author, body: { peer, issuedAt, expiresAt } }: Certificate, settings: MembershipSettings): boolean {
  return author !== peer && expiresAt > issuedAt && expiresAt - issuedAt <= certificateLifeMs(settings)
}

/** A renewal counts instead of what it renews */
function isNewer (one: Certificate, other: Certificate | undefined): boolean {
  return other === undefined || one.body.expiresAt > other.body.expiresAt || (one.body.expiresAt === other.body.expiresAt && one.id < other.id)
}

/** By inviter, the newest certificate of each (number, guest) */
function newestOf (certificates: Iterable<Certificate>): Map<PeerName, Certificate[]> {
  const cells = new Map<string, Certificate>()
  for (const certificate of certificates) {
    const { author, body: { number, peer } } = certificate
    const cell = `${author} ${number} ${peer}`
    if (isNewer(certificate, cells.get(cell))) {
      cells.set(cell, certificate)
    }
  }
  const issued = new Map<PeerName, Certificate[]>()
  for (const certificate of cells.values()) {
    const list = issued.get(certificate.author)
    if (list === undefined) {
      issued.set(certificate.author, [certificate])
    } else {
      list.push(certificate)
    }
  }
  return issued
}

/** Numbers that one inviter gave to more than one peer */
function doubledNumbers (certificates: readonly Certificate[]): Set<number> {
  const seen = new Set<number>()
  const doubled = new Set<number>()
  for (const { body: { number } } of certificates) {
    (seen.has(number) ? doubled : seen).add(number)
  }
  return doubled
}

interface Vouching { sound: Map<PeerName, Certificate[]>, overLimit: Set<PeerName>, issued: Map<PeerName, Certificate[]> }

function judged (state: GovernanceState, certificates: Iterable<Certificate>): Vouching {
  const issued = newestOf(certificates)
  const overLimit = new Set<PeerName>()
  const sound = new Map<PeerName, Certificate[]>()
  for (const [inviter, list] of issued) {
    const limit = guestLimit(state, inviter)
    const doubled = doubledNumbers(list)
    const counts = ({ body: { number } }: Certificate) => number <= limit && !doubled.has(number)
    sound.set(inviter, list.filter(counts))
    for (const { body: { peer } } of list.filter((certificate) => !counts(certificate))) {
      overLimit.add(peer)
    }
  }
  return { sound, overLimit, issued }
}

/** The layer under `above`, which says until when each of its peers could invite */
function nextLayer (above: ReadonlyMap<PeerName, number>, sound: ReadonlyMap<PeerName, readonly Certificate[]>, state: GovernanceState): Map<PeerName, Omit<Link, 'depth'>> {
  const life = certificateLifeMs(state.settings)
  const layer = new Map<PeerName, Omit<Link, 'depth'>>()
  for (const [inviter, until] of above) {
    for (const certificate of sound.get(inviter) ?? []) {
      const { peer, expiresAt: end } = certificate.body
      const expiresAt = Math.min(end, until + life)
      const held = layer.get(peer)
      const better = held === undefined || expiresAt > held.expiresAt || (expiresAt === held.expiresAt && certificate.id < held.certificate.id)
      if (better && !state.revoked.has(peer)) {
        layer.set(peer, { certificate, expiresAt })
      }
    }
  }
  return layer
}

export interface ChainInit {
  state: GovernanceState
  certificates: Iterable<Certificate>
  /** Those that count: see effectiveDepartures */
  departures: ReadonlyMap<PeerName, Statement<DepartureBody>>
}

export function chainsOf ({ state, certificates, departures }: ChainInit): Chains {
  const { sound, overLimit, issued } = judged(state, certificates)
  const grace = graceMs(state.settings)
  /** Whoever left cannot invite after that; it may lie about when, and gains a certificate's life */
  const invitesUntil = (peer: PeerName, end: number): number => Math.min(end, departures.get(peer)?.body.at ?? Infinity)
  const links = new Map<PeerName, Link[]>()
  let above = new Map([...state.admitted.keys()].map((peer) => [peer, invitesUntil(peer, Infinity)]))
  for (let depth = 1; depth <= MAX_CHAIN && above.size > 0; depth++) {
    const layer = nextLayer(above, sound, state)
    for (const [peer, link] of layer) {
      const list = links.get(peer) ?? []
      links.set(peer, list)
      list.push({ ...link, depth })
    }
    above = new Map([...layer].map(([peer, { expiresAt }]) => [peer, invitesUntil(peer, expiresAt + grace)]))
  }
  return { links, overLimit, issued, sound }
}

/** Who left and was not admitted since: the last departure of each */
export function effectiveDepartures (state: GovernanceState, departures: Iterable<Statement<DepartureBody>>): Map<PeerName, Statement<DepartureBody>> {
  const effective = new Map<PeerName, Statement<DepartureBody>>()
  for (const departure of departures) {
    const { author, body } = departure
    const held = effective.get(author)
    const later = held === undefined || body.slot > held.body.slot || (body.slot === held.body.slot && departure.id < held.id)
    if (later && body.slot > (state.admitted.get(author)?.slot ?? -1)) {
      effective.set(author, departure)
    }
  }
  return effective
}
