/**
 * The laboratory behind `npm run bench:robustness`, on generated digits
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawCoordinates, FACTORS, harmOf, withLies, worstFactor } from '../../bench/laboratory/adaptive.ts'
import { GRID_ATTACKS, LABORATORY_ATTACKS, parseAttack } from '../../bench/laboratory/attack-name.ts'
import { aggregatorFor, CANDIDATE_NAMES } from '../../bench/laboratory/candidates.ts'
import { GRID_A } from '../../bench/laboratory/cell.ts'
import { laboratoryDocument } from '../../bench/laboratory/document.ts'
import { fiedlerVector, honestGraph } from '../../bench/laboratory/graph.ts'
import { runGridCell } from '../../bench/laboratory/grid-cell.ts'
import { codeDigest, keyOf, knownCells, remember } from '../../bench/laboratory/known-cells.ts'
import { adaptiveDirection, fixedDirection, meanDirection, meanLies, mostTelling, plainLies } from '../../bench/laboratory/lies.ts'
import { liarsBeside, mixingWeights } from '../../bench/laboratory/mixing.ts'
import { liarGroups, placedGraph } from '../../bench/laboratory/placement.ts'
import { eightWeiszfeldSteps } from '../../bench/laboratory/published-geometric-median.ts'
import { PublishedRing } from '../../bench/laboratory/published-ring.ts'
import { gridReference } from '../../bench/laboratory/reference.ts'
import { publishedAccuracy, RING_ATTACKS, RING_ROWS, ringCells, ringRow } from '../../bench/laboratory/ring.ts'
import { loadShared, shares, subset } from '../../bench/laboratory/shared-data.ts'
import { comparison, gridTable, ringTable } from '../../bench/laboratory/table.ts'
import { fallOfEmpires, littleIsEnough } from '../../src/attacks/directions.ts'
import { gaussian } from '../../src/attacks/gaussian.ts'
import { meanOf, squaredDistance } from '../../src/attacks/statistics.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { planModel } from '../../src/model/topology.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import type { Cell, CellResult } from '../../bench/laboratory/cell.ts'
import type { Target } from '../../bench/laboratory/lies.ts'
import type { Dataset } from '../../src/data/examples.ts'
import type { AggregationInput } from '../../src/interface.ts'
import type { Backend } from '../../src/model/backend.ts'

/** Six honest peers that all know each other, and two liars beside each: less than a second a cell */
const SMALL: Cell = { ...GRID_A, rule: 'mean', attack: 'none', seed: 0, peers: 6, degree: 5, rounds: 12, alpha: 1 }

let dataset: Dataset
let backend: Backend

/** Five peers, two liars beside each, three rounds of one step */
const RING: Cell = ringCells({ rows: [ringRow('mean')], attacks: ['foe:0.1'], seeds: [0], rounds: 3 })[0]!

function ring (cell: Partial<Cell>): CellResult {
  const whole = { ...RING, examplesPerPeer: 64, ...cell }
  return new PublishedRing(whole, { document: laboratoryDocument(whole), dataset, backend }).run()
}

function vectors (count: number, size: number, seed: number | string = 1): Float32Array[] {
  const normal = seededNormal(seededRandom(seed))
  return Array.from({ length: count }, () => Float32Array.from({ length: size }, () => 1 + 0.1 * normal()))
}

/** Peer 0 of four, whose neighbours are 1 and 3 */
function target (init: Partial<Target> = {}): Target {
  return {
    index: 0,
    models: vectors(4, 50),
    neighbours: [1, 3],
    weights: { honest: [0.2, 0.2], liar: 0.2 },
    byzantine: 2,
    fiedler: Float64Array.of(0.5, -0.5, 0.5, -0.5),
    poisoned: vectors(2, 50, 'poisoned'),
    mimicked: 2,
    round: 1,
    random: seededRandom('lie'),
    ...init
  }
}

const folders: string[] = []
async function temporaryFolder (): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'laboratory-'))
  folders.push(folder)
  return folder
}

