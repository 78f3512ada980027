/**
 * Which of the known members count, kept up with the records that come and go
 */
import { countMembers, markOf } from './vouching.ts'
import type { PeerName } from '../../interface.ts'
import type { Member, Membership } from './membership.ts'
import type { Mark } from './vouching.ts'

/**
 * Who has one connection takes its word, but not for so long after the others broke off: that would let in whom these
 * kept out
 */
const LONE_WORD_MS = 300_000

/**
 * Whom only the word of a single connection let in keeps its place for so long once there are more, and none of them
 * knows it
 */
const LONE_WORD_GRACE_MS = 5_000

export interface CountedMembersInit {
  self: PeerName
  membership: () => Pick<Membership, 'get' | 'records' | 'revision'>
  isConnected: (peer: PeerName) => boolean
  /** See vouching.ts */
  anchors: ReadonlySet<PeerName>
  /**
   * Who counted and is vouched for by too few keeps its place for so long: a mesh in the making, and a member whose
   * connections are just being made anew, are short of vouchers for a moment
   */
  graceMs: number
}

export class CountedMembers {
  readonly #init: CountedMembersInit
  readonly #marks = new Map<PeerName, Mark>()
  /** For whom the members that count, and those that this node is connected with, vouch */
  readonly #vouchedFor = new Set<Mark>()
  #counted: ReadonlySet<PeerName> = new Set()
  #candidates: ReadonlySet<PeerName> = new Set()
  #full: ReadonlySet<PeerName> = new Set()
  #own: ReadonlySet<PeerName> = new Set()
  readonly #shortMarks = new Set<Mark>()
  #revision = -1
  /** Those that count by grace only, with the monotonic time at which it ends */
  readonly #short = new Map<PeerName, number>()
  /** When this node last had two connections or more */
  #pluralMs = -Infinity
  /** When the word of a single connection is taken again */
  #weighAgainMs = Infinity
  /** Since when too few vouch for this node, where most have enough */
  #leftOutMs = Infinity
  /** Of those that count, whom the word of a single connection let in */
  readonly #byLoneWord = new Set<PeerName>()

  constructor (init: CountedMembersInit) {
    this.#init = init
  }

  has (peer: PeerName): boolean {
    return this.#counted.has(peer)
  }

  /**
   * Too few vouch for this node, and have for longer than a member may be short of vouchers: nobody mixes its updates
   */
  isLeftOut (nowMs: number): boolean {
    return nowMs - this.#leftOutMs >= this.#init.graceMs
  }

