/**
 * How likely the coins of canaries make what an observer saw of one update: log-likelihood ratios, which add up over
 * updates
 *
 * Poisson sampling takes a canary that is in into few of the steps. A sum over all of them drowns the one step in which
 * its gradient shows among the many in which it cannot; the ratio weighs each of them by how much it tells. It is that
 * of the sampled Gaussian mechanism itself (Mironov, Talwar, Zhang 2019, section 3), so that no score is stronger where
 * noise is all that hides a canary (Neyman, Pearson 1933). How strong the noise is, is not taken from the document but
 * measured: noise that is missing makes the scores sharper.
 */

import { median } from '../aggregators/median.ts'
import { logBinomialMasses } from './binomial.ts'

/** In one update */
export interface Participation {
  /** Steps that it is made of */
  steps: number
  /** Probability with which a step takes an example that is in */
  sampleRate: number
}

/** What one update shows of each canary */
export interface ObservedCanaries {
  /** Part of the update, as a sum of gradients, along each canary's own gradient at its start */
  projections: ArrayLike<number>
  /** L2 norm of that gradient, clipped as in training: what one participation adds to the projection */
  norms: ArrayLike<number>
  /** Class of each */
  labels: ArrayLike<number>
}

/** Of the normal distribution: its deviation in median absolute deviations */
const DEVIATIONS = 1.482602218505602

/** Terms less likely than this one, relative to the likeliest, are left out */
const NEGLIGIBLE_NATS = 40

/**
 * ln P[projection | in] - ln P[projection | out] of each canary; higher speaks for one that is in. All 0 where nothing
 * differs. With a sampleRate of 1 in units of its own
 *
 * The update's common part goes to all canaries of a class alike, and is taken off. The spread that is left is that of
 * the noise, and of the other examples
 */
export function participationScores (observed: ObservedCanaries, participation: Participation): Float64Array {
  const norms = Float64Array.from(observed.norms)
  const expected = participation.steps * participation.sampleRate / 2
  const excess = withoutCommonPart(Float64Array.from(observed.projections, (projection, at) => projection - expected * norms[at]!), observed.labels)
  if (participation.sampleRate === 1) {
    // the same number of times in all updates, whose noise is of one size: all ratios grow with this
    return excess.map((value, at) => value * norms[at]!)
  }
  const deviation = DEVIATIONS * median(excess.map(Math.abs))
  if (!(deviation > 0)) {
    return new Float64Array(norms.length)
  }
  const shares = logParticipations(participation)
  return excess.map((value, at) => logRatio(value + expected * norms[at]!, norms[at]!, { variance: deviation ** 2, shares }))
}

/** ln of the sum over j of P[j participations] e^((x j n - j^2 n^2 / 2) / variance) */
function logRatio (x: number, norm: number, { variance, shares }: { variance: number, shares: ReadonlyArray<readonly [times: number, logShare: number]> }): number {
  const terms = shares.map(([times, logShare]) => logShare + (x - times * norm / 2) * times * norm / variance)
  const greatest = Math.max(...terms)
  return greatest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - greatest), 0))
}

/**
 * Numbers of participations of an example that is in, and the logarithms of their probabilities, but for hopelessly
 * rare ones
 */
function logParticipations ({ steps, sampleRate }: Participation): Array<readonly [times: number, logShare: number]> {
  const masses = logBinomialMasses(steps, Math.log(sampleRate) - Math.log1p(-sampleRate))
  const greatest = masses.reduce((most, mass) => Math.max(most, mass), -Infinity)
  return Array.from(masses, (mass, times) => [times, mass] as const).filter(([, mass]) => mass > greatest - NEGLIGIBLE_NATS)
}

/** Each value less the mean of its class */
function withoutCommonPart (values: Float64Array, labels: ArrayLike<number>): Float64Array {
  const totals = new Map<number, { sum: number, count: number }>()
  values.forEach((value, at) => {
    const { sum, count } = totals.get(labels[at]!) ?? { sum: 0, count: 0 }
    totals.set(labels[at]!, { sum: sum + value, count: count + 1 })
  })
  return values.map((value, at) => {
    const { sum, count } = totals.get(labels[at]!)!
    return value - sum / count
  })
}
