/**
 * The roll of a federation: all records that are known, for whom this node vouches, and who counts by all that
 */
import { parseAddress, peerOf } from '../host/address.ts'
import { CountedMembers } from './counted-members.ts'
import { Membership } from './membership.ts'
import { OwnVouches } from './own-vouches.ts'
import { VOUCHERS } from './vouching.ts'
import type { Clock, PeerName } from '../../interface.ts'
import type { Member } from './membership.ts'

/** Counting takes no more than about one part in so many of the time, whatever records arrive */
const COUNT_PAUSE = 10

/** ... but a process that stood still in the middle, for as long as it may be, goes on after this */
const MAX_COUNT_PAUSE_MS = 2_000

export interface RollInit {
  self: PeerName
  clock: Pick<Clock, 'monotonicMs'>
  connected: ReadonlySet<PeerName>
  /** Addresses of peers that the operator named: their word is taken, see vouching.ts. @default none */
  bootstrap?: readonly string[]
  /** See MembershipInit */
  isWelcome?: ((peer: PeerName) => boolean) | undefined
  expiryMs: number
  /** A member whose connection broke, or that too few vouch for by now, keeps its place for so long */
  graceMs: number
}

export class Roll {
  readonly #init: RollInit
  readonly #own: OwnVouches
  readonly members: Membership
  readonly counted: CountedMembers
  #nextMs = -Infinity
  #wasLeftOut = false

  /** Throws InvalidAddressError */
  constructor (init: RollInit) {
    this.#init = init
    const { self, clock, connected, bootstrap = [], isWelcome = () => true, expiryMs, graceMs } = init
    const anchors = new Set(bootstrap.flatMap((address) => peerOf(parseAddress(address)) ?? []))
    const isConnected = (peer: PeerName): boolean => connected.has(peer)
    this.counted = new CountedMembers({ self, membership: () => this.members, isConnected, anchors, graceMs })
    this.members = new Membership({
      self,
      clock,
      expiryMs,
      graceMs,
      isWelcome,
      isVouchedFor: (peer) => this.counted.isVouchedFor(peer),
      counts: (peer) => this.isPresent(peer),
      isWaitedFor: (mark) => this.counted.isMarkOfShort(mark)
    })
    this.#own = new OwnVouches({ isKnown: (peer) => this.members.get(peer) !== undefined, counts: (peer) => this.counted.has(peer), lingerMs: graceMs })
  }

  /** For whom this node vouches */
  get vouches (): ReadonlySet<PeerName> {
    return this.#own.peers
  }

  /** See Neighbourhood */
  get isLeftOut (): boolean {
    return this.counted.isLeftOut(this.#init.clock.monotonicMs())
  }

  /** Counts, or is connected with this node: not missed, and its record says where it is found again */
  isPresent (peer: PeerName): boolean {
    return this.#init.connected.has(peer) || this.counted.has(peer)
  }

  /**
   * Looks who counts by what is known now. To be called a few times a second
   *
   * @returns Whether these are others than before, those for whom somebody vouches only since then (others may want to
   * know), and what to tell the operator
   */
  count (): { isAnother: boolean, found: Member[], warning?: string | undefined } {
    const { clock, connected } = this.#init
    const now = clock.monotonicMs()
    this.#own.update(connected, now)
    const warning = this.#leftOutWarning()
    if (now < this.#nextMs) {
      return { isAnother: false, found: [], warning }
    }
    const isAnother = this.counted.update(this.#own.peers, now)
    const found = this.members.review()
    this.members.disown()
    const doneMs = clock.monotonicMs()
    this.#nextMs = doneMs + Math.min(MAX_COUNT_PAUSE_MS, COUNT_PAUSE * (doneMs - now))
    return { isAnother, found, warning }
  }

  #leftOutWarning (): string | undefined {
    const { isLeftOut } = this
    const isNews = isLeftOut && !this.#wasLeftOut
    this.#wasLeftOut = isLeftOut
    return isNews
      ? `only ${this.#own.peers.size} members hold a connection with this peer and most have ${VOUCHERS} or more, so that the others do not count it or mix its updates: ` +
        'nothing is paid for until it is connected with more. Give it an address that others reach (--listen, --announce), or addresses of more members (--bootstrap)'
      : undefined
  }
}