afterAll(async () => {
  await Promise.all(folders.map(async (folder) => rm(folder, { recursive: true, force: true })))
})

beforeAll(async () => {
  dataset = await loadShared({ kind: 'digits', seed: 1, trainExamples: 1600, testExamples: 200 }, laboratoryDocument(GRID_A).model)
  backend = await loadBackend('wasm')
})

describe('a cell of a grid', () => {
  const grid = async (cell: Partial<Cell>): Promise<CellResult> => runGridCell({ ...SMALL, ...cell }, { dataset, backend })

  it.each(['one', 'each'] as const)('shows that adaptive ALIE ruins the mean and not the default rule: %s lie', async (lies) => {
    const quiet = await grid({ lies, rule: 'gated-geometric-median' })
    const ruined = await grid({ lies, attack: 'alie*', quarantine: false })
    const withstood = await grid({ lies, rule: 'gated-geometric-median', attack: 'alie*' })

    expect(quiet.accuracy).toBeGreaterThan(0.75)
    expect(ruined.accuracy).toBeLessThan(0.5)
    expect(withstood.accuracy).toBeGreaterThan(0.75)
  })

  it('repeats itself from a seed and differs with another, and with what is told to whom', async () => {
    const cell = { rule: 'gated-geometric-median', attack: 'alie*', rounds: 2, peers: 8, degree: 4 }
    const [first, again, other, one] = await Promise.all([grid(cell), grid(cell), grid({ ...cell, seed: 1 }), grid({ ...cell, lies: 'one' })])
    const digest = ({ seconds: _, ...result }: CellResult): object => result

    expect(digest(again)).toEqual(digest(first))
    expect(other.consensus).not.toBe(first.consensus)
    expect(one.consensus).not.toBe(first.consensus)
  })

  it('leaves every peer to itself when nobody mixes', async () => {
    expect((await grid({ rule: 'alone', rounds: 2 })).consensus).toBeGreaterThan(2 * (await grid({ rounds: 2 })).consensus)
  })

  it('has quarantine, which saves the mean from liars that stand apart, and can do without', async () => {
    const sign = { attack: 'sign-flip', rounds: 20 }
    const [held, heard] = [await grid(sign), await grid({ ...sign, quarantine: false })]

    expect(held.liesRefused!['quarantined']).toBeGreaterThan(0.5)
    expect(heard.byzantineExcluded).toBe(0)
    expect(held.accuracy).toBeGreaterThan(heard.accuracy)
  })

  it('has liars that pause, and are then neither held back nor left out', async () => {
    const patient = await grid({ rule: 'gated-geometric-median', attack: 'foe*', rounds: 12, lieEvery: 2 })

    expect(patient.liesRefused!['quarantined'] ?? 0).toBe(0)
    expect(patient.consensus).not.toBe((await grid({ rule: 'gated-geometric-median', attack: 'none', rounds: 12 })).consensus)
  })

  it('says how often a trigger works, and only when there is one', async () => {
    expect((await grid({ rounds: 1 })).backdoorSuccess).toBeNull()
    expect((await grid({ attack: 'backdoor', rounds: 8 })).backdoorSuccess).toBeGreaterThan(0.5)
  })

  it.each([...LABORATORY_ATTACKS, 'alie:10', 'foe:0.1'].flatMap((attack) => (['one', 'each'] as const).map((lies) => ({ attack, lies }))))('runs under $attack, $lies', async ({ attack, lies }) => {
    const result = await grid({ rule: 'gated-geometric-median', attack, lies, rounds: 1, examplesPerPeer: 40 })

    expect(result.accuracy).toBeGreaterThanOrEqual(result.worst)
    expect(result.accuracy).toBeLessThanOrEqual(1)
    expect(result.failed).toBe(0)
  })

  it.each(CANDIDATE_NAMES.slice(0, 2).concat('rfa8', 'clipped-gossip:0.1', 'ubar', 'bucketing+median'))('runs with %s', async (rule) => {
    expect((await grid({ rule, attack: 'foe*', rounds: 1, examplesPerPeer: 40, peers: 8, degree: 6 })).accuracy).toBeGreaterThan(0)
  })

  it('refuses a rule and an attack that it does not know', async () => {
    await expect(grid({ rule: 'median-of-medians' })).rejects.toThrow(/median-of-medians/)
    await expect(grid({ attack: 'alie' })).rejects.toThrow(RangeError)
  })
})

