/**
 * The laboratory behind `npm run bench:privacy`, on generated digits
 */
import { describe, expect, it } from 'vitest'
import { equalShares } from '../../bench/laboratory/equal-shares.ts'
import { runPrivateCell } from '../../bench/laboratory/private-laboratory.ts'
import { epsilonsOf, privateCells, privateDocument, RECIPES, SHARE } from '../../bench/laboratory/private-recipes.ts'
import { attackTable, privateTable } from '../../bench/laboratory/private-table.ts'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { loadShared } from '../../bench/laboratory/shared-data.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { CellResult } from '../../bench/laboratory/cell.ts'
import type { PrivateCell, RecipeName } from '../../bench/laboratory/private-recipes.ts'
import type { Finished } from '../../bench/laboratory/run-cells.ts'

const random = seededRandom(1)
const labels = Uint16Array.from({ length: 4_003 }, () => Math.floor(10 * random() ** 1.3))

describe('shares of equal size', () => {
  const rows = equalShares(labels, { peers: 16, alpha: 0.5, seed: 1 })

  it('have as many examples each, and each example one owner', () => {
    expect(rows.map(({ length }) => length)).toEqual(new Array<number>(16).fill(250))
    expect(new Set(rows.flatMap((share) => [...share])).size).toBe(4_000)
    expect(rows.every((share) => share.every((row, i) => i === 0 || row > share[i - 1]!))).toBe(true)
  })

  it('mix the classes differently, the more so the smaller alpha', () => {
    const largest = (alpha: number): number => {
      const shares = equalShares(labels, { peers: 16, alpha, seed: 1 })
      return shares.reduce((sum, share) => sum + Math.max(...Array.from({ length: 10 }, (_, c) => share.filter((row) => labels[row] === c).length)) / 250 / 16, 0)
    }
    expect(largest(0.1)).toBeGreaterThan(0.6)
    expect(largest(0.5)).toBeGreaterThan(0.35)
    expect(largest(100)).toBeLessThan(0.25)
  })

  it('follow the seed', () => {
    expect(equalShares(labels, { peers: 16, alpha: 0.5, seed: 1 })).toEqual(rows)
    expect(equalShares(labels, { peers: 16, alpha: 0.5, seed: 2 })).not.toEqual(rows)
  })
})

describe('recipes for private training', () => {
  it.each(['epsilon 1', 'epsilon 8'] as const)('keep what they promise by the PLD accountant, with no more noise than that takes: %s', (name) => {
    const { epsilon } = RECIPES[name]
    const spent = epsilonsOf(name, SHARE)
    expect(spent.pld).toBeLessThanOrEqual(epsilon)
    expect(spent.pld).toBeGreaterThan(0.99 * epsilon)
    expect(spent.rdp).toBeGreaterThan(spent.pld)
    expect(privateDocument(name).privacy).toMatchObject({ mechanism: 'dp-sgd', epsilonLimit: epsilon, delta: 1e-5 })
  })

  it('spend more where there are fewer examples, and say so', () => {
    expect(epsilonsOf('epsilon 8', 1_000).pld).toBeGreaterThan(8)
    expect(epsilonsOf('no privacy', SHARE)).toEqual({ rdp: Infinity, pld: Infinity })
  })

  it('are run alone, with gossip, and for epsilon 8 beside liars', () => {
    const cells = privateCells(['epsilon 1', 'epsilon 8'], [0, 1])
    expect(cells.map(({ recipe, rule, attack, byzantine, degree, seed }) => `${recipe} ${rule} ${attack} ${byzantine}/${degree} ${seed}`).filter((text) => text.endsWith('0'))).toEqual([
      'epsilon 1 mean none 0/4 0', 'epsilon 1 alone none 0/4 0', 'epsilon 8 mean none 0/4 0', 'epsilon 8 alone none 0/4 0',
      'epsilon 8 gated-geometric-median none 1/8 0', 'epsilon 8 gated-geometric-median alie* 1/8 0', 'epsilon 8 gated-geometric-median sign-flip 1/8 0', 'epsilon 8 gated-geometric-median foe* 1/8 0'
    ])
    expect(cells).toHaveLength(16)
  })
})

