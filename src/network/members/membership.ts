/**
 * The list of members that one node holds, and the rules by which it changes
 *
 * A member is a verified record and a recent sign of life: a newer record, an update, an open connection. A crash is
 * told apart from silence as in SWIM (Das, Gupta and Motivala 2002): who loses a member and cannot reach it suspects
 * it aloud; a member that lives answers with a newer record, one that does not is dropped by everybody after a grace
 * period, so that the views of the list stay alike. Until then it keeps its place: a quick restart changes nothing.
 *
 * No I/O and no timers here: the neighbourhood drives it.
 */
import { TypedEventEmitter } from 'main-event'
import type { Clock, PeerName } from '../../interface.ts'
import type { MemberClaim } from './member-record.ts'
import type { Mark } from './vouching.ts'
import type { MemberEntry, SignedRecord } from '../wire/membership.ts'

/** More members than this are not believed: the list costs memory and every member is a possible neighbour */
export const MAX_MEMBERS = 4_096

/**
 * Beyond this many members everybody speaks less often, so that the control topic carries a bounded number of messages
 */
const QUIET_FROM_MEMBERS = 128

/** Records of peers for whom nobody vouches: kept a while, because a voucher may come later than the record */
export const MAX_STRANGERS = 1_024

/** Members that left or were dropped, remembered so that an old record does not bring them back */
const MAX_DEPARTED = 4_096

export interface Member {
  readonly peer: PeerName
  readonly addresses: readonly string[]
  readonly sequence: number
  /** Publishes nothing, only listens */
  readonly observing: boolean
  /** Begins a round when enough of its neighbours say the same: as the newest record has it */
  readonly ready: boolean
  /** Clock.monotonicMs() when the newest record was made, as far as its age is known */
  readonly recordMs: number
  /** With whom it says that it holds a connection */
  readonly vouches: readonly Mark[]
  /** The record as it came, to be passed on */
  readonly signed: SignedRecord
  /** Clock.monotonicMs() of the last sign of life */
  lastSignMs: number
  /** Clock.monotonicMs() when it was first reported lost, until the next sign of life */
  suspectedMs: number | undefined
}

/**
 * `news`: a new member, other addresses, one that only listens from now on or vouches for somebody who waits for it, or
 * a goodbye: tell others. `fresh`: only a sign of life. `stale`: nothing new. `stranger`: kept, or let go, but nobody
 * vouches for it: tell nobody. `forged`: the signature is wrong. `full`: no room for another member,
 * or for this one, which may not take part
 */
export type Verdict = 'news' | 'fresh' | 'stranger' | 'stale' | 'forged' | 'full'

export interface MembershipEvents {
  /** Somebody joined, left, was dropped, has other addresses, or only listens from now on */
  change: CustomEvent<{ peer: PeerName, joined: boolean, goodbye: boolean }>
  /** A newer record of a member says that it is ready, or the first that it is not */
  ready: CustomEvent<{ peer: PeerName }>
}

export interface MembershipInit {
  self: PeerName
  clock: Pick<Clock, 'monotonicMs'>
  /** A member without a sign of life for this long is dropped */
  expiryMs: number
  /** A member that was reported lost is dropped after this long */
  graceMs: number
  /**
   * Somebody who is worth it holds a connection with this peer, or this node does. @default everybody is vouched for
   */
  isVouchedFor?: (peer: PeerName) => boolean
  /** May take part in the federation: records of others change nothing. @default everybody */
  isWelcome?: (peer: PeerName) => boolean
  /** May not be given up for another one when there are too many. @default everybody */
  counts?: (peer: PeerName) => boolean
  /** Another voucher for the peer with this mark is news. @default it never is */
  isWaitedFor?: (mark: Mark) => boolean
}

interface Departure {
  sequence: number
  /** Brought up when the member comes back with an older one */
  signed: SignedRecord
  untilMs: number
}

function sameTexts (a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index])
}