describe('liars', () => {
  it('stand beside as many honest peers each, two beside every one, on one side of the weakest cut', () => {
    const graph = honestGraph({ ...GRID_A, seed: 0 }, 1)
    const groups = liarGroups(GRID_A, graph)
    const sides = fiedlerVector(graph)

    expect(groups.map(({ length }) => length)).toEqual([10, 10])
    expect(Math.max(...groups[0]!.map((i) => sides[i]!))).toBeLessThanOrEqual(Math.min(...groups[1]!.map((i) => sides[i]!)))
    const drawn = placedGraph({ ...SMALL, ...GRID_A, seed: 0 }, groups)([], 1)
    expect([...drawn].map(([, neighbours]) => neighbours.length)).toEqual(new Array(24).fill(10))
    for (const [peer, neighbours] of drawn) {
      neighbours.forEach((other) => { expect(drawn.get(other)).toContain(peer) })
    }
    expect(liarGroups({ ...GRID_A, byzantine: 0 }, graph)).toEqual([])
  })

  it('start one message to several targets from the mean of what each would be told', () => {
    const [a, b] = [fixedDirection('alie', target()), fixedDirection('alie', target({ index: 2, neighbours: [0, 1] }))]
    const { base, direction } = meanDirection([a, b])

    base.forEach((value, i) => { expect(value).toBeCloseTo((a.base[i]! + b.base[i]!) / 2, 5) })
    direction.forEach((value, i) => { expect(value).toBeCloseTo((a.direction[i]! + b.direction[i]!) / 2, 5) })
    expect(meanDirection([a])).toBe(a)
    // a copy of somebody's model is one
    expect(meanLies('mimic', [[a.base], [b.base]])).toEqual([a.base])
    expect(meanLies('sign-flip', [[a.base], [b.base]])).toEqual([base])
  })
})

describe('cells that are known', () => {
  const cell = { ...SMALL }
  const result: CellResult = { accuracy: 0.9, worst: 0.8, averageModelAccuracy: 0.95, consensus: 1, backdoorSuccess: null, honestExcluded: 0, byzantineExcluded: 0, failed: 0, seconds: 1 }

  it('are those of the same code, and none where there is no file', async () => {
    const file = join(await temporaryFolder(), 'cells.jsonl')
    expect((await knownCells(file, 'this')).size).toBe(0)
    await remember(file, 'this', { cell, result })
    await remember(file, 'another', { cell: { ...cell, seed: 1 }, result })
    expect(await knownCells(file, 'this')).toEqual(new Map([[keyOf(cell), result]]))
  })

  it('are told from others by every module', async () => {
    const folder = await temporaryFolder()
    const digest = async (): Promise<string> => codeDigest([pathToFileURL(`${folder}/`)])
    await writeFile(join(folder, 'a.js'), 'one')
    await writeFile(join(folder, 'note.md'), 'one')
    const first = await digest()
    await writeFile(join(folder, 'note.md'), 'two')
    expect(await digest()).toBe(first)
    await writeFile(join(folder, 'a.js'), 'two')
    expect(await digest()).not.toBe(first)
  })
})

