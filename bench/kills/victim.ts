/**
 * A peer that is killed again and again on one home: started, killed as planned, looked into, started again
 */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { readHome, readLedger } from './home-state.ts'
import { checkLedger, checkPublications, checkReceived, checkVersions, emptyMemory } from './invariants.ts'
import { Life } from './life.ts'
import type { Random } from '../../src/interface.ts'
import type { HomeState, LedgerState } from './home-state.ts'
import type { AnnouncedVersion } from './invariants.ts'
import type { OpenPhase, Stop } from './phases.ts'
import type { RecordedUpdate } from './recorder.ts'

const PROGRAM = resolve(import.meta.dirname, '../../peer/main.js')
/** A peer that is back must have done a round by then, on a machine that does much else */
const ROUND_TIMEOUT_MS = 300_000
/** A random kill falls into this much of the start, or of the rounds after the first */
const START_MS = 3_000
const WORK_MS = 500
/** A stop waits for up to so many more of its phase, so that not only the first rounds of a life are hit */
const MAX_SKIPPED = 3
/** Half of the stops come at once, the others up to this much later */
const MAX_DELAY_MS = 6
const COMPACTION_DELAY_MS = 60
/** As in the documents */
const DELTA = 1e-5
/** What `status` ends with when it has looked at a home whose peer does not run */
const NOT_RUNNING = 4
const WHOLE_LEDGER_EVERY = 10
const VERBS_EVERY = 25

/** They say what the mesh is like while others are dead; none asks for anything */
const USUAL_WARNINGS: ReadonlySet<unknown> = new Set(['thin-mesh', 'too-few-updates', 'silent-address', 'no-neighbours'])

export interface VictimInit {
  name: string
  /** Folder for all that is its own */
  folder: string
  /** Of the neighbours */
  bootstrap: readonly string[]
  data: string
  keepVersions: number
  random: Random
  /** What the neighbours received of whomever */
  received: readonly RecordedUpdate[]
}

export type KillPlan = { kind: 'stop', stop: Stop } | { kind: 'start' } | { kind: 'work' }

/** Where a kill fell, by the trace, and what was on disk of it */
export interface Hit {
  plan: KillPlan
  /** Undefined between the phases: training, waiting, averaging, starting */
  phase: OpenPhase | undefined
  /** It was killed before its first round */
  early: boolean
  /** What the phase writes was on disk already; undefined where that cannot be told */
  durable: boolean | undefined
}

export class Victim {
  readonly init: VictimInit
  readonly problems: string[] = []
  readonly warnings = new Map<string, number>()
  private memory = emptyMemory()
  private author: string | undefined
  kills = 0

  constructor (init: VictimInit) {
    this.init = init
  }

  private get home (): string {
    return join(this.init.folder, 'home')
  }

  private get environment (): Record<string, string> {
    return { XDG_STATE_HOME: this.init.folder }
  }

  /** One life. Throws when the peer does not come back, which is what must not be */
  async liveAndDie (plan: KillPlan): Promise<Hit> {
    const life = this.begin()
    const wasAlive = await this.execute(life, plan).catch(async (err: unknown) => {
      // nothing is left running of a plan that could not be carried out
      await life.kill()
      throw err
    })
    this.kills++
    if (!wasAlive) {
      throw new RangeError(`${this.init.name} ended by itself: ${life.told.join(' | ')}`)
    }
    return await this.postMortem(life, plan)
  }

  /** The last life, which ends by itself */
  async retire (): Promise<void> {
    const life = this.begin()
    await life.line('round:end', { timeoutMs: ROUND_TIMEOUT_MS })
    const code = await life.end()
    if (code !== 0) {
      this.problems.push(`asked to stop, it ended with code ${code}: ${life.told.join(' | ')}`)
    }
    await this.look(life, true)
    await this.verbs()
  }

  /** Whether a neighbour has the update of this round */
  hasArrived (round: number): boolean {
    return this.init.received.some((update) => update.author === this.author && update.round === round)
  }

  /** What the neighbours received of it, against what it numbered */
  checkReceived (): void {
    this.problems.push(...checkReceived(this.init.received.filter(({ author }) => author === this.author), this.memory.numbered))
  }

  get peer (): string | undefined {
    return this.author
  }

  private begin (): Life {
    const { bootstrap, data, keepVersions } = this.init
    return new Life(['start', '--home', this.home, ...bootstrap.flatMap((address) => ['--bootstrap', address]), '--data', data, '--backend', 'wasm',
      '--listen', '/ip4/127.0.0.1/tcp/0', '--min-members', '2', '--evaluate-every', '1000000', '--keep-versions', String(keepVersions)], this.environment)
  }

