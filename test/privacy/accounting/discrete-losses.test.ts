import { describe, expect, it } from 'vitest'
import { composeLosses, deltaAt, epsilonAt } from '../../../src/privacy/accounting/composed-losses.ts'
import { discreteLosses, normalised } from '../../../src/privacy/accounting/discrete-losses.ts'
import { gaussianEpsilon } from '../../../src/privacy/accounting/gaussian-mechanism.ts'
import { composedCumulants, stepCumulants } from '../../../src/privacy/accounting/loss-cumulants.ts'
import { planLosses } from '../../../src/privacy/accounting/loss-plan.ts'
import { lossSpectrum } from '../../../src/privacy/accounting/loss-spectrum.ts'
import { lossAt, outcomeAt } from '../../../src/privacy/accounting/privacy-loss.ts'
import { realFft } from '../../../src/privacy/accounting/real-fft.ts'
import { normalTail } from '../../../src/privacy/accounting/special-functions.ts'
import { relativeError } from './vectors.ts'
import type { DiscreteLosses } from '../../../src/privacy/accounting/discrete-losses.ts'
import type { LossGrid } from '../../../src/privacy/accounting/loss-plan.ts'
import type { Direction } from '../../../src/privacy/accounting/privacy-loss.ts'

const GRID: LossGrid = { spacing: 2 ** -8, cells: 2 ** 14, tilt: 0, tailTilt: 1, tail: 1e-14, lowTail: 1e-14 }

/** delta(epsilon) of one step, from the distribution functions */
function exactDelta (q: number, sigma: number, direction: Direction, epsilon: number): number {
  const mechanism = { sampleRate: q, noiseMultiplier: sigma }
  if (direction === 'remove') {
    const x = outcomeAt(mechanism, epsilon)
    return (1 - q) * normalTail(x / sigma) + q * normalTail((x - 1) / sigma) - Math.exp(epsilon) * normalTail(x / sigma)
  }
  const x = outcomeAt(mechanism, -epsilon)
  return normalTail(-x / sigma) - Math.exp(epsilon) * ((1 - q) * normalTail(-x / sigma) + q * normalTail((1 - x) / sigma))
}

/** sum over l > epsilon of (1 - e^(epsilon - l)) p(l), and what is infinite */
function discreteDelta ({ first, masses, logScale, infinity }: DiscreteLosses, epsilon: number): number {
  let delta = infinity
  for (const [at, mass] of masses.entries()) {
    const loss = (first + at) * GRID.spacing
    if (loss > epsilon) {
      delta -= Math.expm1(epsilon - loss) * mass * Math.exp(logScale - GRID.tilt * loss)
    }
  }
  return delta
}

/** Loss +-epsilon of randomised response, and with probability delta an infinite one */
function randomisedResponse (epsilon: number, delta: number): DiscreteLosses {
  const masses = new Float64Array(2 * epsilon / GRID.spacing + 1)
  masses[masses.length - 1] = (1 - delta) / (1 + Math.exp(-epsilon))
  masses[0] = (1 - delta) / (1 + Math.exp(epsilon))
  return normalised({ first: -epsilon / GRID.spacing, masses, logScale: 0, infinity: delta }, GRID)
}

function composed (...steps: DiscreteLosses[]): ReturnType<typeof composeLosses> {
  const fft = realFft(GRID.cells)
  return composeLosses(steps.map((losses) => ({ spectrum: lossSpectrum(losses, fft), steps: 1 })), { grid: GRID, first: -GRID.cells / 2 }, fft)
}

