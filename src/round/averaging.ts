/**
 * From the updates that came to the next model: hold back, check losses where the rule wants them, mix, judge
 */
import { inSlices } from '../slices.ts'
import { contrary } from './agreement.ts'
import { Isolation } from './isolation.ts'
import { keptOwnWarning, mix } from './mix.ts'
import { roundPositions } from './round-positions.ts'
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { AggregationInput, Aggregator, Clock, Network, PeerName, Trainer } from '../interface.ts'
import type { Sliced } from '../slices.ts'
import type { Inbox, InboxEntry } from './inbox.ts'
import type { LocalWork } from './local-work.ts'
import type { Mixed } from './mix.ts'
import type { RoundEvents } from './round-events.ts'
import type { Vigilance } from './vigilance.ts'

export interface AveragingComponents {
  network: Pick<Network, 'neighbours'>
  trainer: Pick<Trainer, 'sampleLoss'>
  aggregator: Aggregator
  algorithm: Pick<Algorithm, 'vectors' | 'mixed'>
  inbox: Inbox
  vigilance: Vigilance
  work: Pick<LocalWork, 'seen' | 'readsBefore'>
  clock: Pick<Clock, 'monotonicMs'>
}

export interface AveragingInit {
  /** Every peer adds noise of its own: the model before the training helps to tell who speaks against it */
  noisy?: boolean | undefined
  warn: (detail: RoundEvents['warning']['detail']) => void
}

export interface AveragingInput {
  /** The exact local vectors, d elements each; the first is the model */
  half: readonly Float32Array[]
  /** What the neighbours decode of them from the own update */
  own: readonly Float32Array[]
  /** The own model before the round's training */
  before: Float32Array
  /**
   * The newest own model that neighbours took part in: they hold it, and nothing of what was trained on one's own
   * since; undefined: not known
   */
  shared: Float32Array | undefined
  /**
   * What a protocol let take part, or what came late. Empty in a round in hand: the protocol gave no result, which the
   * operator was told, or was not asked, by an observer. Left out: whatever the neighbours sent for this round
   */
  entries?: readonly InboxEntry[] | undefined
  /** In the name of a round that is over. @default false */
  isLate?: boolean
  /**
   * As the own update states it: both ends of an edge must weigh it alike (Xiao and Boyd 2004), whoever came or went
   * since
   */
  degree: number
}

export interface Averaged extends Mixed {
  /** The model to go on from */
  parameters: Float32Array
}

export class Averaging {
  private readonly components: AveragingComponents
  private readonly init: AveragingInit
  private readonly isolation = new Isolation()

  constructor (components: AveragingComponents, init: AveragingInit) {
    this.components = components
    this.init = init
  }

  /** Rejects with the signal's reason */
  async average (round: number, { half, own, before, shared, degree, ...input }: AveragingInput, signal: AbortSignal): Promise<Averaged> {
    const { aggregator, algorithm, network, trainer, inbox, vigilance, work } = this.components
    const { noisy = false, warn } = this.init
    const neighbours = network.neighbours()
    if (this.isolation.begins(neighbours.length)) {
      warn({ code: 'no-neighbours', message: `round ${round}: no neighbour is there; nothing is averaged until one comes` })
    }
    const entries = input.entries ?? inbox.usableOf(neighbours.map(({ peer }) => peer), round)
    const admitted = vigilance.admit(entries, aggregator.minimumNeighbours)
    const model = own[0]!
    const losses = aggregator.needsLosses && admitted.length >= aggregator.minimumNeighbours
      ? await sampleLosses(trainer, { own: model, entries: admitted }, { round, signal })
      : undefined
    const replicas = entries.map(({ update, parameters }) => ({ peer: update.author, parameters }))
    const positions = await this.inSlices(roundPositions(model, replicas, this.startOf(before, input)), signal)
    const options = { degree, round, vectors: algorithm.vectors, ...(losses === undefined ? {} : { losses }) }
    const mixed = await this.inSlices(mix({ half, own, entries: admitted, positions }, aggregator, options), signal)
    const against = noisy && shared !== undefined ? await this.inSlices(contrary(shared, replicas), signal) : []
    vigilance.judge({ positions, neighbours, contrary: against }, mixed.excluded)
    work.seen(positions)
    if (!mixed.keptOwn) {
      inbox.use(entries)
    } else if (!isExplained(neighbours.length, input)) {
      warn(keptOwnWarning(mixed, aggregator, round))
    }
    return { ...mixed, parameters: algorithm.mixed(mixed.vectors) }
  }

  /** Where the step of the round in hand began, for its length; undefined where nobody asks */
  private startOf (before: Float32Array, { isLate = false }: Pick<AveragingInput, 'isLate'>): Float32Array | undefined {
    return isLate || !this.components.work.readsBefore ? undefined : before
  }

  private async inSlices<T> (part: Sliced<T>, signal: AbortSignal): Promise<T> {
    return inSlices(part, this.components.clock, { signal })
  }
}

/** Nobody is there to average with, or no result of a protocol: the operator was told */
function isExplained (neighbours: number, { entries, isLate = false }: Pick<AveragingInput, 'entries' | 'isLate'>): boolean {
  return neighbours === 0 || (!isLate && entries?.length === 0)
}

/** Mean loss of the own replica and of each neighbour's on one batch of own training examples */
async function sampleLosses (trainer: Pick<Trainer, 'sampleLoss'>, { own, entries }: { own: Float32Array, entries: readonly InboxEntry[] }, options: { round: number, signal: AbortSignal }): Promise<NonNullable<AggregationInput['losses']>> {
  const neighbours = new Map<PeerName, number>()
  for (const { update: { author }, parameters } of entries) {
    neighbours.set(author, await trainer.sampleLoss(parameters, options))
  }
  return { own: await trainer.sampleLoss(own, options), neighbours }
}