  private async execute (life: Life, plan: KillPlan): Promise<boolean> {
    const { random } = this.init
    if (plan.kind === 'stop') {
      const isCompaction = plan.stop === 'compaction'
      const maxMs = isCompaction ? COMPACTION_DELAY_MS : MAX_DELAY_MS
      return life.killInside({
        stop: plan.stop,
        skip: isCompaction ? 0 : Math.floor(random() * MAX_SKIPPED),
        delayMs: () => random() < 0.5 ? 0 : random() * maxMs
      }, { timeoutMs: ROUND_TIMEOUT_MS })
    }
    if (plan.kind === 'work') {
      await life.line('round:end', { timeoutMs: ROUND_TIMEOUT_MS })
    }
    // a random instant is the point: it waits for nothing
    await new Promise((resolve) => setTimeout(resolve, random() * (plan.kind === 'work' ? WORK_MS : START_MS)))
    return life.kill()
  }

  private async postMortem (life: Life, plan: KillPlan): Promise<Hit> {
    const { home, ledger } = await this.look(life, this.kills % WHOLE_LEDGER_EVERY === 0)
    if (this.kills % VERBS_EVERY === 0) {
      await this.verbs()
    }
    const { trace } = life
    const phase = (plan.kind === 'stop' ? trace.phase(plan.stop) : undefined) ?? trace.open
    return { plan, phase, early: trace.begun.size === 0, durable: this.durable(phase, { home, ledger }) }
  }

  private durable (phase: OpenPhase | undefined, { home, ledger }: { home: HomeState | undefined, ledger: LedgerState | undefined }): boolean | undefined {
    if (phase === undefined) {
      return undefined
    }
    // of a publication the neighbours are asked at the end, when all has arrived
    const found: Partial<Record<Stop, number | undefined>> = {
      charge: ledger?.charged.at(-1)?.round,
      number: home?.publication?.sequence,
      commit: home?.newest?.round,
      removal: home?.newest?.round
    }
    return Object.hasOwn(found, phase.stop) ? found[phase.stop] === phase.numbers[0] : undefined
  }

  /** Reads what is left, and holds it against what is known */
  private async look (life: Life, whole: boolean): Promise<{ home: HomeState | undefined, ledger: LedgerState | undefined }> {
    const { folder, keepVersions } = this.init
    this.noteWords(life)
    const announced = life.lines.filter(({ type }) => type === 'version:commit') as unknown as AnnouncedVersion[]
    const home = await readHome(this.home, join(folder, 'copy-of-home'))
    const ledger = await readLedger(join(folder, 'grapevine-ledgers'), join(folder, 'copy-of-ledgers'), { known: this.memory.ledger?.head, whole, delta: DELTA })
    const remains = { trace: life.trace, announced: announced.map(({ id, round, mixed }) => ({ id, round, mixed })), home, ledger, keepVersions }
    const found = [...checkVersions(this.memory, remains), ...checkPublications(this.memory, remains), ...checkLedger(this.memory, remains)]
    this.problems.push(...found.map((problem) => `after kill ${this.kills}: ${problem}`))
    return { home, ledger }
  }

  private noteWords (life: Life): void {
    for (const { type, peer, code, message } of life.lines) {
      if (type === 'listening') {
        this.author = String(peer)
      }
      if (type === 'warning') {
        this.warnings.set(String(code), (this.warnings.get(String(code)) ?? 0) + 1)
      }
      if (type === 'error' || (type === 'warning' && !USUAL_WARNINGS.has(code))) {
        this.problems.push(`life ${this.kills}: ${type} ${String(code)}: ${String(message)}`)
      }
    }
    this.problems.push(...life.told.filter((text) => /^(warning:|error )/.test(text)).map((text) => `life ${this.kills}: ${text}`))
  }

  /** What an operator would look with, on the home as it lies there */
  private async verbs (): Promise<void> {
    for (const verb of ['status', 'privacy', 'versions']) {
      try {
        await promisify(execFile)(process.execPath, [PROGRAM, verb, '--home', this.home, '--json'], { env: { ...process.env, ...this.environment } })
      } catch (err) {
        const { code, stderr } = err as { code?: unknown, stderr?: unknown }
        if (verb === 'status' && code === NOT_RUNNING) {
          continue
        }
        this.problems.push(`after kill ${this.kills}: grapevine ${verb} ended with ${String(code)}: ${String(stderr)}`)
      }
    }
  }
}
