/**
 * The local rounds of one node: train, encode, publish, collect, aggregate, evaluate, commit, again
 *
 * There is no global barrier: each node counts its own rounds (docs/protocol.md). Step 4 is in difference form,
 * x <- x_half + (Agg(own replica; neighbours' replicas) - own replica): the rule sees only what everybody can decode,
 * and its output is used as a displacement of the exact local model (Koloskova et al. 2019, CHOCO; gamma = 1).
 */
import { TypedEventEmitter } from 'main-event'
import { gossipAveraging } from '../algorithm/gossip-averaging.ts'
import { joined, separated } from '../algorithm/vectors.ts'
import { absoluteReplicas } from '../codec/absolute-replicas.ts'
import { Arrivals } from './arrivals.ts'
import { Averaging } from './averaging.ts'
import { CommittedVersions } from './committed-versions.ts'
import { Contribution, UNPACED_ROUND_MS } from './contribution.ts'
import { earlierRounds } from './earlier-rounds.ts'
import { guardedAlgorithm } from './guarded-algorithm.ts'
import { euclideanNorm, Inbox } from './inbox.ts'
import { JumpPlanner } from './jump.ts'
import { lookAhead } from './look-ahead.ts'
import { LocalState } from './local-state.ts'
import { LocalWork } from './local-work.ts'
import { Pace } from './pace.ts'
import { noTimes, PhaseTimer } from './phase-times.ts'
import { createProtocolSteps } from './protocol-steps.ts'
import { culprit } from './rejection-counter.ts'
import { evaluationMetrics, figuresOf, roundReport } from './round-report.ts'
import { serveLast } from './serve-last.ts'
import { Stragglers } from './stragglers.ts'
import { TrafficMeter } from './traffic-meter.ts'
import { Turns } from './turns.ts'
import { Vigilance } from './vigilance.ts'
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { ModelVersion, NetworkEvents, PeerName, Publication, ReceivedUpdate, Replicas } from '../interface.ts'
import type { Averaged, AveragingInput } from './averaging.ts'
import type { InboxEntry } from './inbox.ts'
import type { Jump } from './jump.ts'
import type { ProtocolSteps, StepsInHand } from './protocol-steps.ts'
import type { RoundEvents, RoundPhase, RoundReport, Waiting } from './round-events.ts'
import type { RoundComponents, RoundInit } from './round-interface.ts'

/** Banned peers that a report names */
const MAX_NAMED = 256

export class RoundEngine extends TypedEventEmitter<RoundEvents> {
  private readonly components: RoundComponents
  private readonly init: RoundInit
  private readonly replicas: Replicas
  private readonly inbox: Inbox
  private readonly arrivals: Arrivals
  private readonly stragglers: Stragglers
  private readonly vigilance: Vigilance
  private readonly wake = new EventTarget()
  private parameters: Float32Array = new Float32Array(0)
  readonly versions: CommittedVersions
  private readonly contribution: Contribution
  private readonly pace = new Pace()
  private readonly work: LocalWork
  private readonly algorithm: Algorithm
  private readonly local: LocalState
  private readonly timer: PhaseTimer
  private readonly averaging: Averaging
  /** Undefined where a round has no step but that of the updates */
  private readonly steps: ProtocolSteps | undefined
  private readonly turns: Turns
  private readonly jumps = new JumpPlanner()
  private readonly meter: TrafficMeter
  /** Of the run */
  private signal = AbortSignal.abort()
  /** The last finished round */
  round = 0
  lastReport: RoundReport | undefined

