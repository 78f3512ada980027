/**
 * Epsilon of DP-SGD by both accountants, and what it costs to know it, beside plainer ways in the same run
 *
 *     npm run bench:accounting
 *
 * Medians over samples that take turns, so that a busy machine slows all of them alike. `fresh` is an accountant that
 * was never asked before, `next` is one more step and its epsilon from one that was. The baselines: Rényi divergences
 * of whole orders only, and a distribution of losses composed by repeated squaring with convolutions as they are
 * defined, on 4,096 cells, every loss moved to the nearest one: an estimate, no bound, and far off once steps are many
 * and a step's loss is less than a cell.
 */
import { createAccountant } from '../src/privacy/accounting/accountants.ts'
import { lossAt, outcomeAt } from '../src/privacy/accounting/privacy-loss.ts'
import { rdpAccountant } from '../src/privacy/accounting/rdp.ts'
import { normalTail } from '../src/privacy/accounting/special-functions.ts'
import { medianMs } from './timing.ts'
import type { Accountant, AccountantName } from '../src/privacy/accounting/accountant.ts'

const DELTA = 1e-5
const STEPS = [1, 100, 10_000]
const MECHANISMS = [{ sampleRate: 0.01, noiseMultiplier: 1 }, { sampleRate: 0.01, noiseMultiplier: 4 }, { sampleRate: 0.004, noiseMultiplier: 0.6 }]
const SAMPLES = 7
const WHOLE_ORDERS = Array.from({ length: 63 }, (_, i) => i + 2)
const CELLS = 4096

/** Losses from -reach to reach, cut off beyond */
function convolve (a: Float64Array, b: Float64Array): Float64Array {
  const result = new Float64Array(CELLS)
  for (let i = 0; i < CELLS; i++) {
    const mass = a[i]!
    const from = Math.max(0, CELLS / 2 - i)
    const to = Math.min(CELLS, CELLS * 3 / 2 - i)
    for (let j = from; j < to; j++) {
      result[i + j - CELLS / 2]! += mass * b[j]!
    }
  }
  return result
}

function squaredEpsilon (mechanism: { sampleRate: number, noiseMultiplier: number }, steps: number, reach: number): number {
  const { sampleRate: q, noiseMultiplier: sigma } = mechanism
  const spacing = 2 * reach / CELLS
  const tail = (loss: number): number => {
    const x = outcomeAt(mechanism, loss)
    return (1 - q) * normalTail(x / sigma) + q * normalTail((x - 1) / sigma)
  }
  let square: Float64Array = Float64Array.from({ length: CELLS }, (_, i) => tail((i - CELLS / 2 - 0.5) * spacing) - tail((i - CELLS / 2 + 0.5) * spacing))
  let power: Float64Array | undefined
  for (let rest = steps; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      power = power === undefined ? square : convolve(power, square)
    }
    if (rest > 1) {
      square = convolve(square, square)
    }
  }
  const deltaAt = (epsilon: number): number => power!.reduce((sum, mass, i) => sum + mass * Math.max(0, -Math.expm1(epsilon - (i - CELLS / 2) * spacing)), 0)
  let [low, high] = [0, reach]
  while (high - low > 1e-6) {
    const middle = (low + high) / 2
    if (deltaAt(middle) > DELTA) {
      low = middle
    } else {
      high = middle
    }
  }
  return high
}

const rows: Array<Record<string, string | number>> = []
for (const mechanism of MECHANISMS) {
  for (const steps of STEPS) {
    const event = { ...mechanism, steps }
    const fresh = (accountant: Accountant): Accountant => accountant.compose(event)
    const asked: Record<AccountantName, Accountant> = { rdp: fresh(createAccountant('rdp')), pld: fresh(createAccountant('pld')) }
    const next = (name: AccountantName) => () => {
      asked[name] = asked[name].compose({ ...mechanism, steps: 1 })
      return asked[name].epsilon(DELTA)
    }
    const epsilons = { rdp: asked.rdp.epsilon(DELTA), pld: asked.pld.epsilon(DELTA) }
    const reach = Math.max(2 * epsilons.pld, lossAt(mechanism, 1 + 6 * mechanism.noiseMultiplier))
    const times = medianMs({
      'rdp fresh': () => fresh(createAccountant('rdp')).epsilon(DELTA),
      'rdp next': next('rdp'),
      'pld fresh': () => fresh(createAccountant('pld')).epsilon(DELTA),
      'pld next': next('pld'),
      'whole orders': () => fresh(rdpAccountant(WHOLE_ORDERS)).epsilon(DELTA),
      squaring: () => squaredEpsilon(mechanism, steps, reach)
    }, SAMPLES)
    rows.push({
      q: mechanism.sampleRate,
      sigma: mechanism.noiseMultiplier,
      steps,
      'eps rdp': epsilons.rdp.toFixed(4),
      'eps pld': epsilons.pld.toFixed(4),
      'eps squaring': squaredEpsilon(mechanism, steps, reach).toFixed(4),
      ...Object.fromEntries(Object.entries(times).map(([name, ms]) => [`${name} ms`, ms.toFixed(2)]))
    })
  }
}
console.log(`delta = ${DELTA}`)
console.table(rows)
