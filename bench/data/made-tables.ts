/**
 * Tables like those that hospitals, banks and factories have, made from a seed: what is to be learnt is known
 */
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import type { Random } from '../../src/interface.ts'

/** Share of the cells of a column without a value, written in the ways that people write it */
const MISSING_SHARE = 0.08
const MARKS = ['', 'NA', '?', '-']
/** Share of the rows of the skewed table that are positive */
const POSITIVE_SHARE = 0.02

export interface MadeTable {
  name: string
  /** What is to be predicted */
  label: string
  header: readonly string[]
  rows: string[][]
}

interface Draw { uniform: Random, normal: () => number }

function draws (seed: string): Draw {
  const uniform = seededRandom(seed)
  return { uniform, normal: seededNormal(uniform) }
}

function pick<T> ({ uniform }: Draw, values: readonly T[]): T {
  return values[Math.floor(uniform() * values.length)]!
}

/** Now and then nothing, in one of the ways that people write it */
function gappy (draw: Draw, text: string): string {
  return draw.uniform() < MISSING_SHARE ? pick(draw, MARKS) : text
}

function logistic (x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** Patients with a diagnosis: identifiers, dates, missing values in several marks, categories of few rows */
export function madePatients (count: number, seed: string): MadeTable {
  const draw = draws(`patients/${seed}`)
  const rows = Array.from({ length: count }, (_, i) => {
    const age = Math.round(25 + 60 * draw.uniform())
    const systolic = 105 + 0.5 * age + 12 * draw.normal()
    const glucose = 4.4 + 1.3 * Math.abs(draw.normal())
    const weight = 74 + 14 * draw.normal()
    const smoker = pick(draw, ['never', 'former', 'current'])
    const ward = draw.uniform() < 0.995 ? pick(draw, ['A', 'B', 'C']) : `guest-${i % 7}`
    const risk = 0.06 * (age - 55) + 0.05 * (systolic - 132) + 0.9 * (glucose - 5.4) + (smoker === 'current' ? 1.4 : smoker === 'former' ? 0.4 : 0)
    const diagnosis = draw.uniform() < logistic(1.6 * risk) ? 'yes' : 'no'
    const day = `2024-${String(1 + i % 12).padStart(2, '0')}-${String(1 + i % 28).padStart(2, '0')}`
    return [
      `P${String(100_000 + i * 37 % 900_000)}`, day, String(age), gappy(draw, systolic.toFixed(0)), gappy(draw, glucose.toFixed(1)),
      gappy(draw, weight.toFixed(1)), smoker, ward, diagnosis
    ]
  })
  return { name: 'patients', label: 'diagnosis', header: ['patient_id', 'admitted', 'age', 'systolic', 'glucose', 'weight', 'smoker', 'ward', 'diagnosis'], rows }
}

/** Payments of which one in fifty is a fraud */
export function madePayments (count: number, seed: string): MadeTable {
  const draw = draws(`payments/${seed}`)
  const rows = Array.from({ length: count }, () => {
    const isFraud = draw.uniform() < POSITIVE_SHARE
    const amount = Math.exp(3 + draw.normal() + (isFraud ? 1.2 : 0))
    const hour = Math.floor(isFraud && draw.uniform() < 0.5 ? 5 * draw.uniform() : 24 * draw.uniform())
    const distance = Math.abs(draw.normal()) * (isFraud ? 90 : 30)
    return [amount.toFixed(2), String(hour), distance.toFixed(1), pick(draw, isFraud ? ['web', 'web', 'phone'] : ['shop', 'web', 'phone']), isFraud ? 'fraud' : 'fine']
  })
  return { name: 'payments', label: 'verdict', header: ['amount', 'hour', 'distance_km', 'channel', 'verdict'], rows }
}

/** Machines whose energy is to be predicted: a curve, a product and noise of deviation 2 */
export function madeMachines (count: number, seed: string): MadeTable {
  const draw = draws(`machines/${seed}`)
  const rows = Array.from({ length: count }, () => {
    const [load, temperature, speed] = [draw.uniform(), 15 + 20 * draw.uniform(), 600 + 900 * draw.uniform()]
    const line = pick(draw, ['north', 'south'])
    const energy = 30 + 40 * load ** 2 + 0.02 * load * speed + 0.4 * (temperature - 25) + (line === 'north' ? 6 : 0) + 2 * draw.normal()
    return [load.toFixed(3), temperature.toFixed(1), speed.toFixed(0), line, energy.toFixed(2)]
  })
  return { name: 'machines', label: 'energy_kwh', header: ['load', 'temperature', 'speed', 'line', 'energy_kwh'], rows }
}

/** As a CSV file has it; nothing in these tables needs quotes */
export function csvText ({ header, rows }: MadeTable): string {
  return [header, ...rows].map((fields) => fields.join(',')).join('\n') + '\n'
}
