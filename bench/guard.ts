/**
 * Whether this build costs more than the last release: a real testnet of both, one after the other, again and again
 *
 * npm run bench:guard. Without `--folder` the release is checked out, installed and built in a temporary folder first.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { median } from '../src/aggregators/median.ts'
import { descendants, processorSeconds, residentBytes, residentPeakBytes } from './guard/processes.ts'

/** Version 0.1.0 */
const RELEASE = 'c09490c'
/** More than this much worse is a defect of whoever made it so */
const TOLERANCE = 0.05
const POLL_MS = 250
const MEBIBYTE = 1_048_576
const ROOT = resolve(import.meta.dirname, '../..')

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: RELEASE },
    /** A checkout that is installed and built */
    folder: { type: 'string' },
    runs: { type: 'string', default: '5' },
    peers: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '20' }
  }
})

interface Measured {
  /** Of all peers together, until their mesh was ready */
  startCpuSeconds: number
  startWallSeconds: number
  /** Of the largest peer, over the whole run */
  peakMebibytes: number
  /** Mean of all peers when the last round has ended, without what a bare node takes (guard/floor.ts) */
  residentMebibytes: number
  roundSeconds: number
  bytesPerRound: number
  epsilonPerRound: number
  /** 1 - accuracy, so that more is worse */
  error: number
}

const NAMES: Record<keyof Measured, string> = {
  startCpuSeconds: 'processor time until the mesh is ready, all peers, s',
  startWallSeconds: 'wall time until the mesh is ready, s',
  peakMebibytes: 'memory of the largest peer, MiB',
  residentMebibytes: 'memory of a peer after the rounds, above a bare node, MiB',
  roundSeconds: 'a round, s',
  bytesPerRound: 'bytes sent, a peer and round',
  epsilonPerRound: 'epsilon, a round',
  error: 'error of the models, mean (1 - accuracy)'
}

interface Line {
  type: string
  [field: string]: unknown
}

/** One testnet of the build in `folder` */
async function run (folder: string, seed: number, floorBytes: number): Promise<Measured> {
  const args = ['--preset', 'digits-private', '--peers', values.peers, '--rounds', values.rounds, '--seed', String(seed), '--timeout', '600', '--no-alone', '--json']
  const beganMs = performance.now()
  const child = spawn(process.execPath, [join(folder, 'dist/testnet/main.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const found: Partial<Measured> = {}
  let peakBytes = 0
  let residentMebibytes: number | undefined
  const poll = setInterval(() => { peakBytes = Math.max(peakBytes, ...descendants(child.pid!).map(residentPeakBytes)) }, POLL_MS)
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line
      if (line.type === 'testnet:ready') {
        found.startWallSeconds = (performance.now() - beganMs) / 1_000
        found.startCpuSeconds = descendants(child.pid!).reduce((sum, pid) => sum + processorSeconds(pid), 0)
      }
      if (isLastRound(line)) {
        // the first who is through: the others are about to be, and nobody has ended yet
        residentMebibytes ??= (mean(peersOf(child.pid!).map(residentBytes)) - floorBytes) / MEBIBYTE
      }
      const { epsilonPerRound = 0, ...rest } = fromLine(line)
      Object.assign(found, rest)
      // of the peer that has the least data, and so spends the most
      found.epsilonPerRound = Math.max(epsilonPerRound, found.epsilonPerRound ?? 0)
    }
  } finally {
    clearInterval(poll)
  }
  const measured = { ...found, peakMebibytes: peakBytes / MEBIBYTE, residentMebibytes }
  if (Object.keys(NAMES).some((name) => !Number.isFinite(measured[name as keyof Measured]))) {
    throw new Error(`the testnet of ${folder} did not run to its end: ${JSON.stringify(measured)}`)
  }
  return measured as Measured
}

function mean (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The testnet's children are its peers */
function peersOf (testnet: number): number[] {
  return descendants(testnet).filter((pid) => residentBytes(pid) > 0)
}

function isLastRound (line: Line): boolean {
  const { type, round } = (line['event'] ?? line) as { type: string, round?: number }
  return type === 'round:end' && round === Number(values.rounds)
}

/** Memory of a bare node with an idle worker, in the libraries of this build */
async function floor (): Promise<number> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/bench/guard/floor.js')], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    return residentBytes(child.pid!)
  } finally {
    child.stdin.end()
  }
}

/** What a line of the testnet's output says */
function fromLine (line: Line): Partial<Measured> {
  if (line.type === 'report') {
    const { summary } = line as unknown as { summary: { meanAccuracy: number, bytesSentPerPeerPerRound: number, secondsPerRound: number } }
    return { error: 1 - summary.meanAccuracy, bytesPerRound: summary.bytesSentPerPeerPerRound, roundSeconds: summary.secondsPerRound }
  }
  const { round, privacy } = (line['event'] ?? line) as { round?: number, privacy?: { epsilon: Record<string, number | null> } | null }
  // each peer's last round: epsilon grows with the root of their number
  const epsilon = isLastRound(line) ? privacy?.epsilon['rdp'] : undefined
  return typeof epsilon === 'number' ? { epsilonPerRound: epsilon / round! } : {}
}

function git (...args: string[]): void {
  execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Checks out, installs and builds the release, for as long as `use` takes */
async function withRelease (use: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(await mkdtemp(join(tmpdir(), 'grapevine-guard-')), 'release')
  git('worktree', 'add', '--detach', folder, values.base)
  try {
    for (const command of [['ci', '--no-audit', '--no-fund', '--silent'], ['run', '--silent', 'build']]) {
      execFileSync('npm', command, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    }
    await use(folder)
  } finally {
    git('worktree', 'remove', '--force', folder)
    await rm(resolve(folder, '..'), { recursive: true, force: true })
  }
}

async function compare (folder: string): Promise<void> {
  const [before, now]: [Measured[], Measured[]] = [[], []]
  const floorBytes = await floor()
  for (let seed = 1; seed <= Number(values.runs); seed++) {
    before.push(await run(folder, seed, floorBytes))
    now.push(await run(ROOT, seed, floorBytes))
    console.error(`${seed} of ${values.runs} pairs of runs`)
  }
  console.log(`| ${values.peers} peers, ${values.rounds} rounds, digits-private, medians of ${values.runs} | ${values.folder ?? values.base} | this build | |`)
  console.log('| --- | --- | --- | --- |')
  console.log(`| a bare libp2p node with an idle worker, MiB | ${(floorBytes / MEBIBYTE).toPrecision(4)} | | |`)
  const worse = (Object.keys(NAMES) as Array<keyof Measured>).filter((name) => {
    const [a, b] = [median(before.map((each) => each[name])), median(now.map((each) => each[name]))]
    const isWorse = b > a * (1 + TOLERANCE)
    console.log(`| ${NAMES[name]} | ${a.toPrecision(4)} | ${b.toPrecision(4)} | ${(b / a).toFixed(2)}x${isWorse ? ', worse' : ''} |`)
    return isWorse
  })
  process.exitCode = worse.length > 0 ? 1 : 0
}

await (values.folder === undefined ? withRelease(compare) : compare(resolve(values.folder)))
