/**
 * The agreement of one slot under many schedules of delays, losses, cuts, crashes and liars: none may be unsafe
 *
 *   npm run verify:agreement [-- --schedules 1000000 --seed 1 --threads 2]
 *
 * Small numbers of voters get more schedules, in proportion to 1 / n^2: so all of them cost about the same. A problem
 * comes with its seeds: `--voters 7 --seed SEED --schedules 1` runs one of them again.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { addTallies, emptyTally, table } from './agreement/tally.ts'
import type { Batch, Tally } from './agreement/tally.ts'

const VOTERS = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
const BATCH = 1_000

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    voters: { type: 'string', default: VOTERS.join() }
  }
})
const [schedules, seed, threads] = [Number(values.schedules), Number(values.seed), Number(values.threads)]
const voterCounts = values.voters.split(',').map(Number)
if (![schedules, seed, threads, ...voterCounts].every((number) => Number.isSafeInteger(number) && number >= 1)) {
  throw new RangeError('--schedules, --seed, --threads and --voters must be integers of at least 1')
}

function plan (): Batch[] {
  const weights = voterCounts.map((voters) => 1 / voters ** 2)
  const sum = weights.reduce((a, b) => a + b)
  return voterCounts.flatMap((voters, i) => {
    const count = Math.ceil(schedules * weights[i]! / sum)
    return Array.from({ length: Math.ceil(count / BATCH) }, (_, j) => ({ voters, firstSeed: seed + j * BATCH, schedules: Math.min(BATCH, count - j * BATCH) }))
  })
}

const queue = plan()
const batches = queue.length
const tallies = new Map<number, Tally>(voterCounts.map((voters) => [voters, emptyTally()]))
const started = performance.now()

/** One batch after another, until none is left */
async function work (): Promise<void> {
  const worker = new Worker(new URL('./agreement/schedule-worker.js', import.meta.url))
  try {
    for (let batch = queue.pop(); batch !== undefined; batch = queue.pop()) {
      worker.postMessage(batch)
      // rejects if the thread fails
      const [tally] = await once(worker, 'message') as [Tally]
      tallies.set(batch.voters, addTallies(tallies.get(batch.voters)!, tally))
      const done = batches - queue.length
      done % 20 === 0 && console.error(`${done} of ${batches} batches, ${((performance.now() - started) / 1_000).toFixed(0)} s`)
    }
  } finally {
    await worker.terminate()
  }
}

await Promise.all(Array.from({ length: threads }, work))
console.log(table(tallies))
console.log(`${((performance.now() - started) / 1_000).toFixed(0)} s`)
for (const [voters, { problems }] of tallies) {
  for (const [problem, { count, seeds }] of Object.entries(problems)) {
    console.log(`${voters} voters: ${problem}: ${count}, seeds ${seeds.join(', ')}`)
    process.exitCode = 1
  }
}
