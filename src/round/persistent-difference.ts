/**
 * How far apart two peers stay under noise: the part of their differences that persists over rounds
 *
 * Under DP-SGD a model moves each round by noise that is much longer than what it learns (21 against about 3 in the built-in demo), so
 * that all distances of one round are alike, a liar's too. But noise is drawn anew each round, and products of differences from
 * two *different* rounds do not contain its length: with u_t = a + n_t, E[u_s . u_t] = |a|^2 for s != t, whatever the noise is,
 * also where a neighbour's is not known (another batch, Adam). So
 *
 *     P = sum_{s != t} w_s w_t u_s . u_t / sum_{s != t} w_s w_t,   w_t = MEMORY^age
 *
 * is an unbiased estimate of |a|^2 (a U-statistic; Hoeffding 1948), at the price of one vector for each neighbour. It is post-processing
 * of what neighbours sent, and costs no privacy. Without a difference, and for noise alike in all d coordinates, its standard deviation is
 * sqrt(2 sum_{s != t} w_s^2 w_t^2 |u_s|^2 |u_t|^2 / d) / sum_{s != t} w_s w_t, and for large d it is nearly normal.
 */

/** Half of the weight is on the last three rounds: in nine rounds the noise is as good as gone, and what changed is forgotten */
const MEMORY = 0.8

export class PersistentDifference {
  private sum: Float64Array | undefined
  private newest: Float32Array | undefined
  /** Sums of w, w^2, w^2 |u|^2 and w^4 |u|^4 */
  private weight = 0
  private squaredWeight = 0
  private energy = 0
  private squaredEnergy = 0

  /**
   * Takes in a round. Models of other lengths than before do not belong together: a federation has one length
   *
   * @param own - The own model, d elements
   * @param replica - The neighbour's, d elements; kept until the next one. The same array again is ignored: a late peer's update may
   * serve in two rounds, and its noise is drawn once
   */
  add (own: Float32Array, replica: Float32Array): void {
    if (replica === this.newest) {
      return
    }
    this.newest = replica
    this.sum ??= new Float64Array(own.length)
    const { sum } = this
    let square = 0
    for (let i = 0; i < sum.length; i++) {
      const difference = replica[i]! - own[i]!
      square += difference * difference
      sum[i] = MEMORY * sum[i]! + difference
    }
    this.weight = MEMORY * this.weight + 1
    this.squaredWeight = MEMORY ** 2 * this.squaredWeight + 1
    this.energy = MEMORY ** 2 * this.energy + square
    this.squaredEnergy = MEMORY ** 4 * this.squaredEnergy + square * square
  }

  /** Estimate of the squared length of what persists, which may be negative, and its standard deviation when nothing does. Undefined before the second round */
  estimate (): { square: number, deviation: number } | undefined {
    const pairs = this.weight ** 2 - this.squaredWeight
    if (this.sum === undefined || !(pairs > 0)) {
      return undefined
    }
    const length = this.sum.reduce((total, value) => total + value * value, 0)
    const products = Math.max(0, this.energy ** 2 - this.squaredEnergy)
    return { square: (length - this.energy) / pairs, deviation: Math.sqrt(2 * products / this.sum.length) / pairs }
  }
}
