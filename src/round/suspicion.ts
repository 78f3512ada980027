/**
 * Who looks like a liar: neighbours whose updates stand apart from the others', round after round
 *
 * Each round every update is judged by its distance from the own model and by its angle to what the other neighbours say,
 * as robust z-scores (median and median absolute deviation; Iglewicz and Hoaglin 1993). One odd update proves nothing where
 * data differ: suspicion is a moving average of being odd, which rises within a few rounds and decays by itself.
 * Suspects are named, and the worst of them held back for a while (quarantine.ts). An attack that stays within the honest
 * spread stays below this threshold, too: that is the rule's to bound.
 *
 * Under DP-SGD one round's distances are all noise. There the part of a neighbour's differences that persists over rounds is judged as
 * well (persistent-difference.ts).
 */
import { differenceProducts } from '../aggregators/kernels/difference-products.ts'
import { median } from '../aggregators/median.ts'
import { PersistentDifference } from './persistent-difference.ts'
import type { NeighbourReplica, PeerName } from '../interface.ts'

/** Robust standard deviations from the median */
const ODD = 3
/** Of a normal distribution, the median absolute deviation is this part of the standard deviation */
const NORMAL_MAD = 0.6745
/** The deviation is taken for at least this part of the median: models that all but agree have no odd one out */
const LEAST_SPREAD = 0.05
/** Fewer updates than this have no middle to stand apart from */
const LEAST_UPDATES = 4

/** Without the noise three have a middle: one liar does not choose it */
const LEAST_PERSISTENT = 3
/**
 * What persists is odd when its square is more than this many times the neighbours' median, twice as far, beyond what noise explains. Of honest
 * peers with different data the highest was 3.8 (docs/robustness.md)
 */
const ODD_SQUARE = 4
/** Rounds without an update after which differences are forgotten. Not at once, for a liar may stay out now and then */
const PATIENCE = 8
/** Standard deviations allowed to noise: a normal one is above in 3 of 100,000 cases */
const ODD_NOISE = 4

const GAIN = 0.25
/** Reached by four odd updates in a row, left by two usual ones */
export const SUSPECT = 0.6
/** Who is not seen for a while, because neighbours change or a link is down, is forgotten at this rate: half in 14 rounds */
const FADE = 0.95
const FORGOTTEN = 0.01

type Replicas = ReadonlyArray<Pick<NeighbourReplica, 'peer' | 'parameters'>>

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
export function oddities (own: Float32Array, replicas: Replicas): Oddity[] {
  const count = replicas.length
  if (count < LEAST_UPDATES) {
    return []
  }
  const products = differenceProducts(own, replicas.map(({ parameters }) => parameters))
  const lengths = replicas.map((_, j) => Math.sqrt(products[j * count + j]!))
  const rowSums = replicas.map((_, j) => products.subarray(j * count, (j + 1) * count).reduce((sum, product) => sum + product, 0))
  const total = rowSums.reduce((sum, value) => sum + value, 0)
  const cosines = replicas.map((_, j) => {
    const square = products[j * count + j]!
    const others = Math.sqrt(Math.max(0, total - 2 * rowSums[j]! + square))
    return lengths[j] === 0 || others === 0 ? 0 : (rowSums[j]! - square) / (lengths[j]! * others)
  })
  const far = robustScores(lengths, median(lengths))
  const against = robustScores(cosines, 1)
  return replicas.map(({ peer }, j) => ({ peer, distance: far[j]!, angle: against[j]! }))
}

/** An estimate of a neighbour's persistent difference: `PersistentDifference.estimate` */
export interface Persistent {
  peer: PeerName
  square: number
  deviation: number
}

/**
 * Who persists in standing apart, however much noise hides it in one round: none of fewer than three
 *
 * Among peers that differ in noise alone, each is named with probability 3e-5 in a round (d large). Differences of their data are
 * in the median
 */
export function persistentlyOdd (estimates: readonly Persistent[]): PeerName[] {
  if (estimates.length < LEAST_PERSISTENT) {
    return []
  }
  const usual = Math.max(0, median(estimates.map(({ square }) => square)))
  return estimates.filter(({ square, deviation }) => square > ODD_SQUARE * usual + ODD_NOISE * deviation).map(({ peer }) => peer)
}

export interface SuspicionInit {
  /**
   * Every peer adds noise of its own to what it sends
   *
   * @default false
   */
  noisy?: boolean
}

export class Suspicion {
  private readonly noisy: boolean
  private readonly levels = new Map<PeerName, number>()
  private readonly memories = new Map<PeerName, { difference: PersistentDifference, absent: number }>()

  constructor ({ noisy = false }: SuspicionInit = {}) {
    this.noisy = noisy
  }

  /** Takes in one round: the replicas, and who was refused or left out by judgement */
  observe (own: Float32Array, replicas: Replicas, refused: ReadonlySet<PeerName>): void {
    const odd = new Set(oddities(own, replicas).filter(({ distance, angle }) => distance > ODD || angle < -ODD).map(({ peer }) => peer))
    this.persistent(own, replicas).forEach((peer) => odd.add(peer))
    refused.forEach((peer) => odd.add(peer))
    const seen = new Set([...replicas.map(({ peer }) => peer), ...refused])
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

  /** Remembers the round's differences, and judges them with those before */
  private persistent (own: Float32Array, replicas: Replicas): PeerName[] {
    if (!this.noisy) {
      return []
    }
    for (const [peer, memory] of this.memories) {
      if (++memory.absent > PATIENCE) {
        this.memories.delete(peer)
      }
    }
    return persistentlyOdd(replicas.flatMap(({ peer, parameters }) => {
      const { difference } = this.memories.get(peer) ?? { difference: new PersistentDifference() }
      this.memories.set(peer, { difference, absent: 0 })
      difference.add(own, parameters)
      const estimate = difference.estimate()
      return estimate === undefined ? [] : [{ peer, ...estimate }]
    }))
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