describe('a cell of the published ring', () => {
  it('repeats itself from a seed and differs with another', () => {
    const cell = { rule: 'gated-geometric-median', attack: 'gaussian*', rounds: 1 }
    const [first, again, other] = [ring(cell), ring(cell), ring({ ...cell, seed: 1 })].map(({ seconds: _, ...result }) => result)

    expect(again).toEqual(first)
    expect(other!.consensus).not.toBe(first!.consensus)
  })

  it('counts what a rule leaves out by who said it', () => {
    const { byzantineExcluded, honestExcluded } = ring({ rule: 'gated-geometric-median', f: 1, byzantine: 1, attack: 'gaussian:10' })

    expect(byzantineExcluded).toBe(1)
    expect(honestExcluded).toBe(0)
  })

  it.each([...LABORATORY_ATTACKS.filter((attack) => !/label|backdoor/.test(attack)), 'alie:10', 'foe:0.1', 'dissensus:1.5', 'gaussian:1', 'spectral:1'])('runs under %s', (attack) => {
    const result = ring({ rule: 'gated-geometric-median', attack, rounds: 1 })

    expect(result.accuracy).toBeGreaterThanOrEqual(result.worst)
    expect(result.accuracy).toBeLessThanOrEqual(1)
    expect(result.consensus).toBeGreaterThanOrEqual(0)
  })

  it('gives the first peer its third liar', () => {
    // the mean of five honest models and the lies beside them: one liar more at one peer moves the mean model
    expect(ring({ extraLiars: 1 }).consensus).toBeGreaterThan(1.5 * ring({ extraLiars: 0 }).consensus)
  })

  it('refuses a rule and an attack that it does not know, and poisoned data', () => {
    expect(() => ring({ rule: 'median-of-medians' })).toThrow(RangeError)
    expect(() => ring({ attack: 'alie' })).toThrow(RangeError)
    expect(() => ring({ attack: 'label-flip' })).toThrow(/belongs to a grid/)
  })
})

describe('the honest graph', () => {
  const invariants = (graph: ReadonlyArray<readonly number[]>): void => {
    for (const [i, neighbours] of graph.entries()) {
      expect(neighbours).toEqual([...new Set(neighbours)].sort((a, b) => a - b))
      expect(neighbours).not.toContain(i)
      for (const j of neighbours) {
        expect(graph[j]).toContain(i)
      }
    }
  }

  it.each([0, 1, 2])('is regular, symmetric and without loops, seed %i', (seed) => {
    const graph = honestGraph({ ...GRID_A, seed }, 1)

    invariants(graph)
    expect(graph.map(({ length }) => length)).toEqual(new Array(20).fill(8))
    expect(honestGraph({ ...GRID_A, seed }, 2)).toEqual(graph)
    expect(honestGraph({ ...GRID_A, seed: seed + 1 }, 1)).not.toEqual(graph)
  })

  it('is drawn anew every round as far as it is re-sampled', () => {
    const [first, second] = [1, 2].map((round) => honestGraph({ ...GRID_A, seed: 0, resample: 8 }, round))

    invariants(first!)
    invariants(second!)
    expect(second).not.toEqual(first)
  })

  it('is a ring', () => {
    const graph = honestGraph({ ...GRID_A, seed: 0, peers: 5, graph: 'ring' }, 1)

    invariants(graph)
    expect(graph).toEqual([[1, 4], [0, 2], [1, 3], [2, 4], [0, 3]])
  })

  it('has a Fiedler vector of length 1 and sum 0 that parts two cliques joined by one edge', () => {
    const graph = [[1, 2], [0, 2], [0, 1, 3], [2, 4, 5], [3, 5], [3, 4]]
    const vector = fiedlerVector(graph)

    expect(Math.hypot(...vector)).toBeCloseTo(1, 10)
    expect(vector.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 10)
    expect(new Set([...vector.subarray(0, 3)].map(Math.sign))).not.toEqual(new Set([...vector.subarray(3)].map(Math.sign)))
    // (5 - sqrt 17) / 2, the algebraic connectivity of this graph
    const stretch = graph.flatMap((neighbours, i) => neighbours.map((j) => (vector[i]! - vector[j]!) ** 2 / 2)).reduce((sum, part) => sum + part, 0)
    expect(stretch).toBeCloseTo((5 - Math.sqrt(17)) / 2, 6)
  })
})

