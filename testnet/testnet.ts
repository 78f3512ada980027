/**
 * A testnet is a function: so many real peer processes on this machine, real TCP between them, one report
 */
import { randomBytes } from 'node:crypto'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TypedEventEmitter } from 'main-event'
import { makeFolder } from '../src/make-folder.ts'
import { findIdxFiles } from '../src/data/idx-dataset.ts'
import { trainAlone } from './alone.ts'
import type { AloneScore } from './alone.ts'
import { budgetsThatEnd } from './budget-forecast.ts'
import { finalConsensusDistance } from './consensus.ts'
import type { TestnetPeerError } from './errors.ts'
import { FolderError, TestnetStoppedError, TestnetTimeoutError } from './errors.ts'
import { assignAttacks, FaultPlan } from './faults.ts'
import { Fleet } from './fleet.ts'
import { peerArguments } from './peer-arguments.ts'
import { PeerRecord } from './peer-record.ts'
import { buildReport } from './report.ts'
import { RoundBoard } from './round-board.ts'
import { settingsOf } from './testnet-settings.ts'
import type { AbortOptions, BackendName } from '../src/interface.ts'
import type { Testnet, TestnetEvents, TestnetInit, TestnetPeer, TestnetReport } from './interface.ts'
import type { PeerEvent } from './peer-events.ts'
import type { TestnetSettings } from './testnet-settings.ts'

/** Attackers are nobody's measure: they get this long after the last honest peer */
const ATTACKER_GRACE_MS = 5_000
/** A peer that was started again must find the others within this time, even if they are done meanwhile */
const RETURN_GRACE_MS = 15_000
/** Only the newest version is read afterwards */
const KEEP_VERSIONS = 2

class LocalTestnet extends TypedEventEmitter<TestnetEvents> implements Testnet {
  private readonly settings: TestnetSettings
  /** Where the homes are */
  private readonly place: string
  private readonly records: PeerRecord[]
  private readonly board: RoundBoard
  private readonly faults: FaultPlan
  private fleet: Fleet | undefined
  private readonly work = new AbortController()
  /** Killed peers that are due to start again, and have not yet */
  private owedRestarts = 0
  private started = false
  private meshReady = false
  private backend: BackendName | 'auto'
  private readonly startedAt = Date.now()
  private readyAt = 0

  constructor (settings: TestnetSettings) {
    super()
    this.settings = settings
    this.backend = settings.backend
    this.place = settings.homes ?? join(tmpdir(), `grapevine-testnet-${randomBytes(6).toString('hex')}`)
    this.records = assignAttacks(settings.peers, settings.byzantine)
      .map((byzantine, index) => new PeerRecord({ index, home: join(this.place, `peer-${index + 1}`), byzantine }))
    this.board = new RoundBoard(this.records)
    this.faults = new FaultPlan(this.records, settings)
  }

  peers (): TestnetPeer[] {
    return this.records.map((record) => record.describe())
  }

  async run (options: AbortOptions = {}): Promise<TestnetReport> {
    if (this.started) {
      throw new TypeError('run() works once: make another testnet')
    }
    this.started = true
    const timer = setTimeout(() => this.end(new TestnetTimeoutError(`the testnet was not done after ${this.settings.timeoutMs / 1000} s (${this.whereItStood()})`)), this.settings.timeoutMs)
    const onAbort = (): void => this.end(options.signal!.reason as Error)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    if (options.signal?.aborted === true) {
      onAbort()
    }
    try {
      return await this.runAll()
    } catch (err) {
      throw this.work.signal.aborted ? this.work.signal.reason : err
    } finally {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      await this.fleet?.stop(this.records)
      if (this.settings.homes === undefined) {
        await rm(this.place, { recursive: true, force: true, maxRetries: 3 })
      }
    }
  }

  async stop (options: { force?: boolean } = {}): Promise<void> {
    this.end(new TestnetStoppedError('the testnet was stopped'))
    await this.fleet?.stop(this.records, options)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.stop({ force: true })
  }

  /** SIGKILL to every process, without waiting: for the last moment of the calling process */
  killAll (): void {
    this.fleet?.killAll()
  }

  private end (reason: Error): void {
    this.work.abort(reason)
    this.fleet?.abort(reason)
  }