  constructor (components: RoundComponents, init: RoundInit) {
    super()
    this.components = components
    this.init = init
    const { codec } = components
    const warn = (detail: RoundEvents['warning']['detail']): void => { this.emit('warning', detail) }
    const algorithm = this.algorithm = guardedAlgorithm(components.algorithm ?? gossipAveraging(), { ...init, warn: (message) => { warn({ code: 'algorithm', message }) } })
    const replicas = this.replicas = components.replicas ?? absoluteReplicas({ codec, parameterCount: init.parameterCount * algorithm.vectors.length })
    const inbox = this.inbox = new Inbox({ ...init, replicas })
    this.local = new LocalState({ ...components, algorithm })
    this.versions = new CommittedVersions(components.store)
    const stragglers = this.stragglers = new Stragglers({ ...components, inbox, wake: this.wake }, init.deadlineMs)
    this.arrivals = new Arrivals({ ...components, replicas, inbox, stragglers, pace: this.pace, wake: this.wake })
    this.vigilance = new Vigilance(init.quarantineLimit)
    this.work = new LocalWork({ ...init, trainer: components.trainer, lastRound: init.rounds, warn: (code, message) => { warn({ code, message }) } })
    this.meter = new TrafficMeter(components.network)
    this.timer = new PhaseTimer(components.clock, (phase) => { this.emit('round:phase', { round: this.round + 1, phase }) })
    this.contribution = this.createContribution()
    this.averaging = new Averaging({ ...components, algorithm, inbox: this.inbox, vigilance: this.vigilance, work: this.work }, { ...init, warn })
    this.steps = createProtocolSteps({ ...components, algorithm, inbox: this.inbox }, { ...init, warn })
    this.turns = this.createTurns()
  }

  private createContribution (): Contribution {
    const { components, algorithm, inbox, replicas, pace, timer, work } = this
    return new Contribution({ ...components, algorithm, inbox, replicas, pace, timer, work }, {
      ...this.init,
      isStateDue: () => this.local.isDue,
      onPaid: (round) => { this.turns.paid(round) },
      onExhausted: (round) => { this.emit('privacy:exhausted', { round, status: components.budget!.status() }) }
    })
  }

  private createTurns (): Turns {
    const { network, clock, aggregator } = this.components
    const { staleness, alone } = this.init
    return new Turns({ network, clock, inbox: this.inbox, wake: this.wake }, {
      needed: Math.max(1, aggregator.minimumNeighbours),
      staleness,
      deadlineMs: (live) => this.stragglers.waitMs(live, this.pace.trainedMs),
      aloneMs: alone === 'train' ? () => this.pace.usualMs(UNPACED_ROUND_MS) : undefined,
      onWaiting: (waiting) => { this.emit('round:waiting', { round: this.round + 1, ...waiting }) }
    })
  }

  get phase (): RoundPhase | undefined {
    return this.timer.current
  }

  /** What the next round waits for; undefined while a round is in hand */
  get waiting (): Waiting | undefined {
    return this.turns.waiting
  }

  /** Takes up the last committed version, or the common initial parameters. Before the network starts */
  async load (): Promise<void> {
    const { store, trainer } = this.components
    const { parameters, warning } = await this.versions.load()
    await this.contribution.load()
    this.vigilance.restore((await store.metrics({ limit: 1 }))[0])
    this.round = this.contribution.notBefore(this.versions.newest?.round ?? 0)
    this.parameters = parameters ?? await trainer.initialParameters()
    // state goes with a version: that of one that is no model goes with it
    const unfit = parameters === undefined ? [] : await this.local.load()
    unfit.forEach((message) => { this.emit('warning', { code: 'state', message }) })
    this.turns.restore(await earlierRounds(this.components))
    this.turnTo(this.round + 1)
    warning === undefined || this.emit('warning', warning)
  }

  /**
   * Goes on beyond what an earlier life of this key published, so that no round is signed twice. After `load`, before
   * `run`
   */
  async resumeAfter (published: Publication): Promise<void> {
    await this.contribution.resumeAfter(published)
    this.round = Math.max(this.round, published.round)
    this.turnTo(this.round + 1)
  }

  /** Whatever comes in is for this round, or for those near it */
  private turnTo (round: number): void {
    this.components.network.setRound(round)
    this.inbox.setRound(round, euclideanNorm(this.parameters))
    this.steps?.setRound(round)
  }

  /** Runs rounds until `rounds` is reached; rejects with the signal's reason when aborted */
  async run (signal: AbortSignal): Promise<void> {
    this.signal = signal
    this.listen('addEventListener')
    this.meter.read()
    try {
      await this.catchUp(signal)
      while (!this.isDone) {
        await this.beforeRound(signal)
        if (!this.isDone) {
          await this.runRound(signal)
        }
      }
      await serveLast(this.components, { round: this.round, deadlineMs: this.init.deadlineMs, signal })
    } finally {
      this.listen('removeEventListener')
      this.timer.current = undefined
    }
  }