describe('the weights of the messages', () => {
  const ring = honestGraph({ ...GRID_A, seed: 0, peers: 5, graph: 'ring' }, 1)

  it('are equal in a grid', () => {
    expect(mixingWeights({ byzantine: 2, extraLiars: 0, mixing: 'equal' }, [[1], [0]])).toEqual(new Array(2).fill({ honest: [1 / 4], liar: 1 / 4 }))
  })

  it('are those that the published logs print for 15 peers: 0.556 for the own model, 0.111 for each of four neighbours', () => {
    const rows = mixingWeights({ byzantine: 2, extraLiars: 0, mixing: 'lazy' }, ring)

    for (const { honest, liar } of rows) {
      expect(honest).toEqual([expect.closeTo(1 / 9, 12), expect.closeTo(1 / 9, 12)])
      expect(liar).toBeCloseTo(1 / 9, 12)
    }
  })

  it('stay symmetric, and at least half for the own model, where one peer has a liar more', () => {
    const cell = { byzantine: 2, extraLiars: 1, mixing: 'lazy' } as const
    const rows = mixingWeights(cell, ring)

    expect(ring.map((_, i) => liarsBeside(cell, i))).toEqual([3, 2, 2, 2, 2])
    rows.forEach(({ honest, liar }, i) => {
      ring[i]!.forEach((j, at) => { expect(honest[at]).toBe(rows[j]!.honest[ring[j]!.indexOf(i)]) })
      expect(honest.reduce((sum, weight) => sum + weight, 0) + liarsBeside(cell, i) * liar).toBeLessThanOrEqual(0.5)
    })
    expect(rows[0]).toEqual({ honest: [expect.closeTo(1 / 11, 12), expect.closeTo(1 / 11, 12)], liar: expect.closeTo(1 / 11, 12) as number })
    expect(rows[1]!.liar).toBeCloseTo(6 / 55, 12)
  })
})

describe('attacks by name', () => {
  it('have a strength that is searched for, said, or missing', () => {
    expect(parseAttack('alie*')).toEqual({ kind: 'adaptive', name: 'alie' })
    expect(parseAttack('alie:10')).toEqual({ kind: 'fixed', name: 'alie', strength: 10 })
    expect(parseAttack('min-max')).toEqual({ kind: 'plain', name: 'min-max' })
  })

  it.each(['alie', 'alie:', 'alie:0', 'alie:-1', 'alie:x', 'alie:Infinity', 'alie**', 'min-max*', 'mimic:2', 'toString', ''])('are refused: "%s"', (name) => {
    expect(() => parseAttack(name)).toThrow(RangeError)
  })

  it('include every column of grid A', () => {
    expect(GRID_ATTACKS.filter((name) => !LABORATORY_ATTACKS.includes(name))).toEqual([])
  })
})

