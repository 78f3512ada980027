/**
 * The one-run audit against published numbers, scipy, and mechanisms whose epsilon is known
 */
import { describe, expect, it } from 'vitest'
import { logBinomialMasses, logBinomialTail, rateUpperBound } from '../../src/audit/binomial.ts'
import { auditOneRun, guessCanaries, oneRunLowerBound, oneRunPValue } from '../../src/audit/one-run.ts'
import { seededRandom } from '../../src/seeded-random.ts'

/** With exact integers: sum of C(n, k) x odds^k over (1 + odds)^n, for whole odds */
function exactTail (trials: number, least: number, odds: bigint): number {
  let term = 1n
  let tail = 0n
  for (let k = 0; k <= trials; k++) {
    tail += k >= least ? term : 0n
    term = term * BigInt(trials - k) * odds / BigInt(k + 1)
  }
  const scale = 10n ** 320n
  const digits = (tail * scale / (1n + odds) ** BigInt(trials)).toString()
  return Math.log(Number(`0.${digits.slice(0, 17)}`)) + (digits.length - 320) * Math.LN10
}

describe('binomial tails', () => {
  it('agree with exact integers, also where float64 would underflow', () => {
    for (const [trials, least, odds] of [[100, 60, 1n], [100, 95, 7n], [400, 300, 1n], [1000, 650, 2n], [1000, 1000, 1n], [50, 1, 3n], [997, 3, 1n]] as const) {
      const exact = exactTail(trials, least, odds)
      expect(Math.abs(logBinomialTail(trials, least, Math.log(Number(odds))) - exact)).toBeLessThan(1e-11 * Math.max(1, Math.abs(exact)))
    }
  })

  it('agree with scipy for many trials', () => {
    expect(logBinomialTail(5000, 4990, 3)).toBeCloseTo(-202.83734314613656, 9)
    expect(logBinomialTail(20_000, 15_000, 1)).toBeCloseTo(-21.2230372559664, 9)
  })

  it('are certain, impossible, and finite at any odds', () => {
    expect(logBinomialTail(10, 0, 1)).toBe(0)
    expect(logBinomialTail(10, 11, 1)).toBe(-Infinity)
    expect(logBinomialTail(10, 10, -800)).toBe(-8000)
    expect([...logBinomialMasses(2, 800)].every((mass) => mass <= 0)).toBe(true)
  })

  it('bound a rate as scipy.stats.beta.ppf does', () => {
    for (const [count, trials, bound] of [[0, 100, 0.029513049607039925], [0, 500, 0.005973551516349557], [1, 1000, 0.004734993575499777], [10, 100, 0.16371762327581477], [99, 100, 0.9994872]] as const) {
      expect(rateUpperBound(count, trials, 0.95)).toBeCloseTo(bound, count === 99 ? 7 : 12)
    }
    expect(rateUpperBound(100, 100, 0.95)).toBe(1)
  })
})

