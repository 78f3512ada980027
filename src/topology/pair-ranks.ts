/**
 * In which order pairs of members are considered for the graph of neighbours: numbers that all holders of the same
 * member list compute alike and nobody chooses
 */
import { createHash } from 'node:crypto'
import type { PeerName } from '../interface.ts'

/**
 * A graph that changes from round to round: each pair gets a new rank once in `period` rounds, every pair in a round of
 * its own, so that about one pair in `period` is drawn anew each round and the rest of the graph stays
 */
export interface Rotation {
  /** From 0 */
  round: number
  /** Rounds for which a pair keeps its rank, at least 1 */
  period: number
}

const WORDS = 4

/** The finaliser of MurmurHash3 */
function mix (z: number): number {
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return z ^ (z >>> 16)
}

export class PairRanks {
  /** Words of sha-256(seed, peer) for each member */
  private readonly marks: Int32Array
  private readonly rotation: Rotation | undefined

  /** @param members - Ascending; ranks go by the index in this list */
  constructor (members: readonly PeerName[], seed: string, rotation: Rotation | undefined) {
    this.marks = new Int32Array(members.length * WORDS)
    this.rotation = rotation
    for (const [index, member] of members.entries()) {
      const digest = createHash('sha256').update(seed).update('\0').update(member).digest()
      for (let word = 0; word < WORDS; word++) {
        this.marks[index * WORDS + word] = digest.readInt32LE(word * WORDS)
      }
    }
  }

  /** A number of one member, uniform over 32 bits, the same in every round */
  mark (member: number): number {
    return this.marks[member * WORDS]!
  }

  /** A symmetric function of two members, uniform in [0, 1) with 53 bits */
  of (a: number, b: number): number {
    const { marks } = this
    const i = a * WORDS
    const j = b * WORDS
    const first = mix((marks[i]! ^ marks[j]!) + Math.imul(marks[i + 1]! + marks[j + 1]!, 0x9e3779b1))
    const high = this.rotation === undefined ? first : this.turned(first, this.rotation)
    const low = mix((marks[i + 2]! ^ marks[j + 2]!) + Math.imul(marks[i + 3]! + marks[j + 3]!, 0x27d4eb2f) + high)
    return ((high >>> 0) * 0x200000 + (low >>> 11)) / 0x20000000000000
  }

  /**
   * Of all pairs with `node` first and one of the later members second, those that may rank below `bound`, and every
   * one that does
   *
   * Half the work of `of`: a large mesh has millions of pairs, of which one in a hundred matters
   */
  below (node: number, bound: number): number[] {
    const { marks, rotation } = this
    const limit = Math.min(0xffffffff, Math.ceil(bound * 0x100000000))
    const others: number[] = []
    const x = marks[node * WORDS]!
    const y = marks[node * WORDS + 1]!
    for (let j = (node + 1) * WORDS; j < marks.length; j += WORDS) {
      const first = mix((x ^ marks[j]!) + Math.imul(y + marks[j + 1]!, 0x9e3779b1))
      if (((rotation === undefined ? first : this.turned(first, rotation)) >>> 0) <= limit) {
        others.push(j / WORDS)
      }
    }
    return others
  }

  private turned (first: number, rotation: Rotation): number {
    return mix(first + Math.imul(this.draws(first, rotation), 0x9e3779b1))
  }

  /** How often a pair was drawn anew up to this round; its first hash says in which rounds that is */
  private draws (hash: number, { round, period }: Rotation): number {
    return Math.floor((round + (hash >>> 0) % period) / period)
  }
}