describe('private training in the laboratory', async () => {
  const dataset = await loadShared({ kind: 'digits', seed: 1, trainExamples: 600, testExamples: 200 }, privateDocument('epsilon 8').model)
  const backend = await loadBackend('wasm')
  const run = async (recipe: RecipeName, more: Partial<PrivateCell> = {}): Promise<CellResult> => {
    const [cell] = privateCells([recipe], [0], 6)
    const { seconds, ...result } = await runPrivateCell({ ...cell!, peers: 4, degree: 2, ...more }, { dataset, backend })
    return { ...result, seconds: 0 }
  }

  it('learns, makes the same table again, and another one from another seed', async () => {
    const first = await run('epsilon 8')
    expect(first.accuracy).toBeGreaterThan(0.4)
    expect(await run('epsilon 8')).toEqual(first)
    expect(await run('epsilon 8', { seed: 1 })).not.toEqual(first)
  })

  it('is without noise where nothing is private, and noisier for a smaller epsilon', async () => {
    const spread = async (recipe: RecipeName): Promise<number> => (await run(recipe, { rule: 'alone', alpha: 100 })).consensus / RECIPES[recipe].learningRate
    expect(await spread('epsilon 8')).toBeGreaterThan(await spread('no privacy'))
    expect(await spread('epsilon 1')).toBeGreaterThan(await spread('no privacy'))
  })

  it('has liars beside it', async () => {
    const attacked = await run('epsilon 8', { rule: 'gated-geometric-median', attack: 'foe*', byzantine: 1, f: 1, peers: 6, degree: 4 })
    expect(attacked.accuracy).toBeGreaterThan(0.2)
    expect(attacked.failed).toBe(0)
  })

  it('draws noise that is normal and not the same for two peers', () => {
    const draws = new Float64Array(4_000)
    seededNoise('noise 0/0').addGaussian(draws, 2)
    expect(Math.sqrt(draws.reduce((sum, value) => sum + value * value, 0) / draws.length)).toBeCloseTo(2, 0)
    const others = new Float64Array(4_000)
    seededNoise('noise 0/1').addGaussian(others, 2)
    expect(Math.abs(draws.reduce((sum, value, i) => sum + value * others[i]!, 0) / draws.length)).toBeLessThan(0.3)
  })
})

describe('tables of private training', () => {
  const result = (accuracy: number, worst: number): CellResult => ({ accuracy, worst, averageModelAccuracy: 0, consensus: 0, backdoorSuccess: null, honestExcluded: 0, byzantineExcluded: 0, failed: 0, seconds: 0 })
  const finished: Array<Finished<PrivateCell>> = privateCells(['epsilon 8'], [0, 1]).map((cell) => ({
    cell,
    result: cell.rule === 'alone' ? result(0.7, 0.6) : result(cell.byzantine > 0 ? 0.9 : 0.95 + 0.01 * cell.seed, 0.94)
  }))
  const table = { recipes: ['epsilon 8'] as const, examples: SHARE, comparable: true }

  it('hold means over seeds beside the reference, and both epsilons', () => {
    expect(privateTable(finished, table)).toEqual([{
      training: 'epsilon 8', alone: '70.0 (66.4, +3.6)', gossip: '95.5 (92.2, +3.3)', goal: '93', worst: '94.0', noise: '1.095', 'epsilon PLD': '7.990', 'epsilon RDP': '8.782'
    }])
    expect(privateTable(finished, { ...table, comparable: false })[0]).toMatchObject({ alone: '70.0', gossip: '95.5', goal: '-' })
    expect(privateTable([], table)[0]).toMatchObject({ alone: '-', gossip: '-', worst: '-' })
  })

  it('hold one row for each attack', () => {
    expect(attackTable(finished, table).map(({ attack, rule, accuracy }) => `${attack} ${rule} ${accuracy}`)).toEqual([
      'none gated-geometric-median 90.0', 'alie* gated-geometric-median 90.0', 'sign-flip gated-geometric-median 90.0', 'foe* gated-geometric-median 90.0'
    ])
  })
})
