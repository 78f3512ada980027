/**
 * The neighbours' newest updates, and the keyframes that they need, as many as come before a deadline: no neighbour
 * that drips holds a node up
 */
import { anySignal } from 'any-signal'
import type { Clock, Network, PeerName, ReceivedUpdate, Replicas } from '../interface.ts'
import type { Keyframes } from './keyframes.ts'

export interface PullComponents {
  network: Pick<Network, 'pullLatest'>
  clock: Clock
  replicas: Pick<Replicas, 'keepsMemory' | 'apply'>
  keyframes: Pick<Keyframes, 'fetch'>
}

/** What `task` gives. Its signal aborts at the deadline; rejects with the reason of `signal` when that aborts */
async function before<T> (clock: Clock, deadlineMs: number, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const done = new AbortController()
  const late = new AbortController()
  // rejects when it is not needed any more
  clock.delay(deadlineMs, { signal: done.signal }).then(() => { late.abort() }, () => {})
  const either = anySignal([signal, late.signal])
  try {
    const result = await task(either)
    signal.throwIfAborted()
    return result
  } finally {
    done.abort()
    either.clear()
  }
}

export interface PullOptions {
  /** For the updates, and again for the keyframes */
  deadlineMs: number
  /** Whose updates are worth a keyframe */
  voters: readonly PeerName[]
  signal: AbortSignal
}

/** Rejects with the signal's reason when it aborts */
export async function pullLatest ({ network, clock, replicas, keyframes }: PullComponents, { deadlineMs, voters, signal }: PullOptions): Promise<ReceivedUpdate[]> {
  const updates = await before(clock, deadlineMs, signal, async (either) => network.pullLatest({ signal: either }))
  const needy = replicas.keepsMemory ? updates.filter((update) => voters.includes(update.author) && replicas.apply(update) === 'needs-keyframe') : []
  if (needy.length > 0) {
    await before(clock, deadlineMs, signal, async (either) => Promise.all(needy.map(async (update) => keyframes.fetch(update, either))))
  }
  return updates
}
