/**
 * The own part in a round: pay, train, publish; or, once the privacy budget is spent, only keep the neighbours' pace
 */
import { joined, separated } from '../algorithm/vectors.ts'
import { untrained } from './local-work.ts'
import { Publisher } from './publisher.ts'
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { Publication, Replicas } from '../interface.ts'
import type { PhaseTimes } from './round-events.ts'
import type { Inbox } from './inbox.ts'
import type { InHand, LocalWork, Trained } from './local-work.ts'
import type { Pace } from './pace.ts'
import type { PhaseTimer } from './phase-times.ts'
import type { MessageNumbers } from './publisher.ts'
import type { RoundComponents, RoundInit } from './round-interface.ts'

/** A round that only averages takes at least this long when no neighbour sets the pace: nothing else slows it down */
export const UNPACED_ROUND_MS = 1_000

export interface ContributionComponents extends Pick<RoundComponents, 'network' | 'store' | 'codec' | 'clock' | 'budget' | 'protocol'> {
  algorithm: Algorithm
  inbox: Pick<Inbox, 'isInStep'>
  replicas: Pick<Replicas, 'own' | 'published'>
  pace: Pace
  timer: PhaseTimer
  work: Pick<LocalWork, 'train'>
}

export interface ContributionInit extends Pick<RoundInit, 'parameterCount'> {
  /** What training goes on from is to be committed with the round */
  isStateDue: () => boolean
  /** A round begins to cost something */
  onPaid: (round: number) => void
  /** The budget is spent: from this round on nothing is published. Once */
  onExhausted: (round: number) => void
}

export interface Contributed {
  trained: Trained
  /** The exact vectors of the own update, d elements each; the first is the model */
  half: readonly Float32Array[]
  /** What the neighbours decode of them; without an update the exact ones, which then take part alone */
  own: readonly Float32Array[]
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
  get numbers (): MessageNumbers | undefined {
    return this.publisher.numbers
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
    const { timer, work, pace, algorithm } = this.components
    const { round, signal } = inHand
    // neighbours were told that nothing comes any more: that holds for rounds that cost nothing, too
    const allowed = !this.observing && await timer.timed(phases, 'train', async () => this.pay(round))
    if (!allowed) {
      this.observe(round)
      await this.keepPace(round, signal)
      const half = algorithm.current(parameters)
      return { trained: untrained(parameters), half, own: half, degree: this.components.network.neighbours().length }
    }
    const trained = await timer.timed(phases, 'train', async () => work.train(parameters, inHand, { correction: algorithm.correction(round), withState: this.init.isStateDue() }))
    pace.trainedMs = phases.trainMs
    const { parameters: after, steps, scale } = trained
    const half = algorithm.outgoing({ round, before: parameters, after, steps, scale })
    return { trained, half, ...await this.publish(half, phases, inHand) }
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

  private async publish (half: readonly Float32Array[], phases: PhaseTimes, { round, signal }: InHand): Promise<Pick<Contributed, 'own' | 'degree'>> {
    const { replicas, clock, timer, pace } = this.components
    const made = await timer.timed(phases, 'encode', async () => replicas.own(joined(half)))
    const { replica, ...update } = made
    const degree = await timer.timed(phases, 'publish', async () => this.publisher.send(round, update, signal))
    replicas.published(made)
    pace.published(round, clock.monotonicMs())
    return { own: separated(replica.parameters, this.init.parameterCount), degree }
  }
}