  private listen (action: 'addEventListener' | 'removeEventListener'): void {
    const { network } = this.components
    network[action]('update', this.onUpdate)
    network[action]('update:rejected', this.onRejected)
    network[action]('neighbours:change', this.onNeighbours)
  }

  // ---------------------------------------------------------------------------------------- one round

  private get isDone (): boolean {
    return this.init.rounds !== undefined && this.round >= this.init.rounds
  }

  /**
   * Until the next round may be paid for: waits, mixes late what was paid for already, catches up. An observer pays
   * nothing
   */
  private async beforeRound (signal: AbortSignal): Promise<void> {
    while (!this.isDone) {
      signal.throwIfAborted()
      if (!this.observing && this.components.budget?.refuses(this.round + 1) === true) {
        this.observe()
      }
      const step = this.observing ? this.turns.whenBehind(this.round + 1) ?? 'train' : await this.turns.next(this.round + 1, signal)
      if (step === 'train' || (step === 'mix' && this.steps?.joins === true)) {
        return
      }
      await (step === 'mix' ? this.mixLate(signal) : this.catchUp(signal))
    }
  }

  private async runRound (signal: AbortSignal): Promise<void> {
    this.round = this.steps?.align(this.round) ?? this.round
    const round = this.round + 1
    const startedAtMs = this.components.clock.monotonicMs()
    const phases = noTimes()
    this.turnTo(round)
    this.emit('round:start', { round })

    const { trained, ...models } = await this.contribution.contribute(this.parameters, phases, { round, signal })
    this.local.trained(trained)
    const inHand = { round, own: models.own[0]!, numbers: this.contribution.numbers, signal }
    const { late, entries } = await this.timer.timed(phases, 'wait', async () => this.wait(inHand))
    const mixed = await this.timer.timed(phases, 'aggregate', async () => this.average(round, { ...models, entries }, signal))
    this.steps?.judged(mixed.parents.length > 0)
    const evaluation = await this.timer.timed(phases, 'evaluate', async () => this.work.evaluate(mixed.parameters, { round, signal }))
    signal.throwIfAborted()
    await this.timer.timed(phases, 'persist', async () => this.commit(round, mixed.parameters, mixed.parents, {
      ...(trained.loss === null ? {} : { trainLoss: trained.loss }),
      accepted: mixed.parents.length,
      ...evaluationMetrics(evaluation)
    }))

    const durationMs = this.components.clock.monotonicMs() - startedAtMs
    if (mixed.parents.length > 0) {
      this.pace.mixed(durationMs)
    }
    await this.finish({
      ...roundReport({ round, trained, mixed, late, evaluation }),
      ...this.vigilance.report(),
      ...this.meter.read(),
      banned: this.components.network.banned().slice(0, MAX_NAMED),
      durationMs,
      phases,
      privacy: this.components.budget?.status() ?? null
    })
  }

  /** The privacy budget is spent: says so once, to the operator and to the mesh */
  observe = (): void => { this.contribution.observe(this.round + 1) }

  /** The privacy budget is spent: averages and evaluates only */
  get observing (): boolean {
    return this.contribution.observing
  }

  /** `entries`: which updates are mixed; undefined where no protocol decides that, and all that came are */
  private async wait (inHand: StepsInHand): Promise<{ late: PeerName[], entries: InboxEntry[] | undefined }> {
    const { round, signal } = inHand
    const { trainedMs } = this.pace
    const late = await this.stragglers.wait(round, { trainedMs, besidesMs: this.observing ? trainedMs : 0, signal })
    return { late, entries: await this.steps?.run(inHand) }
  }

  private async average (round: number, models: Omit<AveragingInput, 'before' | 'shared'>, signal: AbortSignal): Promise<Averaged> {
    const mixed = await this.averaging.average(round, { ...models, before: this.parameters, shared: this.versions.shared }, signal)
    if (mixed.parents.length > 0) {
      this.turns.mixed()
    }
    return mixed
  }

