/**
 * Whether a model that says 80 % is right in 80 of 100 cases: expected calibration error
 *
 * Guo et al. 2017, arXiv:1706.04599, with 15 bins of equal width over the confidence, the largest probability that the
 * model gives: the mean, weighted by the examples of a bin, of |share of right answers - mean confidence|. Bin b holds
 * confidences above b / 15 up to (b + 1) / 15.
 */
const BINS = 15

export class Calibration {
  private readonly examples = new Float64Array(BINS)
  private readonly right = new Float64Array(BINS)
  private readonly confidence = new Float64Array(BINS)

  /** @param confidence - Probability of the answer, 0 to 1 */
  add (confidence: number, isRight: boolean): void {
    const bin = Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1))
    this.examples[bin]!++
    this.confidence[bin]! += confidence
    this.right[bin]! += isRight ? 1 : 0
  }

  /** 0 to 1; NaN without an example */
  error (): number {
    const total = this.examples.reduce((sum, count) => sum + count, 0)
    return this.right.reduce((sum, right, bin) => sum + Math.abs(right - this.confidence[bin]!), 0) / total
  }
}
