/**
 * What each aggregation rule withstands: real MNIST training, the product's own aggregation code, liars who know all
 *
 *     npm run bench:robustness [-- --lies one,each --rules a,b
 *       --attacks x,y --seeds 0,1,2 --rounds 50 --resample 0 --no-quarantine --lie-every 1
 *       --threads 4 --json FILE --resume FILE]
 *     npm run bench:robustness -- --table ring [--rules a,b --attacks x,y --seeds 0,1,2 --rounds 900 --model mlp]
 *
 * Grid A: 20 honest peers on a random 8-regular graph, 2 liars beside each, Dirichlet 0.1, 50 rounds of 5 steps, MLP
 * 784-100-10, in the product's own rounds (src/simulation/): codec, limit of norms, quarantine, length of steps. Two
 * tables: liars that send one message to all, and liars that tell every target another lie. Proofs of equivocation,
 * which end the second kind among real peers, are left out, and so are bans. Mean accuracy of the honest peers' own
 * models on all test examples; in the second table beside the reference implementation's (another code base, one seed,
 * no quarantine; differences below 2 points are noise). Attacks with * choose their strength anew for every message and
 * round, `alie:10` has a fixed one; min-max and min-sum go as far as their definition allows, without a star.
 * `--attacks backdoor,backdoor-boosted` says on standard error how often a trigger works. `--lie-every 2` pauses in
 * every other round, which is what quarantine does not see.
 *
 * Ring: the published experiment of laboratory/ring.ts beside its authors' numbers. `--model cnn` takes their network,
 * whose steps take fifty times as long: ten minutes and more a cell.
 *
 * `--resume FILE` keeps what is done, and goes on from there as long as the code is the same.
 *
 * Uses the MNIST files in ../shared/data/mnist or GRAPEVINE_MNIST where they are, else generated digits, to which the
 * expected numbers do not apply.
 */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { GRID_ATTACKS, parseAttack } from './laboratory/attack-name.ts'
import { GRID_A } from './laboratory/cell.ts'
import { RING_ATTACKS, ringCells, ringRow, RING_ROWS } from './laboratory/ring.ts'
import { runCells } from './laboratory/run-cells.ts'
import { dataSource } from './laboratory/shared-data.ts'
import { gridTable, ringTable } from './laboratory/table.ts'
import type { Cell } from './laboratory/cell.ts'
import type { Finished } from './laboratory/run-cells.ts'

const DEFAULT_RULES = [
  'alone', 'mean', 'median', 'trimmed-mean', 'krum', 'multi-krum', 'geometric-median', 'gated-geometric-median',
  'centered-clipping', 'clipped-gossip', 'cs-plus', 'nnm+geometric-median', 'nnm+trimmed-mean', 'bucketing+geometric-median', 'balance', 'ubar'
]

/** With another one of these a grid is not the reference's */
const COMPARABLE = ['degree', 'byzantine', 'alpha', 'resample', 'lie-every'] as const

/** What a ring has no choice of */
const GRID_ONLY = [...COMPARABLE, 'lies'] as const

const { values } = parseArgs({
  options: {
    table: { type: 'string', default: 'grid' },
    rules: { type: 'string' },
    attacks: { type: 'string' },
    seeds: { type: 'string', default: '0' },
    rounds: { type: 'string' },
    degree: { type: 'string' },
    byzantine: { type: 'string' },
    alpha: { type: 'string' },
    resample: { type: 'string' },
    lies: { type: 'string' },
    'lie-every': { type: 'string' },
    'no-quarantine': { type: 'boolean', default: false },
    model: { type: 'string', default: 'mlp' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'string' },
    resume: { type: 'string' }
  }
})

function list (text: string | undefined, fallback: readonly string[]): readonly string[] {
  return text === undefined ? fallback : [...new Set(text.split(','))]
}

function numberOf (text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : Number(text)
}

function model (): Cell['model'] {
  if (values.model !== 'mlp' && values.model !== 'cnn') {
    throw new RangeError(`--model must be mlp or cnn, not ${values.model}`)
  }
  return values.model
}

const seeds = values.seeds.split(',').map(Number)
const source = await dataSource()
const running = { source, threads: Number(values.threads), resume: values.resume }
/** The expected numbers are of whole runs on MNIST */
const comparable = source.kind === 'idx' && values.rounds === undefined

function lies (): Array<Cell['lies']> {
  return list(values.lies, ['one', 'each']).map((name) => {
    if (name !== 'one' && name !== 'each') {
      throw new RangeError(`--lies must be one or each, or both, not ${name}`)
    }
    return name
  })
}

async function grid (): Promise<Finished[]> {
  const rules = list(values.rules, DEFAULT_RULES)
  const attacks = list(values.attacks, GRID_ATTACKS)
  attacks.forEach(parseAttack)
  const degree = numberOf(values.degree, GRID_A.degree)
  const byzantine = numberOf(values.byzantine, GRID_A.byzantine)
  const resample = values.resample === 'all' ? degree : numberOf(values.resample, GRID_A.resample)
  const settings = {
    ...GRID_A, degree, byzantine, resample, f: byzantine, quarantine: !values['no-quarantine'], lieEvery: numberOf(values['lie-every'], 1), model: model(), rounds: numberOf(values.rounds, GRID_A.rounds), alpha: numberOf(values.alpha, GRID_A.alpha)
  }
  const kinds = lies()
  const finished = await runCells(kinds.flatMap((kind) => rules.flatMap((rule) => attacks
    // nobody listens to a liar who is alone
    .filter((attack) => rule !== 'alone' || attack === 'none')
    .flatMap((attack) => seeds.map((seed) => ({ ...settings, lies: kind, rule, attack, seed }))))), running)
  for (const kind of kinds) {
    // the reference's liars tell every target another lie
    const isReference = kind === 'each' && comparable && settings.model === GRID_A.model && COMPARABLE.every((option) => values[option] === undefined)
    console.log(`\n${kind === 'one' ? 'one message to all' : 'to every target another lie'}: mean accuracy of honest peers, % (reference, difference)`)
    console.table(gridTable(finished.filter(({ cell }) => cell.lies === kind), { rules, attacks, comparable: isReference }))
  }
  return finished
}

async function ring (): Promise<Finished[]> {
  const meaningless = GRID_ONLY.find((option) => values[option] !== undefined)
  if (meaningless !== undefined) {
    throw new RangeError(`--${meaningless} belongs to --table grid: the ring has five peers, all data alike, and two liars beside each`)
  }
  const rows = values.rules === undefined ? RING_ROWS : list(values.rules, []).map(ringRow)
  const attacks = list(values.attacks, RING_ATTACKS)
  attacks.forEach(parseAttack)
  const finished = await runCells(ringCells({ rows, attacks, seeds, rounds: numberOf(values.rounds, 900), model: model() }), running)
  console.log('\naccuracy of the honest peers\' mean model, % (published, difference)')
  console.table(ringTable(finished, { rows, attacks, comparable }))
  if (values.model === 'mlp') {
    console.log('The published numbers are of a convolutional network of 1.2 million parameters, these of an MLP of 79,510: see docs/robustness.md')
  }
  return finished
}

async function finish (table: string): Promise<Finished[]> {
  switch (table) {
    case 'grid': return grid()
    case 'ring': return ring()
    default: throw new RangeError(`--table must be grid or ring, not ${table}`)
  }
}

const finished = await finish(values.table)
if (values.json !== undefined) {
  await writeFile(values.json, JSON.stringify(finished, null, 1) + '\n')
}
