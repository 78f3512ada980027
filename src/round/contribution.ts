/**
 * The own part in a round: pay, train, publish; or, once the privacy budget is spent, only keep the neighbours' pace
 */
import { Publisher } from './publisher.ts'
import type { Publication, Replicas } from '../interface.ts'
import type { PhaseTimes } from './round-events.ts'
import type { Inbox } from './inbox.ts'
import type { Liar } from './liar.ts'
import type { InHand, LocalWork, Trained } from './local-work.ts'
import type { Pace } from './pace.ts'
import type { PhaseTimer } from './phase-times.ts'
import type { RoundComponents, RoundInit } from './round-interface.ts'

/** A round that only averages takes at least this long when no neighbour sets the pace: nothing else slows it down */
export const UNPACED_ROUND_MS = 1_000

export interface ContributionComponents extends Pick<RoundComponents, 'network' | 'store' | 'codec' | 'clock' | 'budget'> {
  inbox: Pick<Inbox, 'isInStep'>
  replicas: Pick<Replicas, 'own' | 'published'>
  pace: Pace
  timer: PhaseTimer
  work: Pick<LocalWork, 'train'>
  /** Undefined: an honest node */
  liar: Liar | undefined
}

export interface ContributionInit extends Pick<RoundInit, 'attack'> {
  /** A round begins to cost something */
  onPaid: (round: number) => void
  /** The budget is spent: from this round on nothing is published. Once */
  onExhausted: (round: number) => void
}

export interface Contributed {
  trained: Trained
  /** What the neighbours decode from the own update; without one the own model, which then takes part alone */
  replica: Float32Array
  /** How many neighbours there were then: the own update states it, and they weigh it by that */
  degree: number
}

export class Contribution {
  private readonly components: ContributionComponents
  private readonly init: ContributionInit
  private readonly publisher: Publisher
  /** The privacy budget is spent: averages and evaluates only */
  observing = false

  constructor (components: ContributionComponents, init: ContributionInit) {
    this.components = components
    this.init = init
    this.publisher = new Publisher(components)
  }

  /**
   * Number of own neighbours that the last own update stated: others weigh it by that. Before the first, that of now
   */
  get degree (): number {
    return this.publisher.degree ?? this.components.network.neighbours().length
  }

  /** See Publisher */
  notBefore (round: number): number {
    return this.publisher.notBefore(round)
  }

  async load (): Promise<void> {
    await this.publisher.load()
  }

  /** See Publisher */
  async resumeAfter (published: Publication): Promise<void> {
    await this.publisher.resumeAfter(published)
  }

  /** Says once that the budget is spent, to the operator and to the mesh */
  observe (round: number): void {
    if (!this.observing) {
      this.observing = true
      this.components.network.observe()
      this.init.onExhausted(round)
    }
  }

  /** Trains and publishes, where the budget allows it: else nothing that comes from the data is sent */
  async contribute (parameters: Float32Array, phases: PhaseTimes, inHand: InHand): Promise<Contributed> {
    const { timer, work, pace } = this.components
    const { round, signal } = inHand
    // neighbours were told that nothing comes any more: that holds for rounds that cost nothing, too
    const allowed = !this.observing && await timer.timed(phases, 'train', async () => this.pay(round))
    if (!allowed) {
      this.observe(round)
      await this.keepPace(round, signal)
      return { trained: { parameters, loss: null, examples: 0 }, replica: parameters, degree: this.components.network.neighbours().length }
    }
    const trained = await timer.timed(phases, 'train', async () => work.train(parameters, inHand))
    pace.trainedMs = phases.trainMs
    return { trained, ...await this.publish(trained.parameters, phases, inHand) }
  }

  private async pay (round: number): Promise<boolean> {
    this.init.onPaid(round)
    return await this.components.budget?.reserve(round) ?? true
  }

  /** An observer goes as fast as its neighbours, who train: it waits for their updates as if it had trained as well */
  private async keepPace (round: number, signal: AbortSignal): Promise<void> {
    const { network, inbox, clock, pace } = this.components
    if (!network.neighbours().some(({ peer, live }) => live && inbox.isInStep(peer))) {
      await clock.delay(UNPACED_ROUND_MS, { signal })
    }
    pace.observed(round, clock.monotonicMs())
  }

  private async publish (parameters: Float32Array, phases: PhaseTimes, { round, signal }: InHand): Promise<Omit<Contributed, 'trained'>> {
    const { codec, replicas, clock, timer, liar, pace } = this.components
    const own = await timer.timed(phases, 'encode', async () => replicas.own(parameters))
    const { replica, ...update } = own
    const lie = liar?.payload({ own: parameters, round })
    const lies = lie === undefined ? [] : [lie, ...(this.init.attack?.equivocates === true ? [codec.encode(parameters)] : [])]
    const degree = await timer.timed(phases, 'publish', async () => this.publisher.send(round, lie === undefined ? [update] : lies.map((payload) => ({ payload })), signal))
    // a lie is nothing that an own update may stand on
    lie === undefined && replicas.published(own)
    pace.published(round, clock.monotonicMs())
    return { replica: replica.parameters, degree }
  }
}
