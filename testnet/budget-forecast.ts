/**
 * Whose privacy budget will not last: known before anything runs
 *
 * A step draws the same number of examples from every peer's set, so that a small set is sampled at a larger rate, and
 * each step costs it more.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { partSizes } from '../src/data/part-sizes.ts'
import { epsilonsAfter, forecast } from '../src/privacy/forecast.ts'
import { roundCharge } from '../src/privacy/mechanism.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { AbortOptions } from '../src/interface.ts'
import type { EndingBudget } from './interface.ts'
import type { TestnetSettings } from './testnet-settings.ts'

type Planned = Pick<TestnetSettings, 'document' | 'data' | 'partition' | 'peers' | 'rounds' | 'seed'>

/**
 * Peers that must stop sending before their last round, the first to stop first. Takes a tenth of a second or two for
 * each size of a set. Throws DatasetError, RangeError on an impossible split, and the signal's reason
 */
export async function budgetsThatEnd ({ document, data, partition, peers, rounds, seed }: Planned, { signal }: AbortOptions = {}): Promise<EndingBudget[]> {
  if (document.privacy.mechanism === 'none') {
    return []
  }
  const sizes = await partSizes(data, document.model, { ...partition, count: peers, seed })
  const trains = new Map<number, number>()
  for (const examples of new Set(sizes)) {
    // a signal is heard between two of them
    await nextTurn()
    signal?.throwIfAborted()
    trains.set(examples, roundsWithin(document, examples, rounds))
  }
  return sizes.map((examples, index): EndingBudget => ({ node: `peer-${index + 1}`, examples, rounds: trains.get(examples)! }))
    .filter((peer) => peer.rounds < rounds)
    .sort((a, b) => a.rounds - b.rounds)
}

/** Rounds, of those planned, that the limit allows on a set of so many examples */
function roundsWithin (document: FederationDocument, examples: number, planned: number): number {
  const { privacy } = document
  const charge = roundCharge(document, examples)
  if (privacy.mechanism === 'none' || charge === undefined) {
    return planned
  }
  const init = { settings: privacy, charge, totals: [] }
  return epsilonsAfter(init, planned)[privacy.accountant] <= privacy.epsilonLimit ? planned : Math.min(planned, forecast(init).roundsLeft)
}