  /**
   * What the last round paid for missed its neighbours' updates, and they are there now: mixed in its name, without a
   * charge
   */
  private async mixLate (signal: AbortSignal): Promise<void> {
    const { network, store } = this.components
    const { round, parameters } = this
    const entries = network.neighbours().map(({ peer }) => this.inbox.unused(peer, round + 1)).filter((entry) => entry !== undefined)
    if (this.steps !== undefined) {
      // a protocol decides what is mixed, and that round's is over
      this.inbox.use(entries)
      return
    }
    const half = this.algorithm.current(parameters)
    const own = separated(this.replicas.seen(joined(half)), this.init.parameterCount)
    const mixed = await this.average(round, { half, own, entries, isLate: true, degree: this.contribution.degree }, signal)
    // also what the rule left out: it was looked at, and asks for nothing more
    this.inbox.use(entries)
    if (mixed.parents.length === 0) {
      return
    }
    const evaluation = await this.work.evaluate(mixed.parameters, { round, signal })
    signal.throwIfAborted()
    const result = { accepted: mixed.parents.length, ...evaluationMetrics(evaluation) }
    await this.commit(round, mixed.parameters, mixed.parents, result)
    if (this.lastReport?.round === round) {
      this.lastReport = { ...this.lastReport, ...result, ...figuresOf(evaluation), keptOwn: false, neighbourDistance: mixed.distance }
      await store.putMetrics(round, this.lastReport)
    }
    this.emit('round:mixed', { round, ...result, ...figuresOf(evaluation) })
  }

  private async commit (round: number, parameters: Float32Array, updateIds: readonly string[], metrics: ModelVersion['metrics']): Promise<void> {
    const version = await this.versions.commit({ federation: this.init.federation, round, parents: updateIds, parameters, metrics, state: this.local.changed() })
    this.parameters = parameters
    this.round = round
    this.emit('version:commit', version)
  }

  private async finish (report: RoundReport): Promise<void> {
    await this.components.store.putMetrics(report.round, report)
    this.lastReport = report
    this.timer.current = undefined
    this.emit('round:end', report)
  }

  // ---------------------------------------------------------------------------------------- catching up

  /** Takes over the neighbours' model when they are ahead; a node that is level with them does nothing */
  private async catchUp (signal: AbortSignal): Promise<void> {
    const found = await lookAhead({ ...this.components, replicas: this.replicas, keyframes: this.arrivals.keyframes, jumps: this.jumps }, this.init, { round: this.round, parameters: this.parameters, signal })
    if (found === undefined) {
      return
    }
    const { jump, updates, warning } = found
    if (warning !== undefined) {
      this.emit('warning', { code: 'too-few-updates', message: warning })
    }
    await this.jump(jump)
    jump.refused.forEach(({ peer, reason }) => { this.components.network.penalise(peer, reason) })
    updates.forEach((update) => { this.arrivals.take(update, signal) })
  }

  private async jump ({ target, parameters, sources }: Jump): Promise<void> {
    if (target === undefined) {
      return
    }
    const from = this.round
    this.algorithm.reset()
    await this.commit(target, parameters, sources.map(({ updateId }) => updateId), {})
    this.turnTo(target + 1)
    // the own model gave way to the neighbours': nothing that was paid for is left to mix
    this.turns.mixed()
    this.emit('round:jump', { from, to: target, sources: sources.length })
  }

  // ---------------------------------------------------------------------------------------- events

  private readonly onUpdate = (event: CustomEvent<ReceivedUpdate>): void => {
    this.arrivals.take(event.detail, this.signal)
  }

  private readonly onRejected = ({ detail }: NetworkEvents['update:rejected']): void => {
    this.vigilance.reject(culprit(detail), detail.reason)
  }

  private readonly onNeighbours = (): void => {
    this.inbox.retain(new Set(this.components.network.followed()))
  }

  private emit<K extends keyof RoundEvents> (type: K, detail: RoundEvents[K]['detail']): void {
    this.safeDispatchEvent(type, { detail })
  }
}
