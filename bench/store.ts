/**
 * Commit and read a version, beside a plain fsynced file of the same bytes in the same run; and what the folder grows
 * to
 *
 *     npm run bench:store
 *
 * Medians over samples that take turns, so that a busy machine or disk slows all of them alike.
 */
import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { median } from '../src/aggregators/median.ts'
import { seededNormal, seededRandom } from '../src/seeded-random.ts'
import { createLevelStore } from '../src/store/level-store.ts'
import { systemClock } from '../src/system-clock.ts'

/** Bytes as float32 -> samples; the small ones are also the model of 79,510 parameters of a small MLP */
const SIZES: ReadonlyArray<[bytes: number, samples: number]> = [[318_040, 100], [1_000_000, 60], [20_000_000, 20]]
const GROWTH: ReadonlyArray<[bytes: number, rounds: number]> = [[318_040, 500], [20_000_000, 30]]
const KEEP_VERSIONS = 10

const folder = await mkdtemp(join(tmpdir(), 'grapevine-bench-'))

async function timed (task: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await task()
  return performance.now() - start
}

function parametersOf (bytes: number): Float32Array {
  const normal = seededNormal(seededRandom(bytes))
  return Float32Array.from({ length: bytes / 4 }, () => 0.05 * normal())
}

/** The least that a durable write costs: one new file, written and synced */
async function writeSynced (path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
}

async function bytesOnDisk (location: string): Promise<number> {
  // a compaction may delete a file between the two calls
  const sizes = await Promise.all((await readdir(location)).map(async (name) => stat(join(location, name)).then(({ size }) => size, () => 0)))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The next local step: every parameter is another one, so that nothing can be stored as a repetition */
function step (parameters: Float32Array): void {
  for (let i = 0; i < parameters.length; i++) {
    parameters[i] = parameters[i]! * 0.999 + 1e-5
  }
}

async function benchTimes (bytes: number, samples: number): Promise<Record<string, string | number>> {
  const store = createLevelStore({ location: join(folder, `times-${bytes}`), keepVersions: KEEP_VERSIONS, clock: systemClock })
  await store.open()
  const parameters = parametersOf(bytes)
  const times = { commit: [] as number[], read: [] as number[], fileWrite: [] as number[], fileRead: [] as number[] }
  const [loopDelay, fileLoopDelay] = [monitorEventLoopDelay({ resolution: 1 }), monitorEventLoopDelay({ resolution: 1 })]
  for (let sample = -1; sample < samples; sample++) {
    step(parameters)
    const path = join(folder, `file-${(sample + 1) % KEEP_VERSIONS}`)
    let id = ''
    loopDelay.enable()
    const commit = await timed(async () => {
      id = (await store.commit({ federation: 'bench', round: sample + 1, parents: [], parameters, metrics: {} })).id
    })
    const read = await timed(async () => store.parameters(id))
    loopDelay.disable()
    fileLoopDelay.enable()
    const fileWrite = await timed(async () => writeSynced(path, new Uint8Array(parameters.buffer)))
    const fileRead = await timed(async () => readFile(path))
    fileLoopDelay.disable()
    if (sample >= 0) {
      times.commit.push(commit)
      times.read.push(read)
      times.fileWrite.push(fileWrite)
      times.fileRead.push(fileRead)
    }
  }
  await store.close()
  const [commit, read, fileWrite, fileRead] = [median(times.commit), median(times.read), median(times.fileWrite), median(times.fileRead)]
  return {
    MB: (bytes / 1e6).toFixed(1),
    'commit ms': commit.toFixed(2),
    'slowest commit ms': Math.max(...times.commit).toFixed(0),
    'synced file ms': fileWrite.toFixed(2),
    'commit / file': (commit / fileWrite).toFixed(2),
    'read ms': read.toFixed(2),
    'file read ms': fileRead.toFixed(2),
    'read / file': (read / fileRead).toFixed(2),
    'event loop p99 ms': (loopDelay.percentile(99) / 1e6).toFixed(1),
    'with the file ms': (fileLoopDelay.percentile(99) / 1e6).toFixed(1)
  }
}

async function benchGrowth (bytes: number, rounds: number): Promise<Record<string, string | number>> {
  const location = join(folder, `growth-${bytes}`)
  const store = createLevelStore({ location, keepVersions: KEEP_VERSIONS, clock: systemClock })
  await store.open()
  const parameters = parametersOf(bytes)
  let largest = 0
  for (let round = 1; round <= rounds; round++) {
    step(parameters)
    await store.commit({ federation: 'bench', round, parents: [], parameters, metrics: {} })
    await store.putMetrics(round, { round, loss: 1 / round })
    largest = Math.max(largest, await bytesOnDisk(location))
  }
  const closeMs = await timed(async () => store.close())
  const openMs = await timed(async () => store.open())
  await store.close()
  const kept = KEEP_VERSIONS * bytes
  return {
    MB: (bytes / 1e6).toFixed(1),
    rounds,
    'written MB': (rounds * bytes / 1e6).toFixed(0),
    'kept MB': (kept / 1e6).toFixed(1),
    'largest MB': (largest / 1e6).toFixed(1),
    'at the end MB': (await bytesOnDisk(location) / 1e6).toFixed(1),
    'largest / kept': (largest / kept).toFixed(2),
    'close ms': closeMs.toFixed(0),
    'open ms': openMs.toFixed(0)
  }
}

try {
  console.log(`commit and read one version, beside a synced file (keeping ${KEEP_VERSIONS} versions, folder ${tmpdir()})`)
  const times: Array<Record<string, string | number>> = []
  for (const [bytes, samples] of SIZES) {
    times.push(await benchTimes(bytes, samples))
  }
  console.table(times)
  console.log('size of the folder')
  const growth: Array<Record<string, string | number>> = []
  for (const [bytes, rounds] of GROWTH) {
    growth.push(await benchGrowth(bytes, rounds))
  }
  console.table(growth)
} finally {
  await rm(folder, { recursive: true })
}
