/**
 * Who looks like a liar: neighbours whose updates stand apart from the others', round after round
 *
 * Each round every update is judged by its distance from the own model and by its angle to what the other neighbours
 * say, as robust z-scores (median and median absolute deviation; Iglewicz and Hoaglin 1993). One odd update proves
 * nothing where data differ: suspicion is a moving average of being odd, which rises within a few rounds and decays by
 * itself. Suspects are named, and the worst of them held back for a while (quarantine.ts). An attack that stays within
 * the honest spread stays below this threshold, too: that is the rule's to bound.
 *
 * Under DP-SGD all distances of one round are noise, a liar's among them. There it is judged as well how much of the
 * own model a neighbour's holds (agreement.ts).
 */
import { median } from '../aggregators/median.ts'
import type { PeerName } from '../interface.ts'
import type { RoundPositions } from './round-positions.ts'

/** Robust standard deviations from the median */
const ODD = 3
/** Of a normal distribution, the median absolute deviation is this part of the standard deviation */
export const NORMAL_MAD = 0.6745
/** The deviation is taken for at least this part of the median: models that all but agree have no odd one out */
export const LEAST_SPREAD = 0.05
/** Fewer updates than this have no middle to stand apart from */
export const LEAST_UPDATES = 4

const GAIN = 0.25
/** Reached by four odd updates in a row, left by two usual ones */
export const SUSPECT = 0.6
/**
 * Who is not seen for a while, because neighbours change or a link is down, is forgotten at this rate: half in 14
 * rounds
 */
const FADE = 0.95
const FORGOTTEN = 0.01

export interface Oddity {
  peer: PeerName
  /** Robust z-score of the distance from the own model: far is positive */
  distance: number
  /** Robust z-score of the cosine between its difference and the sum of the others': against them is negative */
  angle: number
}

function robustScores (values: readonly number[], scale: number): number[] {
  const middle = median(values)
  const spread = Math.max(median(values.map((value) => Math.abs(value - middle))), LEAST_SPREAD * scale)
  return values.map((value) => spread === 0 ? 0 : NORMAL_MAD * (value - middle) / spread)
}

/** Scores of each replica among the others; empty when there are too few */
export function oddities ({ products, count, peers }: RoundPositions): Oddity[] {
  if (peers.length < LEAST_UPDATES) {
    return []
  }
  const rows = peers.map((_, j) => products.subarray((j + 1) * count + 1, (j + 1) * count + 1 + peers.length))
  const lengths = rows.map((row, j) => Math.sqrt(row[j]!))
  const rowSums = rows.map((row) => row.reduce((sum, product) => sum + product, 0))
  const total = rowSums.reduce((sum, value) => sum + value, 0)
  const cosines = rows.map((row, j) => {
    const square = row[j]!
    const others = Math.sqrt(Math.max(0, total - 2 * rowSums[j]! + square))
    return lengths[j] === 0 || others === 0 ? 0 : (rowSums[j]! - square) / (lengths[j]! * others)
  })
  const far = robustScores(lengths, median(lengths))
  const against = robustScores(cosines, 1)
  return peers.map((peer, j) => ({ peer, distance: far[j]!, angle: against[j]! }))
}

export class Suspicion {
  private readonly levels = new Map<PeerName, number>()

  /**
   * Takes in one round: the models, who was refused or left out by judgement, and who speaks against the own model
   * (agreement.ts), where all peers add noise of their own to what they send
   */
  observe (positions: RoundPositions, refused: ReadonlySet<PeerName>, contrary: readonly PeerName[] = []): void {
    const odd = new Set(oddities(positions).filter(({ distance, angle }) => distance > ODD || angle < -ODD).map(({ peer }) => peer))
    contrary.forEach((peer) => odd.add(peer))
    refused.forEach((peer) => odd.add(peer))
    const seen = new Set([...positions.peers, ...refused])
    for (const peer of seen) {
      const level = this.level(peer)
      this.levels.set(peer, level + GAIN * ((odd.has(peer) ? 1 : 0) - level))
    }
    for (const [peer, level] of this.levels) {
      if (!seen.has(peer)) {
        this.levels.set(peer, level * FADE)
      }
      if (level < FORGOTTEN) {
        this.levels.delete(peer)
      }
    }
  }

  /** From 0 to 1 */
  level (peer: PeerName): number {
    return this.levels.get(peer) ?? 0
  }

  /** Takes up levels of an earlier run */
  restore (levels: Readonly<Record<PeerName, number>>): void {
    for (const [peer, level] of Object.entries(levels)) {
      this.levels.set(peer, level)
    }
  }

  /** Those above the threshold, ascending, with their level from 0 to 1 */
  suspects (): Record<PeerName, number> {
    return Object.fromEntries([...this.levels].filter(([, level]) => level >= SUSPECT).sort(([a], [b]) => a < b ? -1 : 1))
  }
}