describe('privacy loss of one step', () => {
  it.each([[1, 2], [0.01, 1], [1e-6, 0.3], [0.5, 40]])('an outcome is found from its loss, q %d, sigma %d', (sampleRate, noiseMultiplier) => {
    for (const score of [-3, -0.2, 0, 1, 2.5, 9]) {
      const outcome = 0.5 + score * noiseMultiplier
      const loss = lossAt({ sampleRate, noiseMultiplier }, outcome)

      // Where the curve is flat, many outcomes have the same loss in float64
      expect(Math.abs(lossAt({ sampleRate, noiseMultiplier }, outcomeAt({ sampleRate, noiseMultiplier }, loss)) - loss)).toBeLessThan(1e-14 * Math.max(1, Math.abs(loss)))
    }
    expect(outcomeAt({ sampleRate: 0.1, noiseMultiplier: 1 }, Math.log(0.9) - 1e-9)).toBe(-Infinity)
  })

  it.each<[number, number]>([[0.01, 1], [0.2, 0.5], [1, 2], [1e-4, 0.7], [0.9, 5]])('the discrete losses have the chords of delta(e^epsilon), q %d, sigma %d', (q, sigma) => {
    for (const direction of ['remove', 'add'] as const) {
      const losses = discreteLosses({ sampleRate: q, noiseMultiplier: sigma }, direction, GRID)
      for (const index of [0, 1, 13, 55, 200, 900]) {
        const epsilon = index * GRID.spacing
        const exact = exactDelta(q, sigma, direction, epsilon)
        const between = exactDelta(q, sigma, direction, epsilon + GRID.spacing / 2)

        // On the grid they agree, to the tail that counts as infinite; between, the chord is above
        expect(Math.abs(discreteDelta(losses, epsilon) - exact)).toBeLessThan(2e-14)
        expect(discreteDelta(losses, epsilon + GRID.spacing / 2)).toBeGreaterThan(between - 1e-15)
      }
    }
  })

  it('a tilt changes how the masses are kept, not what they are', () => {
    const mechanism = { sampleRate: 0.01, noiseMultiplier: 1 }
    const plain = discreteLosses(mechanism, 'remove', GRID)
    const tilted = discreteLosses(mechanism, 'remove', { ...GRID, tilt: 3, tailTilt: 3 })

    for (const loss of [-1, 0, 1, 10, 100, 500]) {
      const mass = tilted.masses[loss - tilted.first]! * Math.exp(tilted.logScale - 3 * loss * GRID.spacing)

      expect(relativeError(mass, plain.masses[loss - plain.first]! * Math.exp(plain.logScale))).toBeLessThan(1e-11)
    }
    // tilt (tilt + 1) / 2 times at most spacing^2 / 4
    const { value } = stepCumulants(mechanism, 'remove', GRID)(1)
    expect(plain.logTailMoment).toBeGreaterThan(value)
    expect(plain.logTailMoment).toBeLessThan(value + GRID.spacing ** 2 / 4)
  })
})

describe('composition of discrete losses', () => {
  it('adds up pure epsilons exactly: 1 and 2 are 3', () => {
    const losses = composed(randomisedResponse(1, 0), randomisedResponse(2, 0))

    expect(Math.abs(epsilonAt(losses, 1e-9)! - 3)).toBeLessThan(1e-6)
    expect(deltaAt(losses, 3)).toBeLessThan(1e-9)
    expect(deltaAt(losses, 2.99)).toBeGreaterThan(1e-3)
  })

  it('adds up infinite losses: (1, 0.1) and (2, 0.2) are (3, 0.28)', () => {
    expect(relativeError(deltaAt(composed(randomisedResponse(1, 0.1), randomisedResponse(2, 0.2)), 3), 0.28)).toBeLessThan(1e-9)
  })

  it('proves nothing below the probability of an infinite loss', () => {
    expect(epsilonAt(composed(randomisedResponse(1, 0.1)), 0.05)).toBe(undefined)
  })

  it.each([[1, 1e-5], [4, 1e-5], [0.2, 1e-5], [4, 1e-100]])('agrees with the exact Gaussian mechanism, sigma %d, delta %d', (noiseMultiplier, delta) => {
    const mechanism = { sampleRate: 1, noiseMultiplier }
    const steps = 9
    for (const direction of ['remove', 'add'] as const) {
      const plan = planLosses((tails) => composedCumulants([{ steps, cumulants: stepCumulants(mechanism, direction, tails) }]), steps, { logDelta: Math.log(delta) })!
      const fft = realFft(plan.grid.cells)
      const losses = composeLosses([{ spectrum: lossSpectrum(discreteLosses(mechanism, direction, plan.grid), fft), steps }], plan, fft)
      const exact = gaussianEpsilon(3 / noiseMultiplier, delta)

      expect(epsilonAt(losses, delta)! / exact - 1).toBeGreaterThan(-1e-11)
      expect(epsilonAt(losses, delta)! / exact - 1).toBeLessThan(2e-4)
    }
  })
})
