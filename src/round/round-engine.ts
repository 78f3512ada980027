/**
 * The local rounds of one node: train, encode, publish, collect, aggregate, evaluate, commit, again
 *
 * There is no global barrier: each node counts its own rounds (docs/protocol.md). Step 4 is in difference form,
 * x <- x_half + (Agg(own replica; neighbours' replicas) - own replica): the rule sees only what everybody can decode, and its output is used as a displacement
 * of the exact local model (Koloskova et al. 2019, CHOCO; gamma = 1).
 */
import { TypedEventEmitter } from 'main-event'
import { AdaptiveDeadline } from './adaptive-deadline.ts'
import { collect } from './collect.ts'
import { euclideanNorm, Inbox } from './inbox.ts'
import { Isolation } from './isolation.ts'
import { JumpPlanner } from './jump.ts'
import { Liar } from './liar.ts'
import { LocalWork } from './local-work.ts'
import { lowerMedian } from './lower-median.ts'
import { MissCounter } from './miss-counter.ts'
import { mix } from './mix.ts'
import { Pace } from './pace.ts'
import { noTimes } from './phase-times.ts'
import { Publisher } from './publisher.ts'
import { pullLatest } from './pull-latest.ts'
import { culprit } from './rejection-counter.ts'
import { sampleLosses } from './sample-losses.ts'
import { TrafficMeter } from './traffic-meter.ts'
import { Vigilance } from './vigilance.ts'
import type { ModelVersion, NetworkEvents, PeerName, Publication, ReceivedUpdate } from '../interface.ts'
import type { Jump } from './jump.ts'
import type { InHand, Trained } from './local-work.ts'
import type { Mixed } from './mix.ts'
import type { PhaseTimes, RoundPhase, RoundReport } from '../node-interface.ts'
import type { RoundComponents, RoundEvents, RoundInit } from './round-interface.ts'

/** Deadlines in a row that a live neighbour may miss before another one takes its place */
const MAX_MISSES = 3

/** A round that only averages takes at least this long when no neighbour sets the pace: nothing else slows it down */
const UNPACED_ROUND_MS = 1_000

/** Banned peers that a report names */
const MAX_NAMED = 256

export class RoundEngine extends TypedEventEmitter<RoundEvents> {
  private readonly components: RoundComponents
  private readonly init: RoundInit
  private readonly inbox: Inbox
  private readonly deadline: AdaptiveDeadline
  private readonly vigilance: Vigilance
  private readonly misses = new MissCounter(MAX_MISSES)
  private readonly wake = new EventTarget()
  private readonly liar: Liar | undefined
  private parameters: Float32Array = new Float32Array(0)
  private version: ModelVersion | undefined
  private readonly publisher: Publisher
  private readonly pace = new Pace()
  private readonly work: LocalWork
  /** The privacy budget is spent: averages and evaluates only */
  observing = false
  private readonly jumps = new JumpPlanner()
  private readonly isolation = new Isolation()
  private readonly meter: TrafficMeter
  /** The last finished round */
  round = 0
  phase: RoundPhase | undefined
  lastReport: RoundReport | undefined

  constructor (components: RoundComponents, init: RoundInit) {
    super()
    this.components = components
    this.init = init
    this.inbox = new Inbox({ codec: components.codec, parameterCount: init.parameterCount, staleness: init.staleness, reach: init.reach })
    this.publisher = new Publisher(components)
    this.deadline = new AdaptiveDeadline(init.deadlineMs)
    this.vigilance = new Vigilance(init.quarantineLimit)
    this.work = new LocalWork({
      ...init,
      trainer: components.trainer,
      lastRound: init.rounds,
      warn: (code, message) => { this.emit('warning', { code, message }) }
    })
    this.meter = new TrafficMeter(components.network)
    this.liar = init.attack === undefined ? undefined : new Liar(init.attack, components.codec)
  }

  /** Takes up the last committed version, or the common initial parameters. Before the network starts */
  async load (): Promise<void> {
    const { store, trainer } = this.components
    this.version = await store.latest()
    await this.publisher.load()
    this.vigilance.restore((await store.metrics({ limit: 1 }))[0])
    this.round = this.publisher.notBefore(this.version?.round ?? 0)
    const stored = this.version === undefined ? undefined : await store.parameters(this.version.id)
    this.parameters = stored ?? await trainer.initialParameters()
    this.inbox.setRound(this.round + 1, euclideanNorm(this.parameters))
  }

