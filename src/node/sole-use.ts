/**
 * Before a node publishes: nobody else uses its id
 *
 * Two processes with copies of one home would sign two updates for one round, which convicts both, and spend twice on
 * one dataset where the ledgers lie on two machines. Who has begun a round goes on; who has not waits here until the
 * other is gone. Where neither has, as when the first starts again while its copy waits, both wait: that costs nothing,
 * and ends when one is stopped.
 */
import type { AbortOptions, Clock, Network } from '../interface.ts'

const LOOK_MS = 250

/** Resolves when the id is not in use elsewhere, as far as can be known. Rejects with the signal's reason */
export async function soleUse ({ network, clock }: { network: Pick<Network, 'identityUse'>, clock: Clock }, { signal }: Required<AbortOptions>): Promise<void> {
  while (network.identityUse().inDoubt) {
    await clock.delay(LOOK_MS, { signal })
  }
  signal.throwIfAborted()
}
