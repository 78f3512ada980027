/**
 * Before a node votes: this home is no older copy of itself
 *
 * A copy has forgotten what it voted, and would be a liar to the others if it voted again. Others who hold a later
 * update of this key tell.
 */
import type { Governor } from '../governor/governor.ts'
import type { AbortOptions, Clock, Network, Store } from '../interface.ts'
import type { Emit } from './forwarded-events.ts'

const ASK_MS = 1_000
/** Others that it knew may be gone for good: so long the only voter waits for one of them to answer */
const SOLE_VOTER_MS = 10_000

export interface VotingRightComponents {
  /** Undefined in an open federation: nothing to settle */
  governor: Pick<Governor, 'owner' | 'settleEarlierLife'> | undefined
  network: Pick<Network, 'newestOwn' | 'self'>
  store: Pick<Store, 'getPublication' | 'peers'>
  clock: Clock
  emit: Emit
}

/** Resolves when the governor was told; never rejects */
export async function settleVotingRight ({ governor, network, store, clock, emit }: VotingRightComponents, { signal }: Required<AbortOptions>): Promise<void> {
  if (governor === undefined) {
    return
  }
  try {
    const untilMs = clock.monotonicMs() + SOLE_VOTER_MS
    while (!signal.aborted) {
      const isSole = governor.owner.status().voters.every(({ peer }) => peer === network.self)
      const isAlone = isSole && (clock.monotonicMs() > untilMs || (await store.peers()).length === 0)
      const { answers, newest } = isAlone ? { answers: 1, newest: undefined } : await network.newestOwn(0, { signal })
      if (answers > 0) {
        // read now: this node may have published meanwhile, and others hold that, too
        const { sequence = 0 } = await store.getPublication() ?? {}
        await governor.settleEarlierLife(newest !== undefined && newest.sequence > sequence)
        return
      }
      await clock.delay(ASK_MS, { signal })
    }
  } catch (err) {
    // stopped: it votes no more
    signal.aborted || emit('warning', { code: 'abstains', message: `this peer does not vote: what it published last could not be read (${(err as Error).message})` })
  }
}