function sameVouches (known: Member | undefined, member: Member): boolean {
  return known !== undefined && sameTexts(known.vouches, member.vouches)
}

function saysTheSame (known: Member | undefined, { observing, addresses }: Member): boolean {
  return known !== undefined && known.observing === observing && sameTexts(known.addresses, addresses)
}

export class Membership extends TypedEventEmitter<MembershipEvents> {
  readonly #init: MembershipInit
  readonly #members = new Map<PeerName, Member>()
  /** Those of them for whom nobody vouches, the longest known first */
  readonly #strangers = new Set<PeerName>()
  #revision = 0
  /** In order of departure */
  readonly #departed = new Map<PeerName, Departure>()

  constructor (init: MembershipInit) {
    super()
    this.#init = init
  }

  get (peer: PeerName): Member | undefined {
    return this.#members.get(peer)
  }

  /** Its record is known, and somebody vouches for it: when that ends there is a `change` */
  has (peer: PeerName): boolean {
    return this.#members.has(peer) && !this.#strangers.has(peer)
  }

  /** All whose record is known and for whom somebody vouches; without this node */
  get size (): number {
    return this.#members.size - this.#strangers.size
  }

  /** Grows with every change of who is known and who vouches for whom */
  get revision (): number {
    return this.#revision
  }

  /** All whose record is known, strangers included; without this node */
  records (): IterableIterator<Member> {
    return this.#members.values()
  }

