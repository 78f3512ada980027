/**
 * Aggregation rules, beside a copy of the same vectors in the same run
 *
 *     npm run bench:aggregators
 *
 * Medians over samples that take turns, so that a busy machine slows all of them alike.
 */
import { AGGREGATION_RULES, createAggregator } from '../src/aggregators/aggregator.ts'
import { consensusDistance } from '../src/aggregators/consensus.ts'
import { differenceProducts } from '../src/aggregators/kernels/difference-products.ts'
import { combine } from '../src/aggregators/kernels/weighted-sum.ts'
import { seededNormal, seededRandom } from '../src/seeded-random.ts'
import { medianMs } from './timing.ts'
import type { AggregationInput } from '../src/interface.ts'

/** d, the number of parameters, with n = 10; then n, the vectors (own one included), with d = 1,000,000 */
const CASES = [
  ...[10_000, 100_000, 1_000_000, 10_000_000].map((size) => ({ size, count: 10 })),
  ...[4, 16, 32].map((count) => ({ size: 1_000_000, count }))
]
const SAMPLES = 9
const RULES = [
  ...AGGREGATION_RULES.filter((rule) => rule !== 'ubar').map((rule) => ({ rule, f: 1 })),
  { rule: 'trimmed-mean', f: 2 }, { rule: 'nnm+geometric-median', f: 1 }, { rule: 'nnm+trimmed-mean', f: 1 }
]
/** The most that a task may take, in copies of the same vectors, for n = 10 and d = 1,000,000 */
const GOALS: Readonly<Record<string, number>> = {
  mean: 2, median: 5, 'trimmed-mean f=2': 5, krum: 6, 'n x n distances': 6, 'geometric-median': 12, 'gated-geometric-median': 12, 'nearest-neighbour mixing': 8
}

/** Models after some rounds: a common vector and a small difference of each peer */
function modelsOf (count: number, size: number): Float32Array[] {
  const normal = seededNormal(seededRandom(size))
  const common = Float32Array.from({ length: size }, () => 0.05 * normal())
  return Array.from({ length: count }, () => common.map((value) => value + 0.01 * normal()))
}

function inputOf ([own, ...replicas]: readonly Float32Array[]): AggregationInput {
  return {
    own: own!,
    neighbours: replicas.map((parameters, j) => ({ peer: String(j).padStart(2, '0'), parameters, weight: 1 / (replicas.length + 1) }))
  }
}

const rows: Array<Record<string, string | number>> = []
for (const { size, count } of CASES) {
  const models = modelsOf(count, size)
  const target = new Float32Array(count * size)
  const input = inputOf(models)
  const tasks: Record<string, () => unknown> = {
    copy: () => { models.forEach((model, j) => { target.set(model, j * size) }) }
  }
  for (const { rule, f } of RULES) {
    const aggregator = createAggregator({ rule, f })
    if (count - 1 < aggregator.minimumNeighbours) {
      continue
    }
    tasks[rule === 'trimmed-mean' ? `${rule} f=${f}` : rule] = () => aggregator.aggregate(input)
  }
  tasks['n x n distances'] = () => differenceProducts(models[0]!, models.slice(1))
  const near = models.map((_, i) => Float64Array.from(models, (_, j) => i === j || (i + j) % 5 !== 0 ? 1 / count : 0))
  tasks['nearest-neighbour mixing'] = () => combine(models, near)
  tasks['consensus distance'] = () => consensusDistance(models)
  const times = medianMs(tasks, SAMPLES)
  for (const [name, ms] of Object.entries(times)) {
    rows.push({ d: size, n: count, task: name, ms: ms.toFixed(2), 'ms / copy': (ms / times.copy!).toFixed(1), goal: size === 1_000_000 && count === 10 ? GOALS[name] ?? '' : '', 'ns / (n d)': (ms * 1e6 / (count * size)).toFixed(2) })
  }
}
console.table(rows)