describe('lies', () => {
  it('of a fixed strength are those of src/attacks, told by whoever knows the target and its neighbours', () => {
    const view = target()
    const known = { own: view.models[0]!, observed: [view.models[1]!, view.models[3]!], round: 1, random: seededRandom('lie') }
    const lie = (name: 'alie' | 'foe' | 'gaussian', strength: number): number[] => {
      const { base, direction } = fixedDirection(name, target())
      return [...direction.map((value, i) => base[i]! + strength * value)]
    }
    const close = (values: Float32Array): number[] => [...values].map((value) => expect.closeTo(value, 4) as number)

    expect(lie('alie', 10)).toEqual(close(littleIsEnough(10).corrupt(known)))
    expect(lie('foe', 0.1)).toEqual(close(fallOfEmpires(0.1).corrupt(known)))
    expect(lie('gaussian', 2)).toEqual(close(gaussian(2).corrupt(known)))
  })

  it('of dissensus cancel at strength 1 what honest neighbours say, whatever the weights', () => {
    const view = target({ weights: { honest: [0.1, 0.25], liar: 0.15 } })
    const { base, direction } = fixedDirection('dissensus', view)
    const [own, first, second] = [view.models[0]!, view.models[1]!, view.models[3]!]

    expect(base).toBe(own)
    direction.forEach((value, i) => {
      expect(0.1 * (first[i]! - own[i]!) + 0.25 * (second[i]! - own[i]!) + 2 * 0.15 * value).toBeCloseTo(0, 6)
    })
  })

  it('of gaussian* are at strength 1 as wide as honest models differ', () => {
    const { models } = target({ models: vectors(4, 4000) })
    const { base, direction } = adaptiveDirection('gaussian', target({ models }))

    expect(base).toBe(models[0])
    expect(Math.sqrt(meanOf([direction.map((value) => value * value)]).reduce((sum, value) => sum + value, 0) / 4000)).toBeCloseTo(0.1, 1)
  })

  it('of min-max and min-sum stay within the honest spread, and are not honest', () => {
    const view = target()
    const honest = [0, 1, 3].map((i) => view.models[i]!)
    const apart = (a: Float32Array): number[] => honest.map((b) => squaredDistance(a, b))
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
    const [[far], [long]] = [plainLies('min-max', view), plainLies('min-sum', view)]

    expect(Math.max(...apart(far!)) / Math.max(...honest.flatMap(apart))).toBeCloseTo(1, 3)
    expect(sum(apart(long!)) / Math.max(...honest.map((model) => sum(apart(model))))).toBeCloseTo(1, 3)
  })

  it('of mimic are the model of the peer that tells most, for every target', () => {
    const models = vectors(4, 50)
    models[2] = models[2]!.map((value) => value + 1)

    expect(mostTelling(models)).toBe(2)
    expect(plainLies('mimic', target({ models }))).toEqual([models[2], models[2]])
  })

  it('are as many as there are liars', () => {
    for (const name of ['none', 'label-flip', 'sign-flip', 'min-max', 'min-sum', 'mimic', 'backdoor', 'backdoor-boosted'] as const) {
      expect(plainLies(name, target({ byzantine: 3 }))).toHaveLength(3)
    }
  })
})

describe('the search for a strength', () => {
  const models = vectors(8, 60)
  const input: AggregationInput = {
    own: models[0]!,
    neighbours: models.slice(1).map((parameters, j) => ({ peer: `00${j}`, parameters, weight: 1 / 10 }))
  }
  const towards = { base: models[0]!, direction: new Float32Array(60).fill(1) }
  const harm = (name: string, longest = Infinity): (factor: number) => number => harmOf(input, towards, { count: 2, weight: 1 / 10, longest }, {
    rule: aggregatorFor(name, 2, seededRandom(1)),
    ideal: aggregatorFor(name, 0, seededRandom(1)),
    coordinates: drawCoordinates(60, seededRandom(1))
  })
  const searched = (name: string): number => worstFactor([harm(name)])

  it('goes as far as it can against the mean, and stays within the gate of a rule that has one', () => {
    expect(searched('mean')).toBe(10)
    expect(searched('gated-geometric-median')).toBeLessThan(2)
  })

  it('stays within what is not refused for its length, and among several targets does most to all together', () => {
    const length = (factor: number): number => Math.hypot(...towards.base.map((value) => value + factor))
    expect(worstFactor([harm('mean', length(4))])).toBe(4)
    expect(harm('mean', length(4) - 0.01)(4)).toBe(0)
    expect(worstFactor([(factor) => factor === 1 ? 3 : 0, (factor) => factor === 2 ? 2 : 0, (factor) => factor === 2 ? 2 : 0])).toBe(2)
  })

  it('finds the factor whose true deviation is the largest of all candidates', () => {
    for (const name of ['geometric-median', 'multi-krum', 'clipped-gossip', ...CANDIDATE_NAMES]) {
      const harms = FACTORS.map((factor) => {
        const lie = towards.direction.map((value, i) => towards.base[i]! + factor * value)
        const { parameters } = aggregatorFor(name, 2, seededRandom(1)).aggregate(withLies(input, [lie, lie], 1 / 10))
        const alone = { ...input, neighbours: input.neighbours.map((neighbour) => ({ ...neighbour, weight: 1 / 8 })) }
        return squaredDistance(parameters, aggregatorFor(name, 0, seededRandom(1)).aggregate(alone).parameters)
      })
      expect(harms[FACTORS.indexOf(searched(name))], name).toBeCloseTo(Math.max(...harms), 4)
    }
  })

  it('looks at some coordinates of a large model, each once, and at all of a small one', () => {
    const drawn = drawCoordinates(79_510, seededRandom(1))

    expect(drawn).toHaveLength(4000)
    expect([...new Set(drawn)].sort((a, b) => a - b)).toEqual([...drawn])
    expect(drawn.at(-1)).toBeLessThan(79_510)
    expect([...drawCoordinates(5, seededRandom(1))]).toEqual([0, 1, 2, 3, 4])
  })
})