  /** Goes on beyond what an earlier life of this key published, so that no round is signed twice. After `load`, before `run` */
  async resumeAfter (published: Publication): Promise<void> {
    await this.publisher.resumeAfter(published)
    this.round = Math.max(this.round, published.round)
    this.inbox.setRound(this.round + 1, euclideanNorm(this.parameters))
    this.components.network.setRound(this.round + 1)
  }

  /** Runs rounds until `rounds` is reached; rejects with the signal's reason when aborted */
  async run (signal: AbortSignal): Promise<void> {
    this.listen('addEventListener')
    this.meter.read()
    try {
      await this.catchUp(signal)
      while (this.init.rounds === undefined || this.round < this.init.rounds) {
        signal.throwIfAborted()
        await this.runRound(signal)
        if (this.isFarBehind()) {
          await this.catchUp(signal)
        }
      }
    } finally {
      this.listen('removeEventListener')
      this.phase = undefined
    }
  }

  private listen (action: 'addEventListener' | 'removeEventListener'): void {
    const { network } = this.components
    network[action]('update', this.onUpdate)
    network[action]('update:rejected', this.onRejected)
    network[action]('neighbours:change', this.onNeighbours)
  }

  // ---------------------------------------------------------------------------------------- one round

  get latestVersion (): ModelVersion | undefined {
    return this.version
  }

  private async runRound (signal: AbortSignal): Promise<void> {
    const round = this.round + 1
    const startedAtMs = this.components.clock.monotonicMs()
    const phases = noTimes()
    this.components.network.setRound(round)
    this.inbox.setRound(round, euclideanNorm(this.parameters))
    this.emit('round:start', { round })

    const { trained, replica } = await this.contribute(phases, { round, signal })
    const late = await this.timed(phases, 'wait', async () => this.wait(round, signal))
    const mixed = await this.timed(phases, 'aggregate', async () => this.aggregate(round, { half: trained.parameters, own: replica }, signal))
    const evaluation = await this.timed(phases, 'evaluate', async () => this.work.evaluate(mixed.parameters, { round, signal }))
    signal.throwIfAborted()
    await this.timed(phases, 'persist', async () => this.commit(round, mixed.parameters, mixed.parents, {
      ...(trained.loss === null ? {} : { trainLoss: trained.loss }),
      accepted: mixed.parents.length,
      ...(evaluation === undefined ? {} : { loss: evaluation.loss, accuracy: evaluation.accuracy })
    }))

    await this.finish({
      round,
      accepted: mixed.parents.length,
      ...this.vigilance.report(),
      banned: this.components.network.banned().slice(0, MAX_NAMED),
      late: late.length,
      keptOwn: mixed.keptOwn,
      trainLoss: trained.loss,
      loss: evaluation?.loss ?? null,
      accuracy: evaluation?.accuracy ?? null,
      neighbourDistance: mixed.distance,
      ...this.meter.read(),
      durationMs: this.components.clock.monotonicMs() - startedAtMs,
      phases,
      examples: trained.examples,
      privacy: this.components.budget?.status() ?? null
    })
  }

  /** Trains and publishes, where the budget allows it: else nothing that comes from the data is sent, and the own model takes part alone */
  private async contribute (phases: PhaseTimes, inHand: InHand): Promise<{ trained: Trained, replica: Float32Array }> {
    const { round, signal } = inHand
    // neighbours were told that nothing comes any more: that holds for rounds that cost nothing, too
    const allowed = !this.observing && await this.timed(phases, 'train', async () => await this.components.budget?.reserve(round) ?? true)
    if (!allowed) {
      this.observe(round)
      await this.keepPace(round, signal)
      return { trained: { parameters: this.parameters, loss: null, examples: 0 }, replica: this.parameters }
    }
    const trained = await this.timed(phases, 'train', async () => this.work.train(this.parameters, inHand))
    this.pace.trainedMs = phases.trainMs
    return { trained, replica: await this.publish(round, trained.parameters, phases, signal) }
  }