  private async runAll (): Promise<TestnetReport> {
    const { settings } = this
    if (settings.data.kind === 'idx') {
      await findIdxFiles(settings.data.directory)
    }
    const peers = await budgetsThatEnd(settings, { signal: this.work.signal })
    if (peers.length > 0) {
      this.safeDispatchEvent('budget:forecast', { detail: { peers } })
    }
    const federation = await this.makePlace()
    this.work.signal.throwIfAborted()
    const fleet = this.openFleet()
    await this.assemble(fleet, federation)
    await this.finishRounds(fleet)
    await fleet.stop(this.records)
    this.tellExhausted(true)
    const honest = this.records.filter((record) => record.byzantine === undefined)
    const finished = honest.filter((record) => record.state === 'finished')
    const alone = settings.alone ? await this.trainAlone(honest) : new Map<number, AloneScore>()
    const consensus = await finalConsensusDistance(finished.map((record) => record.home))
    for (const message of consensus.problems) {
      this.safeDispatchEvent('warning', { detail: { message } })
    }
    return buildReport({
      settings, records: this.records, alone, consensusDistance: consensus.distance, startedAt: this.startedAt, readyAt: this.readyAt, endedAt: Date.now()
    })
  }

  /** Returns the file with the document. Throws FolderError, and RangeError when an earlier testnet lies there */
  private async makePlace (): Promise<string> {
    const federation = join(this.place, 'federation.json')
    let names: string[]
    try {
      await makeFolder(this.place, { mode: 0o700 })
      names = await readdir(this.place)
      if (!names.some(isHome)) {
        await writeFile(federation, JSON.stringify(this.settings.document))
      }
    } catch (err) {
      throw new FolderError(`no homes can be made in ${this.place}: ${(err as Error).message}`, { cause: err })
    }
    if (names.some(isHome)) {
      throw new RangeError(`${this.place} holds the homes of an earlier testnet: name an empty folder`)
    }
    return federation
  }

  private openFleet (): Fleet {
    this.fleet = new Fleet({
      records: this.records,
      command: this.settings.command,
      threads: this.settings.threads,
      environment: this.settings.environment,
      onLine: (_record, detail) => this.safeDispatchEvent('peer:event', { detail }),
      onEvent: (record, event) => this.follow(record, event),
      onFail: (record, error) => this.failed(record, error),
      onWarning: (message) => this.safeDispatchEvent('warning', { detail: { message } })
    })
    return this.fleet
  }

  /**
   * The first peer founds the federation and, alone on the machine, chooses the backend for all. The others join
   * through it, as many at a time as there are cores. Rounds begin by themselves when all know all
   */
  private async assemble (fleet: Fleet, federation: string): Promise<void> {
    const [founder, ...others] = this.records
    this.launch(founder!, { federation, minMembers: this.settings.peers })
    await fleet.until(() => founder!.state !== 'starting' && founder!.addresses.length > 0)
    this.backend = founder!.backend ?? this.backend
    for (const record of others) {
      await fleet.until(() => others.filter((other) => other.state === 'starting').length < this.settings.cores)
      this.launch(record, { federation, minMembers: this.settings.peers })
    }
    // a peer that is past its first round was ready, whatever it is now
    await fleet.until(() => this.records.every((record) => record.firstRoundAt !== undefined || record.state === 'ready'))
    this.meshReady = true
    this.readyAt = Date.now()
    this.safeDispatchEvent('ready', { detail: { peers: this.settings.peers, backend: this.backend as BackendName, durationMs: this.readyAt - this.startedAt } })
  }

  private launch (record: PeerRecord, options: { federation: string | undefined, minMembers: number }): void {
    const { settings } = this
    this.fleet!.start(record, peerArguments({
      home: record.home,
      federation: options.federation,
      weights: options.federation === undefined ? undefined : settings.weights,
      data: settings.data,
      partition: { ...settings.partition, index: record.index, count: settings.peers, seed: settings.seed },
      bootstrap: record.index === 0 || options.federation === undefined ? undefined : this.records[0]!.addresses[0],
      rounds: settings.rounds,
      minMembers: options.minMembers,
      keepVersions: KEEP_VERSIONS,
      backend: this.backend,
      threads: settings.threads,
      evaluateEvery: settings.evaluateEvery,
      // a simulation spends nobody's real budget; parts of one file have no row in common, so that equal rows are not
      // the same people's
      ledgers: join(this.place, 'ledgers', `peer-${record.index + 1}`),
      attack: record.byzantine
    }))
  }

  private async finishRounds (fleet: Fleet): Promise<void> {
    const honest = this.records.filter((record) => record.byzantine === undefined)
    const done = (): boolean => !fleet.running(honest) && (this.owedRestarts === 0 || !honest.some(isDead))
    const isStuck = (): boolean => this.owedRestarts === 0 && honest.every((record) => record.process === undefined || record.isWaiting)
    // a restart whose victim ended by itself will never come, and neighbours that are gone for good neither
    await fleet.until(() => done() || isStuck() || !fleet.running(honest.filter((record) => record.kills.length === 0)))
    await this.within(RETURN_GRACE_MS, fleet.until(done), () => this.giveUp(fleet, honest))
    const attackers = this.records.filter((record) => record.byzantine !== undefined)
    await this.within(ATTACKER_GRACE_MS, fleet.until(() => !fleet.running(attackers)), () => fleet.stop(attackers))
  }

