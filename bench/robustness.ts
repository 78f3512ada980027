/**
 * What each aggregation rule withstands: real MNIST training, the product's own aggregation code, liars who know all
 *
 *     npm run bench:robustness [-- --rules a,b --attacks x,y --seeds 0,1,2 --rounds 50 --resample 0 --json FILE]
 *
 * Grid A: 20 honest peers on a random 8-regular graph, 2 liars beside each, Dirichlet 0.1, 50 rounds of 5 steps, MLP
 * 784-100-10. Mean accuracy of the honest peers' own models on all test examples, beside the reference implementation's
 * (another code base, one seed; differences below 2 points are noise). Attacks with * choose their strength anew for
 * every target and round. `--attacks backdoor,backdoor-boosted` prints how often a trigger works. Uses the MNIST files in ../shared/data/mnist or GRAPEVINE_MNIST where they are, else
 * generated digits, to which the reference numbers do not apply.
 */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { GRID_A, GRID_ATTACKS, LABORATORY_ATTACKS } from './laboratory/cell.ts'
import { REFERENCE } from './laboratory/reference.ts'
import { dataSource } from './laboratory/shared-data.ts'
import type { Cell, CellResult, GridAttack } from './laboratory/cell.ts'

const DEFAULT_RULES = [
  'alone', 'mean', 'median', 'trimmed-mean', 'krum', 'multi-krum', 'geometric-median', 'gated-geometric-median',
  'centered-clipping', 'clipped-gossip', 'cs-plus', 'nnm+geometric-median', 'nnm+trimmed-mean', 'bucketing+geometric-median', 'balance', 'ubar'
]

interface Finished {
  cell: Cell
  result: CellResult
}

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: DEFAULT_RULES.join(',') },
    attacks: { type: 'string', default: GRID_ATTACKS.join(',') },
    seeds: { type: 'string', default: '0' },
    rounds: { type: 'string', default: String(GRID_A.rounds) },
    degree: { type: 'string', default: String(GRID_A.degree) },
    byzantine: { type: 'string', default: String(GRID_A.byzantine) },
    alpha: { type: 'string', default: String(GRID_A.alpha) },
    resample: { type: 'string', default: '0' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'string' }
  }
})

function cells (): Cell[] {
  const settings = {
    ...GRID_A,
    rounds: Number(values.rounds),
    degree: Number(values.degree),
    byzantine: Number(values.byzantine),
    alpha: Number(values.alpha),
    resample: values.resample === 'all' ? Number(values.degree) : Number(values.resample)
  }
  const attacks = values.attacks.split(',') as GridAttack[]
  const unknown = attacks.find((attack) => !LABORATORY_ATTACKS.includes(attack))
  if (unknown !== undefined) {
    throw new RangeError(`unknown attack "${unknown}"; known are ${LABORATORY_ATTACKS.join(', ')}`)
  }
  return values.rules.split(',').flatMap((rule) => attacks
    // nobody listens to a liar who is alone
    .filter((attack) => rule !== 'alone' || attack === 'none')
    .flatMap((attack) => values.seeds.split(',').map((seed) => ({ ...settings, rule, attack, seed: Number(seed) }))))
}

/** Runs all cells on worker threads, each of which takes the next one when it is done */
async function runAll (queue: Cell[]): Promise<Finished[]> {
  const source = await dataSource()
  const finished: Finished[] = []
  const total = queue.length
  const pending = [...queue]
  process.stderr.write(`${total} cells on ${source.kind === 'idx' ? 'MNIST' : 'generated digits'}\n`)
  await Promise.all(Array.from({ length: Math.min(Number(values.threads), total) }, async () => new Promise<void>((resolve, reject) => {
    const worker = new Worker(new URL('./laboratory/cell-worker.js', import.meta.url), { workerData: { source } })
    worker.on('error', reject)
    worker.on('message', (message: 'ready' | Finished) => {
      if (message !== 'ready') {
        finished.push(message)
        const { cell, result } = message
        process.stderr.write(`${finished.length}/${total}  ${cell.rule}  ${cell.attack}  seed ${cell.seed}  ${(100 * result.accuracy).toFixed(1)} %  worst ${(100 * result.worst).toFixed(1)}  consensus ${result.consensus.toPrecision(3)}${result.backdoorSuccess === null ? '' : `  backdoor ${(100 * result.backdoorSuccess).toFixed(1)} %`}  left out ${(100 * result.byzantineExcluded).toFixed(0)} % of lies, ${(100 * result.honestExcluded).toFixed(0)} % of honest  ${result.seconds.toFixed(0)} s\n`)
      }
      const next = pending.shift()
      if (next === undefined) {
        void worker.terminate().then(() => { resolve() })
      } else {
        worker.postMessage(next)
      }
    })
  })))
  return finished
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

function table (finished: readonly Finished[]): void {
  const rules = [...new Set(values.rules.split(','))]
  const attacks = values.attacks.split(',') as GridAttack[]
  const rows = rules.map((rule) => {
    const row: Record<string, string> = { rule }
    const measured: number[] = []
    for (const attack of attacks) {
      const results = finished.filter(({ cell }) => cell.rule === rule && cell.attack === attack)
      if (results.length === 0) {
        row[attack] = '-'
        continue
      }
      const accuracy = 100 * mean(results.map(({ result }) => result.accuracy))
      measured.push(accuracy)
      const expected = values.resample === 'all' ? undefined : REFERENCE[rule]?.[attack]
      row[attack] = expected === undefined ? accuracy.toFixed(1) : `${accuracy.toFixed(1)} (${expected.toFixed(1)}, ${accuracy >= expected ? '+' : ''}${(accuracy - expected).toFixed(1)})`
    }
    row['worst'] = Math.min(...measured).toFixed(1)
    return row
  })
  console.log('\nmean accuracy of honest peers, % (reference, difference)')
  console.table(rows)
}

const finished = await runAll(cells())
table(finished)
if (values.json !== undefined) {
  await writeFile(values.json, JSON.stringify(finished, null, 1) + '\n')
}