  /** Says once that the budget is spent, to the operator and to the mesh */
  observe (round = this.round + 1): void {
    if (!this.observing) {
      this.observing = true
      this.components.network.observe()
      this.emit('privacy:exhausted', { round, status: this.components.budget!.status() })
    }
  }

  /** An observer goes as fast as its neighbours, who train: it waits for their updates as if it had trained as well */
  private async keepPace (round: number, signal: AbortSignal): Promise<void> {
    if (!this.components.network.neighbours().some(({ peer, live }) => live && this.inbox.isInStep(peer))) {
      await this.components.clock.delay(UNPACED_ROUND_MS, { signal })
    }
    this.pace.observed(round, this.components.clock.monotonicMs())
  }

  /** Returns what the neighbours decode from the own update */
  private async publish (round: number, parameters: Float32Array, phases: PhaseTimes, signal: AbortSignal): Promise<Float32Array> {
    const { codec, clock } = this.components
    const { replica, payload } = await this.timed(phases, 'encode', async () => {
      const encoded = codec.encode(parameters)
      return { replica: codec.decode(encoded, this.init.parameterCount), payload: this.liar?.payload({ own: parameters, round }) ?? encoded }
    })
    const payloads = this.init.attack?.equivocates === true ? [payload, codec.encode(parameters)] : [payload]
    await this.timed(phases, 'publish', async () => this.publisher.send(round, payloads, signal))
    this.pace.published(round, clock.monotonicMs())
    return replica
  }

  private async wait (round: number, signal: AbortSignal): Promise<PeerName[]> {
    const { network, clock } = this.components
    const live = network.neighbours().filter((neighbour) => neighbour.live).map(({ peer }) => peer)
    for (const peer of live) {
      if (this.inbox.delivered(peer, round)) {
        this.deadline.observe(peer, 0)
      }
    }
    const late = await collect({ network, clock }, {
      deadlineMs: this.deadline.waitMs(live, this.pace.trainedMs) + (this.observing ? this.pace.trainedMs : 0),
      delivered: (peer) => this.inbox.delivered(peer, round),
      wake: this.wake,
      signal
    })
    for (const peer of this.misses.note(late)) {
      this.deadline.forget(peer)
      network.suspend(peer)
    }
    return late
  }

  private async aggregate (round: number, { half, own }: { half: Float32Array, own: Float32Array }, signal: AbortSignal): Promise<Mixed> {
    const { aggregator, network, trainer } = this.components
    const neighbours = network.neighbours()
    if (this.isolation.begins(neighbours.length)) {
      this.emit('warning', { code: 'no-neighbours', message: `round ${round}: no neighbour is there; ${this.observing ? 'nothing is averaged' : 'training goes on alone'} until one comes` })
    }
    const entries = this.inbox.usableOf(neighbours.map(({ peer }) => peer), round)
    this.liar?.observe(entries.map(({ parameters }) => parameters))
    const admitted = this.vigilance.admit(entries, aggregator.minimumNeighbours)
    const losses = aggregator.needsLosses && admitted.length >= aggregator.minimumNeighbours ? await sampleLosses(trainer, { own, entries: admitted }, { round, signal }) : undefined
    const mixed = mix({ half, own, entries: admitted }, aggregator, { degree: neighbours.length, layout: this.init.layout, round, ...(losses === undefined ? {} : { losses }) })
    this.vigilance.judge({ own, entries, neighbours, before: this.init.noisy === true ? this.parameters : undefined }, mixed.excluded)
    this.work.seen({ before: this.parameters, own, replicas: entries.map(({ parameters }) => parameters) })
    if (!mixed.keptOwn) {
      this.inbox.use(entries)
    } else if (neighbours.length > 0) {
      this.emit('warning', { code: 'too-few-updates', message: `round ${round}: ${mixed.received} valid updates, ${aggregator.name} needs ${aggregator.minimumNeighbours}; the own model is kept` })
    }
    return mixed
  }