  /** Waits for `finished`, and after `graceMs` does what will bring it about */
  private async within (graceMs: number, finished: Promise<void>, otherwise: () => Promise<void>): Promise<void> {
    const timer = setTimeout(() => { void otherwise() }, graceMs)
    try {
      await finished
    } finally {
      clearTimeout(timer)
    }
  }

  /** A peer that started again when the others were as good as done waits for a mesh that is gone */
  private async giveUp (fleet: Fleet, honest: readonly PeerRecord[]): Promise<void> {
    const waiting = honest.filter((record) => record.isWaiting)
    for (const { name, round } of waiting) {
      this.safeDispatchEvent('warning', { detail: { message: `${name} waits since round ${round} for neighbours that do not come: stopped` } })
    }
    const absent = honest.filter((record) => record.state === 'starting' || record.state === 'joined')
    for (const record of absent) {
      record.state = 'killed'
      this.safeDispatchEvent('warning', { detail: { message: `${record.name} was not back in the mesh ${RETURN_GRACE_MS / 1000} s after the others were done: stopped` } })
    }
    await fleet.stop([...absent, ...waiting])
  }

  private follow (record: PeerRecord, event: PeerEvent): void {
    if (event.type === 'round:phase' && this.faults.dies(record, event.round)) {
      record.kills.push({ round: event.round, killedAt: Date.now(), restartedAtRound: null, restartedAt: null, resumedAtRound: null, backInMeshAt: null })
      this.fleet!.kill(record)
      this.safeDispatchEvent('peer:kill', { detail: { node: record.name, round: event.round } })
    }
    if (event.type === 'round:start' && record.byzantine === undefined && record.kills.length === 0) {
      // rejects only when the testnet ends early, which run() tells
      this.restart(this.fleet!, event.round).catch(() => {})
    }
    if (event.type === 'privacy:exhausted' || event.type === 'round:end') {
      this.tellRounds()
    }
  }

  private tellRounds (): void {
    this.tellExhausted()
    for (const detail of this.board.completed()) {
      this.safeDispatchEvent('round:end', { detail })
      this.tellExhausted()
    }
  }

  private tellExhausted (all = false): void {
    for (const detail of this.board.exhausted(all)) {
      this.safeDispatchEvent('peer:exhausted', { detail })
    }
  }

  /** Restarts that are due wait for their victims: these may be behind, or not quite dead yet */
  private async restart (fleet: Fleet, round: number): Promise<void> {
    const count = this.faults.restartsAt(round)
    this.owedRestarts += count
    for (let i = 0; i < count; i++) {
      await fleet.until(() => this.records.some(isDead))
      const record = this.records.find(isDead)!
      Object.assign(record.kills.at(-1)!, { restartedAtRound: round, restartedAt: Date.now() })
      this.owedRestarts--
      // from its home alone: the document and the addresses of the others are in there
      this.launch(record, { federation: undefined, minMembers: 2 })
      this.safeDispatchEvent('peer:restart', { detail: { node: record.name, round } })
    }
  }

  private failed (record: PeerRecord, error: TestnetPeerError): void {
    this.safeDispatchEvent('peer:fail', { detail: { node: record.name, reason: error.message, stderr: error.stderr } })
    if (!this.meshReady) {
      this.end(error)
    }
  }

  private async trainAlone (honest: readonly PeerRecord[]): Promise<Map<number, AloneScore>> {
    const { settings } = this
    return trainAlone({
      document: settings.document,
      weights: settings.weights === undefined ? undefined : await readFile(settings.weights),
      data: settings.data,
      partitions: honest.map(({ index }) => ({ ...settings.partition, index, count: settings.peers, seed: settings.seed })),
      backend: this.backend,
      rounds: settings.rounds,
      workers: Math.min(settings.cores, honest.length),
      signal: this.work.signal,
      onProgress: (done) => this.safeDispatchEvent('alone:progress', { detail: { done, of: honest.length } })
    })
  }

  private whereItStood (): string {
    const rounds = this.records.filter((record) => record.byzantine === undefined).map((record) => record.round)
    return this.meshReady ? `the slowest peer was in round ${Math.min(...rounds)}` : 'the mesh was not ready'
  }
}

function isHome (name: string): boolean {
  return name.startsWith('peer-')
}

/** Killed, and its process is gone */
function isDead (record: PeerRecord): boolean {
  return record.state === 'killed' && record.process === undefined
}

/**
 * A testnet of real peer processes on this machine. Nothing runs before `run()`
 *
 * Throws InvalidFederationError, and RangeError when numbers of peers, rounds and faults do not fit together
 */
export function createTestnet (init: TestnetInit): Testnet & { killAll: () => void } {
  return new LocalTestnet(settingsOf(init))
}
