/**
 * How good models are on own examples, for rules that judge by it
 */
import type { AggregationInput, PeerName, Trainer } from '../interface.ts'
import type { InboxEntry } from './inbox.ts'

/** Mean loss of the own replica and of each neighbour's on one batch of own training examples */
export async function sampleLosses (trainer: Pick<Trainer, 'sampleLoss'>, { own, entries }: { own: Float32Array, entries: readonly InboxEntry[] }, options: { round: number, signal: AbortSignal }): Promise<NonNullable<AggregationInput['losses']>> {
  const neighbours = new Map<PeerName, number>()
  for (const { update: { author }, parameters } of entries) {
    neighbours.set(author, await trainer.sampleLoss(parameters, options))
  }
  return { own: await trainer.sampleLoss(own, options), neighbours }
}