  /**
   * All for whom somebody vouches, with the age of their last sign of life, as they are sent to others; without this
   * node
   */
  entries (): MemberEntry[] {
    return [...this.#members.values()].filter(({ peer }) => !this.#strangers.has(peer)).map(({ peer, signed }) => this.entry(peer, signed))
  }

  /** A record about the peer as it is sent to others */
  entry (peer: PeerName, signed: SignedRecord): MemberEntry {
    const lastSignMs = this.#members.get(peer)?.lastSignMs ?? Infinity
    return { signed, ageMs: Math.max(0, Math.round(this.#init.clock.monotonicMs() - lastSignMs)) }
  }

  /** Names of all for whom somebody vouches, this node included, ascending */
  names (): PeerName[] {
    return [...this.#members.keys(), this.#init.self].filter((peer) => !this.#strangers.has(peer)).sort()
  }

  /** Times between signs of life, and the patience with their absence, are multiplied by this */
  get quietFactor (): number {
    return Math.max(1, this.size / QUIET_FROM_MEMBERS)
  }

  /**
   * Cheap: true when the claim could change anything, so that its signature is worth checking
   *
   * @param direct - The member itself sent it just now: then the record under which it was dropped counts again
   */
  isNewer (claim: MemberClaim, direct = false): boolean {
    const departed = this.#departed.get(claim.peer)
    const known = this.#members.get(claim.peer)?.sequence ?? (departed?.sequence ?? 0) - (direct ? 1 : 0)
    return claim.peer !== this.#init.self && claim.sequence > known
  }

  /** The last record of a peer that left or was dropped of late, for itself: its clock may have been put back since */
  departed (peer: PeerName): MemberEntry[] {
    const departure = this.#departed.get(peer)
    return departure === undefined ? [] : [{ signed: departure.signed, ageMs: 0 }]
  }

  /** The record of a claim's member that the claim is older than, also of a member that left or was dropped of late */
  newerThan ({ peer, sequence }: MemberClaim): SignedRecord | undefined {
    const known = this.#members.get(peer) ?? this.#departed.get(peer)
    return known !== undefined && known.sequence > sequence ? known.signed : undefined
  }

  /**
   * Takes over a claim when it is newer than what is known and its signature holds
   *
   * @param ageMs - How long ago the sender of the claim had a sign of life of the member
   * @param direct - See {@link isNewer}
   */
  apply (claim: MemberClaim, ageMs = 0, direct = false): Verdict {
    if (!this.isNewer(claim, direct)) {
      return 'stale'
    }
    if (!this.#isWelcome(claim.peer)) {
      return 'full'
    }
    const known = this.#members.get(claim.peer)
    const isOneMore = known === undefined && !claim.leaving && this.#isOneTooMany(claim.peer)
    const weakest = isOneMore ? this.#weakest() : undefined
    if (isOneMore && weakest === undefined) {
      return 'full'
    }
    if (!claim.verify()) {
      return 'forged'
    }
    return claim.leaving ? this.#leave(claim, known) : this.#enter(claim, known, ageMs, weakest)
  }

  /** Takes up those for whom somebody vouches by now, and says who that is */
  review (): Member[] {
    const found = [...this.#strangers].filter((peer) => this.size < MAX_MEMBERS && this.#isVouchedFor(peer) && this.#strangers.delete(peer))
    for (const peer of found) {
      this.safeDispatchEvent('change', { detail: { peer, joined: true, goodbye: false } })
    }
    return found.flatMap((peer) => this.#members.get(peer) ?? [])
  }

  /** Those for whom nobody vouches any more go back to the strangers */
  disown (): void {
    const alone = [...this.#members.keys()].filter((peer) => !this.#strangers.has(peer) && !this.#isVouchedFor(peer))
    for (const peer of alone) {
      this.#strangers.add(peer)
      this.safeDispatchEvent('change', { detail: { peer, joined: false, goodbye: false } })
    }
    this.#forgetStrangers()
  }

  /** Drops at once those that may not take part any more, and forgets them; true where there were such */
  dismiss (): boolean {
    const unwelcome = [...this.#members.keys()].filter((peer) => !this.#isWelcome(peer))
    for (const peer of unwelcome) {
      this.#strangers.delete(peer)
      this.#giveUp(peer)
    }
    return unwelcome.length > 0
  }

  #isWelcome (peer: PeerName): boolean {
    return this.#init.isWelcome?.(peer) ?? true
  }

  #isWaitedFor (known: Member | undefined, { vouches }: Member): boolean {
    return vouches.some((mark) => known?.vouches.includes(mark) !== true && this.#init.isWaitedFor?.(mark) === true)
  }

  #isOneTooMany (peer: PeerName): boolean {
    return this.size >= MAX_MEMBERS && this.#isVouchedFor(peer)
  }

  #isVouchedFor (peer: PeerName): boolean {
    return this.#init.isVouchedFor?.(peer) ?? true
  }

  /** The longest known of those that are vouched for and do not count: gives way when there are too many */
  #weakest (): PeerName | undefined {
    const { counts } = this.#init
    return counts === undefined ? undefined : [...this.#members.keys()].find((peer) => !this.#strangers.has(peer) && !counts(peer))
  }

  #forgetStrangers (): void {
    for (const oldest of this.#strangers) {
      if (this.#strangers.size <= MAX_STRANGERS) {
        break
      }
      this.#strangers.delete(oldest)
      this.#members.delete(oldest)
      this.#revision++
    }
  }

  /** Makes room. Not remembered as departed: its next record is as good as any */
  #giveUp (peer: PeerName): void {
    this.#members.delete(peer)
    this.#revision++
    this.safeDispatchEvent('change', { detail: { peer, joined: false, goodbye: false } })
  }

  /** For whom nobody vouches is neither remembered nor passed on: ids are free, and would push out who really left */
  #leave (claim: MemberClaim, known: Member | undefined): Verdict {
    const { peer } = claim
    const isStranger = this.#isStranger(peer, known)
    if (!isStranger || this.#departed.has(peer)) {
      this.#depart(claim)
    }
    this.#revision += known === undefined ? 0 : 1
    const wasStranger = this.#strangers.delete(peer)
    this.#members.delete(peer)
    if (isStranger) {
      return 'stranger'
    }
    if (known === undefined || wasStranger) {
      return 'fresh'
    }
    this.safeDispatchEvent('change', { detail: { peer, joined: false, goodbye: true } })
    return 'news'
  }

  /** @param weakest - Gives way to the new one */
  #enter (claim: MemberClaim, known: Member | undefined, ageMs: number, weakest: PeerName | undefined): Verdict {
    const now = this.#init.clock.monotonicMs()
    const lastSignMs = Math.max(now - ageMs, known?.lastSignMs ?? -Infinity)
    if (now - lastSignMs >= this.#init.expiryMs * this.quietFactor) {
      return 'stale'
    }
    if (weakest !== undefined) {
      this.#giveUp(weakest)
    }
    const { peer, addresses, sequence, observing, ready, vouches = [], signed } = claim
    const member: Member = { peer, addresses, sequence, observing, ready, vouches, recordMs: now - ageMs, signed, lastSignMs, suspectedMs: undefined }
    this.#members.set(peer, member)
    this.#departed.delete(peer)
    this.#revision += sameVouches(known, member) ? 0 : 1
    return this.#isStranger(peer, known) ? this.#setAside(peer) : this.#admit(member, known)
  }

  #isStranger (peer: PeerName, known: Member | undefined): boolean {
    return (known === undefined || this.#strangers.has(peer)) && !this.#isVouchedFor(peer)
  }

  #setAside (peer: PeerName): Verdict {
    this.#strangers.add(peer)
    this.#forgetStrangers()
    return 'stranger'
  }

  /** Tells what the newest record of a member changes */
  #admit (member: Member, known: Member | undefined): Verdict {
    const { peer } = member
    const wasStranger = this.#strangers.delete(peer)
    if (member.ready || known?.ready === true) {
      this.safeDispatchEvent('ready', { detail: { peer } })
    }
    if (!wasStranger && saysTheSame(known, member)) {
      return this.#isWaitedFor(known, member) ? 'news' : 'fresh'
    }
    this.safeDispatchEvent('change', { detail: { peer, joined: true, goodbye: false } })
    return 'news'
  }