describe('lower bound of one run', () => {
  it.each([
    [100, 60, 0.051914937799], [100, 70, 0.471671861630], [100, 80, 0.958392045292], [100, 95, 2.172434043193],
    [500, 400, 1.198645357301], [1000, 550, 0.094223692532], [1000, 650, 0.508202272019]
  ])('of %s guesses, %s of them right, without delta', (guesses, correct, expected) => {
    expect(oneRunLowerBound({ canaries: guesses, guesses, correct })).toBeCloseTo(expected, 10)
    // without delta the coins nobody guessed are of no matter
    expect(oneRunLowerBound({ canaries: 5 * guesses, guesses, correct })).toBeCloseTo(expected, 10)
  })

  it('is what the paper prints for its examples with delta', () => {
    // appendix D, page 46; the second, in section 7, is cut off and not rounded
    expect(oneRunLowerBound({ canaries: 1000, guesses: 100, correct: 75 }, { delta: 1e-4 })).toBeCloseTo(0.673, 3)
    expect(Math.trunc(1000 * oneRunLowerBound({ canaries: 100_000, guesses: 1510, correct: 1439 }, { delta: 1e-5 }))).toBe(2675)
  })

  it.each([
    [1000, 100, 75, 1e-5, 0.6994668131634078], [1000, 400, 380, 1e-5, 2.5565554368158043], [1000, 400, 400, 1e-5, 4.863611162025078],
    [1000, 200, 200, 1e-5, 4.166490176704507], [1000, 200, 190, 1e-3, 1.4079949372532023]
  ])('with delta: %s canaries, %s guesses, %s right, delta %s', (...[canaries, guesses, correct, delta, expected]) => {
    // computed with scipy's binomial distribution
    expect(oneRunLowerBound({ canaries, guesses, correct }, { delta })).toBeCloseTo(expected, 9)
  })

  it('is where the p-value crosses 1 - confidence, from below', () => {
    const result = { canaries: 900, guesses: 300, correct: 260 }
    for (const confidence of [0.75, 0.9, 0.95, 0.999]) {
      for (const delta of [0, 1e-7, 1e-5]) {
        const epsilon = oneRunLowerBound(result, { delta, confidence })
        expect(oneRunPValue(result, { epsilon, delta })).toBeLessThan(1 - confidence)
        expect(oneRunPValue(result, { epsilon: epsilon + 1e-9, delta })).toBeGreaterThan(1 - confidence)
      }
    }
  })

  it('falls with delta and with the coins that delta could have betrayed, grows with right guesses', () => {
    const bound = (canaries: number, correct: number, delta: number): number => oneRunLowerBound({ canaries, guesses: 100, correct }, { delta })
    const falling = [bound(1000, 90, 0), bound(1000, 90, 1e-5), bound(5000, 90, 1e-5), bound(5000, 90, 1e-4), bound(5000, 90, 1e-3)]
    expect(falling).toEqual([...falling].sort((a, b) => b - a))
    expect(new Set(falling).size).toBe(falling.length)
    const growing = [80, 85, 90, 95, 100].map((correct) => bound(1000, correct, 1e-5))
    expect(growing).toEqual([...growing].sort((a, b) => a - b))
  })

  it('refutes nothing with luck, without guesses, or where delta explains all', () => {
    expect(oneRunLowerBound({ canaries: 100, guesses: 100, correct: 50 })).toBe(0)
    expect(oneRunLowerBound({ canaries: 100, guesses: 0, correct: 0 })).toBe(0)
    expect(oneRunLowerBound({ canaries: 100, guesses: 100, correct: 100 }, { delta: 1 })).toBe(0)
  })

  it('has a p-value that grows with epsilon wherever it is below 1/4, also when 2 m delta is far above 1', () => {
    for (const delta of [1e-4, 1e-3, 1e-2, 0.1]) {
      for (const correct of [20, 60, 90, 100]) {
        let last = 0
        for (let epsilon = 0; epsilon < 8; epsilon += 0.05) {
          const p = oneRunPValue({ canaries: 2000, guesses: 100, correct }, { epsilon, delta })
          expect(p >= Math.min(last, 0.25)).toBe(true)
          last = p
        }
      }
    }
  })

  it('is above the truth in at most 1 of 20 runs of randomised response, the worst there is', () => {
    const random = seededRandom('randomised response')
    const epsilon = 1
    const truth = 1 / (1 + Math.exp(-epsilon))
    const bounds = Array.from({ length: 201 }, (_, correct) => oneRunLowerBound({ canaries: 200, guesses: 200, correct }))
    let exceeded = 0
    const runs = 2000
    for (let run = 0; run < runs; run++) {
      let correct = 0
      for (let coin = 0; coin < 200; coin++) {
        correct += random() < truth ? 1 : 0
      }
      exceeded += bounds[correct]! > epsilon ? 1 : 0
    }
    // counts are whole: the chance of this many guesses is below 0.05, but not by a factor of two
    expect(exceeded / runs).toBeLessThan(0.05 + 3 * Math.sqrt(0.05 * 0.95 / runs))
    expect(exceeded / runs).toBeGreaterThan(0.025)
  })

  it.each([
    [{ canaries: 10, guesses: 11, correct: 5 }, {}], [{ canaries: 10, guesses: 5, correct: 6 }, {}], [{ canaries: 10, guesses: 5, correct: 2.5 }, {}],
    [{ canaries: 10, guesses: 5, correct: 5 }, { delta: -0.1 }], [{ canaries: 10, guesses: 5, correct: 5 }, { delta: NaN }], [{ canaries: 10, guesses: 5, correct: 5 }, { confidence: 1 }],
    [{ canaries: 10, guesses: 5, correct: 5 }, { confidence: 0.5 }]
  ])('refuses %o with %o', (result, options) => {
    expect(() => oneRunLowerBound(result, options)).toThrow(RangeError)
  })

  it('refuses an epsilon below 0', () => {
    expect(() => oneRunPValue({ canaries: 1, guesses: 1, correct: 1 }, { epsilon: -1 })).toThrow(RangeError)
  })
})

describe('guesses', () => {
  it('call the highest scores in, the lowest out, and abstain in between', () => {
    expect([...guessCanaries([0.1, 5, -3, 2, 0.2], { guessedIn: 2, guessedOut: 1 })]).toEqual([0, 1, -1, 1, 0])
  })

  it('take infinite scores, and tell equal ones apart by index', () => {
    expect([...guessCanaries([Infinity, -Infinity, Infinity, 0, -Infinity], { guessedIn: 1, guessedOut: 1 })]).toEqual([1, 0, 0, 0, -1])
  })

  it('count as right when the coin agrees', () => {
    const audit = auditOneRun([4, 3, 2, 1], Uint8Array.of(1, 0, 0, 0), { guessedIn: 2, guessedOut: 1 })
    expect(audit).toEqual({ canaries: 4, guesses: 3, correct: 2, lowerBound: 0 })
  })

  it('refute nothing when the scores know nothing', () => {
    const random = seededRandom('ignorant')
    const included = Uint8Array.from({ length: 1000 }, () => random() < 0.5 ? 1 : 0)
    expect(auditOneRun(Float64Array.from(included, () => random()), included, { guessedIn: 200, guessedOut: 200, delta: 1e-5 }).lowerBound).toBe(0)
    const knowing = auditOneRun(included, included, { guessedIn: 200, guessedOut: 200 })
    expect(knowing).toMatchObject({ guesses: 400, correct: 400 })
    expect(knowing.lowerBound).toBeCloseTo(-Math.log(0.05 ** (-1 / 400) - 1), 10)
  })

  it.each([[[1, NaN], { guessedIn: 1, guessedOut: 0 }], [[1, 2], { guessedIn: 2, guessedOut: 1 }], [[1, 2], { guessedIn: -1, guessedOut: 1 }]])('are not made from %j with %o', (scores, plan) => {
    expect(() => guessCanaries(scores, plan)).toThrow(RangeError)
  })

  it('need one score for each coin', () => {
    expect(() => auditOneRun([1], new Uint8Array(2), { guessedIn: 1, guessedOut: 0 })).toThrow(RangeError)
  })
})
