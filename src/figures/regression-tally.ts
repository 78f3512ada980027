/**
 * Figures of a model of a number, from one prediction after the other: memory does not grow
 */
import type { RegressionFigures } from '../trainer-interface.ts'

/** What the own training examples alone say of the target, in its unit */
export interface TargetBaseline {
  unit?: string | undefined
  mean: number
  median: number
}

export class RegressionTally {
  private readonly baseline: TargetBaseline
  private count = 0
  private squared = 0
  private absolute = 0
  private baseSquared = 0
  private baseAbsolute = 0
  /** Of the targets, by Welford's update: their mean, and the squared distances from it */
  private mean = 0
  private spread = 0

  constructor (baseline: TargetBaseline) {
    this.baseline = baseline
  }

  /** Both in the unit of the target */
  add (actual: number, predicted: number): void {
    this.count++
    this.squared += (predicted - actual) ** 2
    this.absolute += Math.abs(predicted - actual)
    this.baseSquared += (this.baseline.mean - actual) ** 2
    this.baseAbsolute += Math.abs(this.baseline.median - actual)
    const step = actual - this.mean
    this.mean += step / this.count
    this.spread += step * (actual - this.mean)
  }

  figures (): RegressionFigures {
    const { unit, mean, median } = this.baseline
    const r2 = (squared: number): { r2?: number } => this.spread > 0 ? { r2: 1 - squared / this.spread } : {}
    return {
      kind: 'regression',
      ...(unit === undefined ? {} : { unit }),
      meanSquaredError: this.squared / this.count,
      meanAbsoluteError: this.absolute / this.count,
      ...r2(this.squared),
      baseline: {
        mean,
        median,
        meanSquaredError: this.baseSquared / this.count,
        meanAbsoluteError: this.baseAbsolute / this.count,
        ...r2(this.baseSquared)
      }
    }
  }
}