  /** A sign of life that is not a record: a verified update, an open connection */
  heard (peer: PeerName): void {
    const member = this.#members.get(peer)
    if (member !== undefined) {
      member.lastSignMs = this.#init.clock.monotonicMs()
      member.suspectedMs = undefined
    }
  }

  /** True when this is the first report that the member with this record is lost */
  suspect (peer: PeerName, sequence: number): boolean {
    const member = this.#members.get(peer)
    if (member === undefined || member.sequence > sequence || member.suspectedMs !== undefined) {
      return false
    }
    member.suspectedMs = this.#init.clock.monotonicMs()
    return true
  }

  /** Drops members whose time is over. Strangers are not remembered, see #leave */
  expire (): void {
    const now = this.#init.clock.monotonicMs()
    const { graceMs } = this.#init
    const expiryMs = this.#init.expiryMs * this.quietFactor
    for (const { peer, sequence, signed, lastSignMs, suspectedMs } of [...this.#members.values()]) {
      if (now - lastSignMs >= expiryMs || (suspectedMs !== undefined && now - suspectedMs >= graceMs)) {
        this.#members.delete(peer)
        this.#revision++
        if (!this.#strangers.delete(peer)) {
          this.#depart({ peer, sequence, signed })
          this.safeDispatchEvent('change', { detail: { peer, joined: false, goodbye: false } })
        }
      }
    }
    for (const [peer, { untilMs }] of this.#departed) {
      if (untilMs > now) {
        break
      }
      this.#departed.delete(peer)
    }
  }

  #depart ({ peer, sequence, signed }: Pick<Member, 'peer' | 'sequence' | 'signed'>): void {
    this.#departed.delete(peer)
    this.#departed.set(peer, { sequence, signed, untilMs: this.#init.clock.monotonicMs() + 2 * this.#init.expiryMs * this.quietFactor })
    if (this.#departed.size > MAX_DEPARTED) {
      const [oldest] = this.#departed.keys()
      this.#departed.delete(oldest!)
    }
  }
}
