/**
 * Who counts as a member: those for whom enough members vouch that hold a connection with them
 *
 * Ids are free, and whoever makes a thousand of them can sign a thousand records. So a record alone counts for nothing:
 * each member lists in its own record with whom it holds a connection, which Noise has proved, and the lists of all
 * records make one directed graph that everybody sees alike.
 *
 * 1. Reached are the members with which this node holds a connection, and all whom no two others cut off from those: to
 *    whom three chains of vouchers without a common member lead. With two or three connections, whom no one other cuts
 *    off; who has a single connection has no choice but to take its word.
 * 2. Of the reached, those count for whom three of the reached vouch. Where most have fewer, as in a mesh of two or
 *    around one hub that everybody dials, there is nothing better to be had, and all of the reached count; and so do
 *    those with whom a bootstrap peer is connected, whom the operator named: a site of two behind one hub would lose
 *    the other spokes.
 *
 * Made-up members that vouch for each other have no chain but through those who made them: fewer than three of those,
 * with real connections, bring in nobody (docs/threat-model.md). The second step does not ask who is asked: who is
 * connected with one member only counts for nobody, that one included, so that all draw one graph.
 *
 * Pure: no clock, no I/O.
 */
import { createHash } from 'node:crypto'
import { notCutOff } from '../../topology/disjoint-paths.ts'
import type { PeerName } from '../../interface.ts'

/** Vouchers that make a member count, where so many can be had */
export const VOUCHERS = 3

/** For so many members one member can vouch: more than the graph asks for, and enough for a hub that others dial */
export const MAX_VOUCHES = 100

/** A second name with the same mark costs 2^80 keys */
const MARK_BYTES = 10

const MARK_DOMAIN = 'grapevine/voucher/2\n'

/** Ten bytes that stand for a member in the lists of others, as a string of as many characters */
export type Mark = string

export function markOf (peer: PeerName): Mark {
  return createHash('sha256').update(MARK_DOMAIN).update(peer).digest().subarray(0, MARK_BYTES).toString('latin1')
}

/** The wire form of a list: all marks in a row, `maxBytes` at most */
export function encodeMarks (marks: readonly Mark[], maxBytes: number): Uint8Array<ArrayBuffer> {
  const room = Math.max(0, Math.min(MAX_VOUCHES, Math.floor(maxBytes / MARK_BYTES)))
  return new Uint8Array(Buffer.from(marks.slice(0, room).join(''), 'latin1'))
}

/** Throws RangeError when the bytes are no list of marks, or too long a one */
export function decodeMarks (bytes: Uint8Array): Mark[] {
  if (bytes.byteLength % MARK_BYTES !== 0 || bytes.byteLength > MAX_VOUCHES * MARK_BYTES) {
    throw new RangeError(`a list of vouchers has up to ${MAX_VOUCHES} marks of ${MARK_BYTES} bytes, not ${bytes.byteLength} bytes`)
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const marks = Array.from({ length: text.length / MARK_BYTES }, (_, index) => text.slice(index * MARK_BYTES, (index + 1) * MARK_BYTES))
  return [...new Set(marks)]
}

export interface VouchersSeen {
  self: PeerName
  /** For whom this node vouches itself: members with which it holds a connection */
  own: ReadonlySet<PeerName>
  /** For whom a member vouches, of those that are known */
  vouchees: (member: PeerName) => Iterable<PeerName>
  /** Whether the word of a single connection is taken for this member. @default for all */
  isBelieved?: (member: PeerName) => boolean
  /**
   * Whom the operator named as bootstrap peers: with whom these hold a connection is taken from them. @default nobody
   */
  anchors?: ReadonlySet<PeerName>
}

export interface Count {
  /** Without this node, which always counts for itself */
  counted: Set<PeerName>
  /** Others for whom one of the reached vouches: worth a connection, to find out more */
  candidates: Set<PeerName>
  /** Those of all these, and of this node, for whom enough vouch */
  full: Set<PeerName>
  /**
   * Most have enough vouchers, and this node has not: it counts for nobody but those that it is connected with, if for
   * them
   */
  isLeftOut: boolean
}

/** Chains without a common member that must lead to somebody: half of the own connections cannot make up anybody */
function chains (connections: number): number {
  return Math.min(VOUCHERS, Math.floor(connections / 2) + 1)
}

function reached ({ self, own, vouchees, isBelieved = () => true }: VouchersSeen): Set<PeerName> {
  if (own.size < 2) {
    // the word of the only connection, and not of those for whom it vouches
    return new Set([self, ...own, ...vouchedBy(own, vouchees).filter(isBelieved)])
  }
  const names = [...own]
  const indices = new Map(names.map((name, index) => [name, index]))
  const next: number[][] = []
  for (let node = 0; node < names.length; node++) {
    const successors = new Set<number>()
    for (const peer of vouchees(names[node]!)) {
      const index = indices.get(peer) ?? names.length
      if (index === names.length && peer !== self) {
        names.push(peer)
        indices.set(peer, index)
      }
      if (peer !== self && index !== node) {
        successors.add(index)
      }
    }
    next.push([...successors])
  }
  const isReached = notCutOff(next, Array.from({ length: own.size }, (_, index) => index), chains(own.size))
  return new Set([self, ...names.filter((_, index) => isReached[index] === 1)])
}

function vouchedBy (members: Iterable<PeerName>, vouchees: VouchersSeen['vouchees']): PeerName[] {
  return [...members].flatMap((member) => [...vouchees(member)])
}

/** How many of the reached vouch for each, this node included */
function supportOf ({ self, own, vouchees }: VouchersSeen, present: ReadonlySet<PeerName>): Map<PeerName, number> {
  const support = new Map<PeerName, number>([...own].map((peer) => [peer, 1]))
  for (const voucher of present) {
    for (const peer of voucher === self ? [] : vouchees(voucher)) {
      support.set(peer, (support.get(peer) ?? 0) + (peer === voucher ? 0 : 1))
    }
  }
  return support
}

/** Who counts. See the file's comment */
export function countMembers (seen: VouchersSeen): Count {
  const { self, own, vouchees, anchors = new Set() } = seen
  const present = reached(seen)
  const support = supportOf(seen, present)
  const full = new Set([...present].filter((peer) => (support.get(peer) ?? 0) >= VOUCHERS))
  const isUsual = 2 * full.size > present.size
  const counted = new Set(isUsual ? full : [...present, ...vouchedBy([...own].filter((peer) => anchors.has(peer)), vouchees)])
  counted.delete(self)
  const candidates = new Set([...support.keys()].filter((peer) => peer !== self && !counted.has(peer)))
  return { counted, candidates, full, isLeftOut: isUsual && !full.has(self) }
}
