/**
 * Figures of a model of classes, from one prediction after the other: memory is bounded by classes, and by ranking.ts
 */
import { Calibration } from './calibration.ts'
import { createRankings } from './ranking.ts'
import type { Ranking } from './ranking.ts'
import type { ClassFigures, FiguresOfClass } from '../trainer-interface.ts'

/** Classes of which every pair of right and wrong is counted: 4,096 numbers */
export const MAX_CONFUSION_CLASSES = 64

export interface ClassTallyInit {
  /** Names of the classes */
  labels: readonly string[]
  /** Test examples, at most */
  examples: number
  /** Figures of each class, and those that need the probabilities. @default false */
  detailed?: boolean
}

export class ClassTally {
  private readonly labels: readonly string[]
  private readonly detailed: boolean
  /** By class */
  private readonly actual: Uint32Array
  private readonly predicted: Uint32Array
  private readonly right: Uint32Array
  /** Of two classes, one: that of the second */
  private readonly rankings: Ranking[]
  private readonly confusion: Uint32Array | undefined
  private readonly calibration = new Calibration()
  private logLoss = 0
  private count = 0

  constructor ({ labels, examples, detailed = false }: ClassTallyInit) {
    const classes = labels.length
    this.labels = labels
    this.detailed = detailed
    this.actual = new Uint32Array(classes)
    this.predicted = new Uint32Array(classes)
    this.right = new Uint32Array(classes)
    this.rankings = classes === 2 ? createRankings(1, examples) : detailed ? createRankings(classes, examples) : []
    this.confusion = detailed && classes <= MAX_CONFUSION_CLASSES ? new Uint32Array(classes * classes) : undefined
  }

  /** Whether `add` needs the logarithms of the probabilities */
  get needsProbabilities (): boolean {
    return this.detailed || this.rankings.length > 0
  }

  /** @param logProbabilities - Of all classes; where `needsProbabilities` */
  add (actual: number, predicted: number, logProbabilities?: Float64Array): void {
    this.count++
    this.actual[actual]!++
    this.predicted[predicted]!++
    if (actual === predicted) {
      this.right[actual]!++
    }
    if (logProbabilities !== undefined) {
      this.rank(actual, logProbabilities)
    }
    if (this.detailed && logProbabilities !== undefined) {
      if (this.confusion !== undefined) {
        this.confusion[actual * this.labels.length + predicted]!++
      }
      this.logLoss -= logProbabilities[actual]!
      this.calibration.add(Math.exp(logProbabilities[predicted]!), actual === predicted)
    }
  }

  private rank (actual: number, logProbabilities: Float64Array): void {
    if (this.labels.length === 2) {
      // the difference of the logarithms is finer than a probability near 1
      this.rankings[0]?.add(logProbabilities[1]! - logProbabilities[0]!, actual === 1)
      return
    }
    this.rankings.forEach((ranking, label) => { ranking.add(logProbabilities[label]!, label === actual) })
  }

  /** Fraction of right predictions, 0 to 1 */
  accuracy (): number {
    return this.right.reduce((sum, count) => sum + count, 0) / this.count
  }

  figures (): ClassFigures {
    const ranked = this.rankings.map((ranking) => ranking.figures())
    const found = ranked.filter((figures) => figures !== undefined)
    const mean = (of: (typeof found)[number], field: 'auc' | 'averagePrecision'): number => of[field] / found.length
    const occurring = this.actual.filter((count) => count > 0).length
    const majority = this.actual.indexOf(Math.max(...chunkMaxima(this.actual)))
    return {
      kind: 'classes',
      balancedAccuracy: this.right.reduce((sum, right, label) => sum + (this.actual[label] === 0 ? 0 : right / this.actual[label]!), 0) / occurring,
      ...(found.length === 0
        ? {}
        : {
            auc: found.reduce((sum, figures) => sum + mean(figures, 'auc'), 0),
            averagePrecision: found.reduce((sum, figures) => sum + mean(figures, 'averagePrecision'), 0)
          }),
      baseline: {
        label: this.labels[majority]!,
        accuracy: this.actual[majority]! / this.count,
        balancedAccuracy: 1 / occurring,
        ...(found.length === 0 ? {} : { averagePrecision: this.meanShare(ranked) }),
        ...(this.detailed ? { logLoss: this.entropy() } : {})
      },
      ...(this.detailed ? this.details(ranked) : {})
    }
  }

  /** Average precision of scores that say nothing: the share of the class */
  private meanShare (ranked: ReadonlyArray<ReturnType<Ranking['figures']>>): number {
    const shares = ranked.flatMap((figures, index) => figures === undefined ? [] : [this.actual[ranked.length === 1 ? 1 : index]! / this.count])
    return shares.reduce((sum, share) => sum + share, 0) / shares.length
  }

  /** Logarithmic loss of answering with the shares of the classes */
  private entropy (): number {
    return this.actual.reduce((sum, count) => count === 0 ? sum : sum - count / this.count * Math.log(count / this.count), 0)
  }

  private details (ranked: ReadonlyArray<ReturnType<Ranking['figures']>>): Partial<ClassFigures> {
    const { labels, confusion } = this
    return {
      logLoss: this.logLoss / this.count,
      calibrationError: this.calibration.error(),
      classes: labels.map((label, index) => this.ofClass(label, index, labels.length === 2 ? undefined : ranked[index])),
      ...(confusion === undefined
        ? {}
        : { confusion: labels.map((_, row) => [...confusion.subarray(row * labels.length, (row + 1) * labels.length)]) })
    }
  }

  private ofClass (label: string, index: number, ranked: ReturnType<Ranking['figures']>): FiguresOfClass {
    const [actual, predicted, right] = [this.actual[index]!, this.predicted[index]!, this.right[index]!]
    return {
      label,
      examples: actual,
      predicted,
      ...(actual === 0 ? {} : { recall: right / actual }),
      ...(predicted === 0 ? {} : { precision: right / predicted }),
      ...ranked
    }
  }
}

/** Math.max of an array that may be too long for arguments */
function chunkMaxima (values: Uint32Array): number[] {
  return Array.from({ length: Math.ceil(values.length / 4096) }, (_, i) => Math.max(...values.subarray(i * 4096, (i + 1) * 4096)))
}
