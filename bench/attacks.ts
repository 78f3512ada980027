/**
 * Four honest peers, 60 s each, with each attack and, before and after it, without: rounds, mutual acceptance, bans,
 * memory
 *
 *   npm run verify:attacks [-- --seconds 60 --preset digits --only replay]
 *
 * An attack is held when rounds are at least 0.9 of the mean of those runs, peers accept each other in at least 95 % of
 * them, nobody honest is banned, and memory is at most 1.2 times as much. Add an attack: one file in attacks/, one line
 * in ATTACKS.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { PeerProcess } from '../testnet/peer-process.ts'
import { recordFlood } from './attacks/record-flood.ts'
import { replay } from './attacks/replay.ts'
import { silentSockets } from './attacks/silent-sockets.ts'
import { slowReaders } from './attacks/slow-readers.ts'
import type { Attack } from './attacks/attack.ts'

const ATTACKS: readonly Attack[] = [slowReaders, silentSockets, recordFlood, replay]
const PEERS = 4
const PROGRAM = resolve(import.meta.dirname, '../peer/main.js')
const STOP_MS = 15_000

interface Line {
  type: string
  [detail: string]: unknown
}

interface Outcome {
  /** Of the slowest peer */
  rounds: number
  /** Share of all peers' rounds in which all others were accepted, 0 to 1 */
  accepted: number
  banned: number
  /** Largest resident set of one peer, bytes */
  memoryBytes: number
  /** Of the attack, which shares the machine with the peers: cores in use, on average */
  attackCores: number
}

class Peer {
  readonly lines: Line[] = []
  readonly process: PeerProcess

  constructor (args: readonly string[]) {
    this.process = new PeerProcess({
      command: [process.execPath, PROGRAM, ...args, '--json', '--backend', 'wasm', '--listen', '/ip4/127.0.0.1/tcp/0', '--min-members', String(PEERS)],
      environment: { ...process.env, GRAPEVINE_EXIT_WITH_STDIN: '1' },
      onLine: (text) => { this.lines.push(JSON.parse(text) as Line) }
    })
  }

  get rounds (): Line[] {
    return this.lines.filter(({ type }) => type === 'round:end')
  }

  async line (type: string): Promise<Line> {
    const deadline = performance.now() + 180_000
    for (;;) {
      const found = this.lines.find((line) => line.type === type)
      if (found !== undefined) {
        return found
      }
      if (performance.now() > deadline) {
        throw new RangeError(`no "${type}" in time: ${this.process.stderr().join(' ')}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** Undefined where the system does not say */
  async peakBytes (): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8').catch(() => '')
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1_024
  }
}

async function startPeers (folder: string, preset: string): Promise<Peer[]> {
  const data = (i: number): string[] => ['--data', 'digits', '--partition', `${i + 1}/${PEERS}`, '--partition-seed', '7', '--home', join(folder, String(i))]
  const first = new Peer(['start', '--preset', preset, ...data(0)])
  const [address] = (await first.line('listening'))['addresses'] as string[]
  return [first, ...Array.from({ length: PEERS - 1 }, (_, i) => new Peer(['join', address!, ...data(i + 1)]))]
}

async function run (attack: Attack | undefined, { seconds, preset }: { seconds: number, preset: string }): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'grapevine-attacks-'))
  let peers: Peer[] = []
  try {
    peers = await startPeers(folder, preset)
    await Promise.all(peers.map(async (peer) => peer.line('round:end')))
    const addresses = await Promise.all(peers.map(async (peer) => ((await peer.line('listening'))['addresses'] as string[])[0]!))
    const { federation } = await peers[0]!.line('joined') as unknown as { federation: string }
    const before = peers.map(({ rounds }) => rounds.length)
    const stop = await attack?.start({ federation, addresses })
    const cpu = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
    const { user, system } = process.cpuUsage(cpu)
    const rounds = peers.map((peer, i) => peer.rounds.slice(before[i]))
    const memory = await Promise.all(peers.map(async (peer) => peer.peakBytes()))
    await stop?.()
    const honest = new Set(addresses.map((address) => address.split('/').at(-1)))
    const all = rounds.flat()
    return {
      rounds: Math.min(...rounds.map(({ length }) => length)),
      accepted: all.filter(({ accepted }) => accepted === PEERS - 1).length / Math.max(1, all.length),
      banned: new Set(all.flatMap((round) => round['banned'] as string[]).filter((peer) => honest.has(peer))).size,
      memoryBytes: Math.max(...memory),
      attackCores: (user + system) / 1e6 / seconds
    }
  } finally {
    await Promise.all(peers.map(async ({ process: peer }) => peer.stop(STOP_MS)))
    await rm(folder, { recursive: true, force: true })
  }
}

/** Of what `row` compares with */
function mean (a: Outcome, b: Outcome): Outcome {
  return { ...a, rounds: (a.rounds + b.rounds) / 2, memoryBytes: (a.memoryBytes + b.memoryBytes) / 2 }
}

function row (name: string, outcome: Outcome, baseline: Outcome): string {
  const { rounds, accepted, banned, memoryBytes, attackCores } = outcome
  const ratio = rounds / Math.max(1, baseline.rounds)
  // the attack runs on the peers' machine here: what it computes itself is not what it does to them
  const beside = ratio / (1 - Math.max(0, attackCores - baseline.attackCores) / availableParallelism())
  const holds = ratio >= 0.9 && accepted >= 0.95 && banned === 0 && !(memoryBytes > 1.2 * baseline.memoryBytes)
  return `| ${name} | ${rounds} (${ratio.toFixed(2)}x) | ${beside.toFixed(2)}x | ${(100 * accepted).toFixed(1)} % | ${banned} | ` +
    `${(memoryBytes / 1_048_576).toFixed(0)} MiB (${(memoryBytes / baseline.memoryBytes).toFixed(2)}x) | ${attackCores.toFixed(2)} | ${holds ? 'holds' : 'does not hold'} |`
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, preset: { type: 'string', default: 'digits' }, only: { type: 'string' } }
})
const settings = { seconds: Number(values.seconds), preset: values.preset }
console.log('| Attack | Rounds of the slowest peer | ... of the processor time that the attack left | All accepted | Honest peers banned | Memory of the largest | Cores that the attack takes | |')
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
let before = await run(undefined, settings)
console.log(row('none', before, before))
for (const attack of ATTACKS.filter(({ name }) => values.only === undefined || name === values.only)) {
  const attacked = await run(attack, settings)
  const after = await run(undefined, settings)
  // a machine that others use, too, is not as fast in one minute as in the next
  const baseline = mean(before, after)
  console.log(row(attack.name, attacked, baseline))
  console.log(row('none', after, baseline))
  before = after
}