describe('rules by name', () => {
  const models = vectors(9, 30)
  const input: AggregationInput = {
    own: models[0]!,
    neighbours: models.slice(1).map((parameters, j) => ({ peer: `00${j}`, parameters, weight: 1 / 9 }))
  }

  it.each(CANDIDATE_NAMES)('%s stays among the honest models', (name) => {
    const { parameters } = aggregatorFor(name, 2, seededRandom(1)).aggregate(input)

    parameters.forEach((value, i) => {
      const column = models.map((model) => model[i]!)
      expect(value).toBeGreaterThanOrEqual(Math.min(...column) - 1e-6)
      expect(value).toBeLessThanOrEqual(Math.max(...column) + 1e-6)
    })
  })

  it('take a radius after a colon where they clip', () => {
    const moved = (name: string): number => Math.sqrt(squaredDistance(aggregatorFor(name, 2, seededRandom(1)).aggregate(input).parameters, models[0]!))

    expect(moved('clipped-gossip:0.01')).toBeLessThanOrEqual(8 / 9 * 0.01 + 1e-6)
    expect(moved('clipped-gossip:1000')).toBeCloseTo(moved('mean'), 5)
    for (const name of ['median:1', 'clipped-gossip:0', 'clipped-gossip:x', 'clipped-gossip:', 'rfa9']) {
      expect(() => aggregatorFor(name, 2, seededRandom(1)), name).toThrow(RangeError)
    }
  })

  it('know the eight steps from zero of the published logs, which two small liars of five hold back', () => {
    const honest = [1, 1.01, 0.99].map((scale) => new Float32Array(100).fill(scale))
    const lie = meanOf(honest).map((value) => -0.1 * value)
    const held = eightWeiszfeldSteps([...honest, lie, lie])

    expect(eightWeiszfeldSteps(honest)[0]).toBeCloseTo(1, 1)
    expect(held[0]).toBeLessThan(0.75)
    expect(aggregatorFor('rfa8', 2, seededRandom(1)).aggregate({
      own: honest[0]!, neighbours: [honest[1]!, honest[2]!, lie, lie].map((parameters, j) => ({ peer: `00${j}`, parameters, weight: 0.1 }))
    }).parameters).toEqual(held)
  })
})

describe('the data', () => {
  it('are split into shares that are whole, or as large as a peer keeps', () => {
    const sizes = (cell: Partial<Cell>): number[] => shares(dataset.train, { ...SMALL, ...cell }).map(({ count }) => count)

    expect(sizes({}).reduce((sum, count) => sum + count, 0)).toBe(1600)
    expect(sizes({ alpha: Infinity })).toEqual([266, 267, 267, 266, 267, 267])
    expect(sizes({ alpha: Infinity, examplesPerPeer: 60 })).toEqual(new Array(6).fill(60))
  })

  it('of a subset are those of the rows', () => {
    const part = subset(dataset.train, Uint32Array.of(7, 3))
    const [inside, outside] = [new Float32Array(784), new Float32Array(784)]
    part.writeInputs(1, inside, 0)
    dataset.train.writeInputs(3, outside, 0)

    expect([part.count, ...part.labels]).toEqual([2, dataset.train.labels[7], dataset.train.labels[3]])
    expect(inside).toEqual(outside)
  })

  it('train the published network of 1,199,882 parameters', () => {
    expect(planModel(laboratoryDocument({ model: 'cnn', steps: 1, learningRate: 0.01 }).model).parameterCount).toBe(1_199_882)
    expect(planModel(laboratoryDocument(GRID_A).model).parameterCount).toBe(79_510)
  })
})

