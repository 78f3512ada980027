/**
 * When a node whose privacy budget is spent has nobody left to learn from: it sends nothing, nothing comes, and no
 * round changes that
 */
import type { Clock, Network } from '../interface.ts'

/** Members that restart or lost the network for a moment are back by then */
const ALONE_MS = 60_000

const LOOK_MS = 1_000

export interface SpentAloneComponents {
  network: Pick<Network, 'members'>
  clock: Pick<Clock, 'monotonicMs' | 'delay'>
}

export interface SpentAloneOptions {
  isSpent: () => boolean
  signal: AbortSignal
}

/**
 * True once the budget was spent and no other member known for a minute without a break; false when the signal aborts
 * first
 */
export async function spentAlone ({ network, clock }: SpentAloneComponents, { isSpent, signal }: SpentAloneOptions): Promise<boolean> {
  let aloneSince: number | undefined
  while (!signal.aborted) {
    const now = clock.monotonicMs()
    aloneSince = isSpent() && network.members().length <= 1 ? aloneSince ?? now : undefined
    if (aloneSince !== undefined && now - aloneSince >= ALONE_MS) {
      return true
    }
    await clock.delay(LOOK_MS, { signal }).catch(() => {
      // the condition of the loop says why
    })
  }
  return false
}
