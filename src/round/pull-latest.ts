/**
 * The neighbours' newest updates, as many as come before a deadline: no neighbour that drips holds a node up
 */
import { anySignal } from 'any-signal'
import type { Clock, Network, ReceivedUpdate } from '../interface.ts'

/** Rejects with the signal's reason when it aborts */
export async function pullLatest ({ network, clock }: { network: Pick<Network, 'pullLatest'>, clock: Clock }, deadlineMs: number, signal: AbortSignal): Promise<ReceivedUpdate[]> {
  const done = new AbortController()
  const late = new AbortController()
  // rejects when it is not needed any more
  clock.delay(deadlineMs, { signal: done.signal }).then(() => { late.abort() }, () => {})
  const either = anySignal([signal, late.signal])
  try {
    const updates = await network.pullLatest({ signal: either })
    signal.throwIfAborted()
    return updates
  } finally {
    done.abort()
    either.clear()
  }
}