  private async commit (round: number, parameters: Float32Array, updateIds: readonly string[], metrics: ModelVersion['metrics']): Promise<void> {
    const parents = this.version === undefined ? updateIds : [this.version.id, ...updateIds]
    this.version = await this.components.store.commit({ federation: this.init.federation, round, parents, parameters, metrics })
    this.parameters = parameters
    this.round = round
    this.emit('version:commit', this.version)
  }

  private async finish (report: RoundReport): Promise<void> {
    await this.components.store.putMetrics(report.round, report)
    this.lastReport = report
    this.phase = undefined
    this.emit('round:end', report)
  }

  // ---------------------------------------------------------------------------------------- catching up

  private isFarBehind (): boolean {
    const rounds = this.components.network.neighbours().map(({ peer, round }) => Math.max(round ?? 0, this.inbox.newestRound(peer) ?? 0))
    return lowerMedian(rounds) > this.round + this.init.staleness + 1
  }

  /** Takes over the neighbours' model when they are ahead; a node that is level with them does nothing */
  private async catchUp (signal: AbortSignal): Promise<void> {
    const { network, aggregator, codec } = this.components
    const neighbours = network.neighbours().map(({ peer }) => peer)
    const elders = network.elders()
    if (neighbours.length + elders.length === 0) {
      return
    }
    const updates = await pullLatest(this.components, this.init.deadlineMs, signal)
    const jump = this.jumps.plan(updates, { round: this.round, parameters: this.parameters, neighbours, elders }, { ...this.init, aggregator, codec })
    if (jump.tooFew !== undefined) {
      this.emit('warning', { code: 'too-few-updates', message: `the neighbours are ahead, but only ${jump.tooFew} of their models can be had, and ${aggregator.name} needs ${aggregator.minimumNeighbours}; the own model is kept` })
    }
    await this.jump(jump)
    const refused = new Set(jump.refused.map(({ peer }) => peer))
    for (const { peer, reason } of jump.refused) {
      network.penalise(peer, reason)
    }
    const decoded = new Map(jump.sources.map(({ updateId, parameters }) => [updateId, parameters]))
    updates.filter(({ author }) => neighbours.includes(author) && !refused.has(author)).forEach((update) => { this.take(update, decoded.get(update.updateId)) })
  }

  private async jump ({ target, parameters, sources }: Jump): Promise<void> {
    if (target === undefined) {
      return
    }
    const from = this.round
    await this.commit(target, parameters, sources.map(({ updateId }) => updateId), {})
    this.components.network.setRound(target + 1)
    this.inbox.setRound(target + 1, euclideanNorm(parameters))
    this.emit('round:jump', { from, to: target, sources: sources.length })
  }

  // ---------------------------------------------------------------------------------------- events

  private readonly onUpdate = (event: CustomEvent<ReceivedUpdate>): void => {
    this.take(event.detail)
  }

  private readonly onRejected = ({ detail }: NetworkEvents['update:rejected']): void => {
    this.vigilance.reject(culprit(detail), detail.reason)
  }

  private readonly onNeighbours = (): void => {
    this.inbox.retain(new Set(this.components.network.followed()))
  }

  private take (update: ReceivedUpdate, decoded?: Float32Array): void {
    const reason = this.inbox.put(update, decoded)
    if (reason !== undefined) {
      // the network answers with `update:rejected`, which is where refusals are counted
      this.components.network.penalise(update.author, reason)
    }
    const lagMs = this.pace.lagMs(update.round, update.receivedAtMs)
    if (lagMs !== undefined) {
      // also when the round is over: a deadline that counted only those in time could never grow
      this.deadline.observe(update.author, lagMs)
    }
    this.wake.dispatchEvent(new Event('update'))
  }

  private async timed<T> (phases: PhaseTimes, phase: RoundPhase, work: () => T | Promise<T>): Promise<T> {
    const startedAtMs = this.components.clock.monotonicMs()
    this.phase = phase
    this.emit('round:phase', { round: this.round + 1, phase })
    try {
      return await work()
    } finally {
      phases[`${phase}Ms`] += this.components.clock.monotonicMs() - startedAtMs
    }
  }

  private emit<K extends keyof RoundEvents> (type: K, detail: RoundEvents[K]['detail']): void {
    this.safeDispatchEvent(type, { detail })
  }
}
