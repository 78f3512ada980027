/**
 * How well scores put the examples of one class before the others: area under the ROC curve, and average precision
 *
 * Equal scores are one threshold. AUC is the share of pairs (one of the class, one not) in the right order, pairs of
 * equal scores counting half (Mann and Whitney 1947). Average precision is the sum over the thresholds of the precision
 * times the recall that each adds, without interpolation.
 */

/** Scores that are kept, of all classes together: 8 MiB. With more they are counted in bins */
export const EXACT_SCORES = 2_097_152

/** By the first 16 bits of a float32: neighbouring bins are at most 0.8 % apart */
const BINS = 65_536

/** Classes whose bins are kept at a time: 16 MiB */
export const MAX_BINNED_CLASSES = 32

export interface RankingFigures {
  /** 0.5 for scores that say nothing */
  auc: number
  averagePrecision: number
}

export interface Ranking {
  /** Throws RangeError for more examples than were announced */
  add: (score: number, isOfClass: boolean) => void
  /** Undefined without an example of the class, or with no other */
  figures: () => RankingFigures | undefined
}

/** Examples of one threshold */
interface Tied { positives: number, negatives: number }

/** From the highest score down */
function rank (groups: Iterable<Tied>, total: Tied): RankingFigures | undefined {
  if (total.positives === 0 || total.negatives === 0) {
    return undefined
  }
  const above: Tied = { positives: 0, negatives: 0 }
  let pairs = 0
  let averagePrecision = 0
  for (const { positives, negatives } of groups) {
    pairs += negatives * (above.positives + positives / 2)
    above.positives += positives
    above.negatives += negatives
    averagePrecision += positives / total.positives * above.positives / (above.positives + above.negatives)
  }
  return { auc: pairs / (total.positives * total.negatives), averagePrecision }
}

/** Every score is kept: those of the class from the front, the others from the back */
class ExactRanking implements Ranking {
  private readonly scores: Float32Array
  private readonly total: Tied = { positives: 0, negatives: 0 }

  constructor (examples: number) {
    this.scores = new Float32Array(examples)
  }

  add (score: number, isOfClass: boolean): void {
    const { total, scores } = this
    if (total.positives + total.negatives === scores.length) {
      throw new RangeError(`more than the ${scores.length} examples that were announced`)
    }
    scores[isOfClass ? total.positives++ : scores.length - ++total.negatives] = score
  }

  figures (): RankingFigures | undefined {
    const { scores, total } = this
    const positives = scores.subarray(0, total.positives).sort()
    const negatives = scores.subarray(scores.length - total.negatives).sort()
    return rank(tiesOf(positives, negatives), total)
  }
}

function * tiesOf (positives: Float32Array, negatives: Float32Array): Generator<Tied> {
  let p = positives.length
  let n = negatives.length
  while (p + n > 0) {
    const score = Math.max(p > 0 ? positives[p - 1]! : -Infinity, n > 0 ? negatives[n - 1]! : -Infinity)
    const before: Tied = { positives: p, negatives: n }
    while (p > 0 && positives[p - 1] === score) {
      p--
    }
    while (n > 0 && negatives[n - 1] === score) {
      n--
    }
    yield { positives: before.positives - p, negatives: before.negatives - n }
  }
}

/** Scores that share a bin count as equal: AUC is off by at most half of the pairs that share one */
class BinnedRanking implements Ranking {
  private readonly positives = new Uint32Array(BINS)
  private readonly negatives = new Uint32Array(BINS)
  private readonly total: Tied = { positives: 0, negatives: 0 }

  add (score: number, isOfClass: boolean): void {
    const bin = binOf(score)
    if (isOfClass) {
      this.positives[bin]!++
      this.total.positives++
    } else {
      this.negatives[bin]!++
      this.total.negatives++
    }
  }

  figures (): RankingFigures | undefined {
    return rank(this.groups(), this.total)
  }

  private * groups (): Generator<Tied> {
    for (let bin = BINS - 1; bin >= 0; bin--) {
      const group = { positives: this.positives[bin]!, negatives: this.negatives[bin]! }
      if (group.positives + group.negatives > 0) {
        yield group
      }
    }
  }
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Ascending with the score: the bits of a float are in order once those of a negative one are turned over */
function binOf (score: number): number {
  float[0] = score + 0 // -0 is 0
  const word = bits[0]!
  return ((word & 0x80000000) !== 0 ? ~word >>> 0 : (word | 0x80000000) >>> 0) >>> 16
}

/**
 * One ranking for each of `classes`, of up to `examples` scores each: exact as long as all of them are no more than
 * EXACT_SCORES, then by bins, and none for more than MAX_BINNED_CLASSES classes: memory is bounded
 *
 * @param exactScores - @default EXACT_SCORES
 */
export function createRankings (classes: number, examples: number, exactScores: number = EXACT_SCORES): Ranking[] {
  if (classes * examples <= exactScores) {
    return Array.from({ length: classes }, () => new ExactRanking(examples))
  }
  return classes <= MAX_BINNED_CLASSES ? Array.from({ length: classes }, () => new BinnedRanking()) : []
}
