/**
 * Who gets a connection when there are not enough for all
 *
 * Neighbours come first, then members; strangers share a part, and no range of addresses has more than half of that.
 * A door that is full is never simply shut: what is least use makes room, so that a newcomer and a member that returns
 * always get in. Of connections that shake hands that is the one that said least, of the others the oldest of the
 * range that has most.
 */
import { rangeOf } from './address-range.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { AddressRange } from './address-range.ts'
import type { ConnectionLimits } from './open-files.ts'
import type { Rank } from './peer-ranks.ts'

/** A stranger is let in for this long at least: time to say who it is */
const GRACE_MS = 1_000
/** Inbound connections of one peer: the old one of a link that broke, and some more */
const MAX_PER_PEER = 4
const MIN_PER_RANGE = 2

export interface DoorsInit {
  limits: ConnectionLimits
  rankOf: (peer: PeerName) => Rank
  /** Bytes that came in over a connection */
  receivedOn: (connection: MultiaddrConnection) => number
  monotonicMs: () => number
}

interface Guest {
  connection: MultiaddrConnection
  range: AddressRange
  sinceMs: number
  inbound: boolean
  /** Undefined while it shakes hands */
  peer: PeerName | undefined
}

type KnownGuest = Guest & { peer: PeerName }

function isKnown (guest: Guest): guest is KnownGuest {
  return guest.peer !== undefined
}

/**
 * A handshake that is under way has said something. Of those that said nothing the oldest, which a flood of silent
 * sockets has first
 */
function quietest (guests: readonly Guest[], receivedOn: DoorsInit['receivedOn']): Guest | undefined {
  let least: Guest | undefined
  let leastBytes = Infinity
  for (const guest of guests) {
    const bytes = receivedOn(guest.connection)
    if (bytes < leastBytes) {
      least = guest
      leastBytes = bytes
    }
    if (bytes === 0) {
      break
    }
  }
  return least
}

export class Doors {
  private readonly init: DoorsInit
  /** The oldest first */
  private readonly guests = new Map<MultiaddrConnection, Guest>()
  /** Those of them that shake hands, the oldest first: looked at for every socket that anybody opens */
  private readonly pending = new Set<Guest>()

  constructor (init: DoorsInit) {
    this.init = init
  }

  /** Connections that are open or being opened */
  get size (): number {
    return this.guests.size
  }

  /** An inbound connection of nobody knows whom. False when it must be refused */
  arrive (connection: MultiaddrConnection): boolean {
    const { limits, receivedOn } = this.init
    const { range } = this.note(connection, true)
    const others = [...this.pending].slice(0, -1)
    const alike = range.isLocal ? [] : others.filter((other) => other.range.key === range.key)
    if (!range.isLocal && alike.length >= this.perRange(limits.pending)) {
      this.dismiss(quietest(alike, receivedOn))
    } else if (others.length >= limits.pending) {
      this.dismiss(quietest(this.mostCrowded(others), receivedOn))
    }
    return true
  }

  /** The other end of an inbound connection proved who it is. False when it must be refused */
  enter (peer: PeerName, connection: MultiaddrConnection): boolean {
    const guest = this.guests.get(connection) ?? this.note(connection, true)
    const isStranger = this.init.rankOf(peer) === 'stranger'
    const own = this.known().filter((other) => other.inbound && other.peer === peer)
    if (own.length >= MAX_PER_PEER) {
      this.dismiss(own[0])
    } else if (isStranger && !this.admitsStranger(guest)) {
      return false
    }
    if (this.known().length >= this.init.limits.connections && !this.makeRoom(isStranger)) {
      return false
    }
    // the oldest first, by when it became known
    this.forget(guest)
    this.guests.set(connection, { ...guest, peer, sinceMs: this.init.monotonicMs() })
    return true
  }

  /** This node made a connection: never refused, but counted */
  dialled (peer: PeerName, connection: MultiaddrConnection): void {
    const guest = this.note(connection, false)
    guest.peer = peer
    this.pending.delete(guest)
    if (this.known().length > this.init.limits.connections) {
      this.makeRoom(false)
    }
  }

  private note (connection: MultiaddrConnection, inbound: boolean): Guest {
    const sinceMs = this.init.monotonicMs()
    const guest: Guest = { connection, range: rangeOf(connection.remoteAddr), sinceMs, inbound, peer: undefined }
    this.guests.set(connection, guest)
    this.pending.add(guest)
    connection.addEventListener('close', () => { this.forget(guest) }, { once: true })
    return guest
  }

  private forget (guest: Guest): void {
    this.guests.delete(guest.connection)
    this.pending.delete(guest)
  }

  private known (): KnownGuest[] {
    return [...this.guests.values()].filter(isKnown)
  }

  private strangers (): KnownGuest[] {
    return this.known().filter(({ inbound, peer }) => inbound && this.init.rankOf(peer) === 'stranger')
  }

  private admitsStranger ({ range }: Guest): boolean {
    const { limits } = this.init
    const strangers = this.strangers()
    const alike = strangers.filter((other) => other.range.key === range.key)
    if (!range.isLocal && alike.length >= this.perRange(limits.strangers)) {
      return this.dismiss(this.oldest(alike))
    }
    return strangers.length < limits.strangers || this.dismiss(this.oldest(this.mostCrowded(strangers)))
  }

  /** Strangers go before members, and neighbours stay */
  private makeRoom (forStranger: boolean): boolean {
    const strangers = this.strangers()
    if (strangers.length > 0) {
      return this.dismiss(forStranger ? this.oldest(this.mostCrowded(strangers)) : this.mostCrowded(strangers)[0])
    }
    const members = this.known().filter(({ inbound, peer }) => inbound && this.init.rankOf(peer) === 'member')
    return !forStranger && this.dismiss(this.mostCrowded(members)[0])
  }

  private perRange (limit: number): number {
    return Math.max(MIN_PER_RANGE, Math.floor(limit / 2))
  }

  private mostCrowded<G extends Guest> (guests: readonly G[]): G[] {
    const ranges = new Map<string, G[]>()
    for (const guest of guests) {
      const alike = ranges.get(guest.range.key) ?? []
      alike.push(guest)
      ranges.set(guest.range.key, alike)
    }
    return [...ranges.values()].reduce((most, alike) => alike.length > most.length ? alike : most, [])
  }

  /** Past its time of grace */
  private oldest (guests: readonly Guest[]): Guest | undefined {
    const [oldest] = guests
    return oldest !== undefined && this.init.monotonicMs() - oldest.sinceMs >= GRACE_MS ? oldest : undefined
  }

  /** False when there is nobody to send away */
  private dismiss (guest: Guest | undefined): boolean {
    if (guest === undefined) {
      return false
    }
    this.forget(guest)
    guest.connection.abort(new RangeError('others need the place'))
    return true
  }
}