describe('expected numbers', () => {
  it('of grid A are looked up by rule and attack, and missing where nothing was measured', () => {
    expect(gridReference('gated-geometric-median', 'foe*')).toBe(86.2)
    expect(gridReference('alone', 'none')).toBe(40.4)
    expect(gridReference('alone', 'alie*')).toBeUndefined()
    expect(gridReference('balance', 'sign-flip')).toBeUndefined()
    expect(gridReference('mean', 'mimic')).toBeUndefined()
    expect(gridReference('toString', 'none')).toBeUndefined()
  })

  it('of the ring are looked up by network and attack', () => {
    expect(publishedAccuracy(ringRow('trimmed-mean'), 'n15', 'foe:0.1')).toBe(84.81)
    expect(publishedAccuracy(ringRow('rfa8'), 'n16', 'dissensus:1.5')).toBe(9.81)
    expect(publishedAccuracy(ringRow('rfa8'), 'n16', 'alie*')).toBeUndefined()
    expect(publishedAccuracy(ringRow('mean'), 'n15', 'alie:10')).toBeUndefined()
  })

  it('of the ring are for two networks, three attacks and every row', () => {
    const cells = ringCells({ rows: RING_ROWS, attacks: RING_ATTACKS, seeds: [0] })

    expect(cells).toHaveLength(RING_ROWS.length * 2 * 3)
    expect(new Set(cells.map(({ row, network, attack }) => `${row} ${network} ${attack}`)).size).toBe(cells.length)
    expect(cells.filter(({ extraLiars }) => extraLiars === 1).every(({ network }) => network === 'n16')).toBe(true)
  })

  it('stand in brackets behind what was measured, with the difference', () => {
    expect(comparison(90.12, 91.5)).toBe('90.1 (91.5, -1.4)')
    expect(comparison(91.5, 90)).toBe('91.5 (90.0, +1.5)')
    expect(comparison(50, undefined)).toBe('50.0')
  })

  it('fill tables of means over the seeds', () => {
    const result: CellResult = { accuracy: 0.9, worst: 0.8, averageModelAccuracy: 0.95, consensus: 1, backdoorSuccess: null, honestExcluded: 0, byzantineExcluded: 0, failed: 0, seconds: 1 }
    const grid = [0.9, 0.8].map((accuracy, seed) => ({ cell: { ...SMALL, seed }, result: { ...result, accuracy } }))
    const ring = ringCells({ rows: [ringRow('rfa8')], attacks: ['alie:10'], seeds: [0] }).map((cell) => ({ cell, result }))

    expect(gridTable(grid, { rules: ['mean'], attacks: ['none', 'alie*'], comparable: true })).toEqual([{ rule: 'mean', none: '85.0 (93.9, -8.9)', 'alie*': '-', worst: '85.0' }])
    expect(ringTable(ring, { rows: [ringRow('rfa8')], attacks: ['alie:10'], comparable: true })).toEqual([{ rule: 'rfa8', 'n15 alie:10': '95.0 (9.8, +85.2)', 'n16 alie:10': '95.0 (9.8, +85.2)' }])
    expect(ringTable(ring, { rows: [ringRow('rfa8')], attacks: ['alie:10'], comparable: false })[0]!['n15 alie:10']).toBe('95.0')
  })
})
