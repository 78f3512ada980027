/**
 * Which canaries were trained on, seen by a neighbour: from every model that a peer publishes, not only from the last
 *
 * Pasquini, Raynal, Troncoso 2023, "On the (in)security of peer-to-peer decentralized machine learning": a neighbour
 * sees single updates, where a server would see their mean. Scores are sums over the updates: higher speaks for a
 * canary that is in.
 */

/** One update of a peer, d parameters each */
export interface ObservedStep {
  /** Where it started, as far as the observer can tell: the last published model, or what it was mixed to */
  before: Float32Array
  /** What was published */
  after: Float32Array
}

/**
 * For each canary, the inner product of `direction` with its gradient at `parameters`, both of d elements
 *
 * The gradient is that of its own loss, clipped as in training. Neither argument may be kept or changed
 */
export type GradientProducts = (parameters: Float32Array, direction: Float64Array) => ArrayLike<number>

/**
 * The same divided by the norm of each gradient, and these norms
 *
 * Projections on a gradient of zero are zero. Neither argument may be kept or changed
 */
export type GradientProjections = (parameters: Float32Array, direction: Float64Array) => { projections: Float64Array, norms: Float64Array }

/** Writes the clipped gradient of one canary at `parameters` to all of `out`, d elements */
export type CanaryGradient = (canary: number, parameters: Float32Array, out: Float64Array) => void

/** Updates between models that were published one after the other, when nothing else moved them in between */
export function consecutiveSteps (models: readonly Float32Array[]): ObservedStep[] {
  return models.slice(1).map((after, step) => ({ before: models[step]!, after }))
}

/**
 * How far the updates went down each canary's own gradient: the sum of <after - before, -gradient(before)>
 *
 * The score of white-box audits (Nasr et al. 2023, "Tight auditing of differentially private machine learning"). For
 * plain SGD with noise of one size it grows with the likelihood ratio of a canary that takes part in every step, so
 * that no score is stronger then. Where the learning rate changes, or momentum carries steps over, turn the models back
 * into gradients first
 */
export function updateScores (steps: Iterable<ObservedStep>, products: GradientProducts): Float64Array {
  return sumOverSteps(steps, ({ before, after }) => {
    const descent = Float64Array.from(before, (parameter, at) => parameter - after[at]!)
    return products(before, descent)
  })
}

/**
 * How much the updates lowered each canary's loss: the sum of loss(before) - loss(after)
 *
 * For whoever can evaluate a model but not its gradients. While steps are short this is the score above, but for the
 * clipping: canaries with long gradients outweigh the others. With long steps the curvature of the loss, which all
 * models share, drowns it. Between consecutive models the sum is the first loss minus the last
 */
export function lossDropScores (steps: Iterable<ObservedStep>, losses: (parameters: Float32Array) => ArrayLike<number>): Float64Array {
  return sumOverSteps(steps, ({ before, after }) => {
    const higher = losses(before)
    const lower = losses(after)
    return Float64Array.from(higher, (loss, canary) => loss - lower[canary]!)
  })
}

/** Products from gradients, one canary at a time: `count` gradients for each call */
export function gradientProducts (count: number, gradient: CanaryGradient): GradientProducts {
  return (parameters, direction) => {
    const own = new Float64Array(direction.length)
    return Float64Array.from({ length: count }, (_, canary) => {
      gradient(canary, parameters, own)
      return own.reduce((sum, value, at) => sum + value * direction[at]!, 0)
    })
  }
}

/** Projections on gradients, one canary at a time: `count` gradients for each call */
export function gradientProjections (count: number, gradient: CanaryGradient): GradientProjections {
  return (parameters, direction) => {
    const own = new Float64Array(direction.length)
    const norms = new Float64Array(count)
    const projections = norms.map((_, canary) => {
      gradient(canary, parameters, own)
      let [product, square] = [0, 0]
      for (let at = 0; at < own.length; at++) {
        product += own[at]! * direction[at]!
        square += own[at]! * own[at]!
      }
      norms[canary] = Math.sqrt(square)
      return square > 0 ? product / norms[canary] : 0
    })
    return { projections, norms }
  }
}

function sumOverSteps (steps: Iterable<ObservedStep>, score: (step: ObservedStep) => ArrayLike<number>): Float64Array {
  let sums: Float64Array | undefined
  for (const step of steps) {
    const scores = score(step)
    const total = sums ?? new Float64Array(scores.length)
    total.forEach((sum, canary) => { total[canary] = sum + scores[canary]! })
    sums = total
  }
  return sums ?? new Float64Array()
}
