/**
 * Before a node votes: this home is no older copy of itself
 *
 * A copy has forgotten what it voted, and would be a liar to the others if it voted again. Others who hold a later
 * update of this key tell. Who is the only voter has nobody to contradict.
 */
import type { Governor } from '../governor/governor.ts'
import type { AbortOptions, Clock, Network, Store } from '../interface.ts'

const ASK_MS = 1_000

export interface VotingRightComponents {
  /** Undefined in an open federation: nothing to settle */
  governor: Pick<Governor, 'owner' | 'settleEarlierLife'> | undefined
  network: Pick<Network, 'newestOwn' | 'self'>
  store: Pick<Store, 'getPublication'>
  clock: Clock
}

/** Resolves when the governor was told; never rejects */
export async function settleVotingRight ({ governor, network, store, clock }: VotingRightComponents, { signal }: Required<AbortOptions>): Promise<void> {
  if (governor === undefined) {
    return
  }
  try {
    while (!signal.aborted) {
      const hasOthers = governor.owner.status().voters.some(({ peer }) => peer !== network.self)
      const { answers, newest } = hasOthers ? await network.newestOwn(0, { signal }) : { answers: 1, newest: undefined }
      if (answers > 0) {
        // read now: this node may have published meanwhile, and others hold that, too
        const { sequence = 0 } = await store.getPublication() ?? {}
        await governor.settleEarlierLife(newest !== undefined && newest.sequence > sequence)
        return
      }
      await clock.delay(ASK_MS, { signal })
    }
  } catch {
    // stopped: it votes no more
  }
}