  /** Known and vouched for, but not by enough: ascending */
  get candidates (): PeerName[] {
    return [...this.#candidates].sort()
  }

  /** Names of all that count, this node included, ascending */
  names (): PeerName[] {
    return [...this.#counted, this.#init.self].sort()
  }

  /** Those who publish updates, this node included whether it does or not, ascending */
  contributors (): PeerName[] {
    return this.names().filter((peer) => this.#init.membership().get(peer)?.observing !== true)
  }

  /** The other members, ascending */
  observers (): PeerName[] {
    return this.names().filter((peer) => this.#init.membership().get(peer)?.observing === true)
  }

  /**
   * Which end of a connection that is to be dials it: the one that is short of vouchers, which the other may not count
   * yet; else the smaller id
   */
  dialsFirst (peer: PeerName): boolean {
    const { self } = this.#init
    const isFull = this.#full.has(self)
    return isFull === this.#full.has(peer) ? self < peer : !isFull
  }

  /** Another voucher may change whether this member counts */
  isShort (peer: PeerName): boolean {
    return !this.#full.has(peer)
  }

  /** The same by its mark, as far as the peer is known */
  isMarkOfShort (mark: Mark): boolean {
    return this.#shortMarks.has(mark)
  }

  /** A record of this peer is worth keeping and telling others */
  isVouchedFor (peer: PeerName): boolean {
    return this.#counted.has(peer) || this.#own.has(peer) || this.#init.isConnected(peer) || this.#vouchedFor.has(this.#markOf(peer))
  }

  /**
   * Counts again if anything changed
   *
   * @param own - For whom this node vouches
   * @param nowMs - Monotonic
   * @returns True when somebody else counts, or is worth a connection, than before
   */
  update (own: ReadonlySet<PeerName>, nowMs: number): boolean {
    const membership = this.#init.membership()
    this.#pluralMs = this.#own.size > 1 ? nowMs : this.#pluralMs
    const isOver = [...this.#short.values(), this.#weighAgainMs].some((untilMs) => untilMs <= nowMs)
    if (own === this.#own && membership.revision === this.#revision && !isOver) {
      return false
    }
    this.#own = own
    this.#revision = membership.revision
    const known = [...membership.records()]
    const byMark = new Map([...known.map(({ peer }) => peer), this.#init.self].map((peer) => [this.#markOf(peer), peer]))
    this.#forgetMarks(known)
    const vouchees = (voucher: PeerName): PeerName[] => membership.get(voucher)?.vouches.flatMap((mark) => byMark.get(mark) ?? []) ?? []
    const ownKnown = new Set([...own].filter((peer) => membership.get(peer) !== undefined))
    const isLoneWordTaken = nowMs - this.#pluralMs >= LONE_WORD_MS
    this.#weighAgainMs = ownKnown.size > 1 || isLoneWordTaken ? Infinity : this.#pluralMs + LONE_WORD_MS
    const isBelieved = (peer: PeerName): boolean => isLoneWordTaken || this.#counted.has(peer)
    const { counted, candidates, full, isLeftOut } = countMembers({ self: this.#init.self, own: ownKnown, vouchees, isBelieved, anchors: this.#init.anchors })
    this.#leftOutMs = isLeftOut ? Math.min(this.#leftOutMs, nowMs) : Infinity
    this.#noteLoneWord(counted, ownKnown)
    this.#bearWith(counted, nowMs)
    this.#short.forEach((_, peer) => candidates.delete(peer))
    const isAnother = !sameMembers(counted, this.#counted) || !sameMembers(candidates, this.#candidates)
    this.#counted = counted
    this.#candidates = candidates
    this.#full = full
    this.#vouchedFor.clear()
    this.#shortMarks.clear()
    known.filter(({ peer }) => !full.has(peer)).forEach(({ peer }) => this.#shortMarks.add(this.#markOf(peer)))
    for (const peer of new Set([...counted, ...ownKnown])) {
      membership.get(peer)?.vouches.forEach((mark) => this.#vouchedFor.add(mark))
    }
    return isAnother
  }

  #noteLoneWord (counted: ReadonlySet<PeerName>, own: ReadonlySet<PeerName>): void {
    for (const peer of counted) {
      if (own.size > 1) {
        this.#byLoneWord.delete(peer)
      } else if (!own.has(peer) && !this.#counted.has(peer)) {
        this.#byLoneWord.add(peer)
      }
    }
  }

  /** Adds those that counted until a moment ago and whose records are still there */
  #bearWith (counted: Set<PeerName>, nowMs: number): void {
    const short = [...this.#counted].filter((peer) => !counted.has(peer) && this.#init.membership().get(peer) !== undefined)
    const graceMs = (peer: PeerName): number => this.#byLoneWord.has(peer) ? Math.min(LONE_WORD_GRACE_MS, this.#init.graceMs) : this.#init.graceMs
    const until = new Map(short.map((peer) => [peer, this.#short.get(peer) ?? nowMs + graceMs(peer)]))
    this.#short.clear()
    for (const [peer, untilMs] of until) {
      if (untilMs > nowMs) {
        this.#short.set(peer, untilMs)
        counted.add(peer)
      }
    }
    this.#byLoneWord.forEach((peer) => counted.has(peer) || this.#byLoneWord.delete(peer))
  }

  #markOf (peer: PeerName): Mark {
    const mark = this.#marks.get(peer) ?? markOf(peer)
    this.#marks.set(peer, mark)
    return mark
  }

  /** Marks of peers that are known: the others are computed again when they come back */
  #forgetMarks (known: readonly Member[]): void {
    if (this.#marks.size > 2 * known.length) {
      const kept = known.map(({ peer }) => [peer, this.#markOf(peer)] as const)
      this.#marks.clear()
      kept.forEach(([peer, mark]) => this.#marks.set(peer, mark))
    }
  }
}

function sameMembers (a: ReadonlySet<PeerName>, b: ReadonlySet<PeerName>): boolean {
  return a.size === b.size && [...a].every((peer) => b.has(peer))
}
