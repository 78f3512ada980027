/**
 * Waiting for the neighbours of a round: until every live one has delivered, or the deadline
 *
 * Dead neighbours stop being waited for the moment the network notices, slow ones at the deadline: nobody can block
 * a round longer than that.
 */
import { anySignal } from 'any-signal'
import type { AbortOptions, Clock, Neighbour, Network, PeerName } from '../interface.ts'

export interface CollectComponents {
  network: Pick<Network, 'neighbours' | 'addEventListener' | 'removeEventListener'>
  clock: Clock
}

export interface CollectOptions extends AbortOptions {
  deadlineMs: number
  /** True when this neighbour need not be waited for any more */
  delivered: (peer: PeerName) => boolean
  /** Called after each update that arrived, so that the caller can take it in first */
  wake: EventTarget
}

/** Live neighbours that the round still waits for */
export function awaited (neighbours: readonly Neighbour[], delivered: (peer: PeerName) => boolean): PeerName[] {
  return neighbours.filter(({ peer, live }) => live && !delivered(peer)).map(({ peer }) => peer)
}

/** Resolves with the live neighbours that had not delivered at the deadline: none when all had */
export async function collect (components: CollectComponents, options: CollectOptions): Promise<PeerName[]> {
  const { network, clock } = components
  const missing = (): PeerName[] => awaited(network.neighbours(), options.delivered)
  if (missing().length === 0) {
    return []
  }
  const finished = new AbortController()
  const signal = anySignal([finished.signal, options.signal])
  const { promise: complete, resolve } = Promise.withResolvers<void>()
  const check = (): void => {
    if (missing().length === 0) {
      resolve()
    }
  }
  options.wake.addEventListener('update', check)
  network.addEventListener('neighbours:change', check)
  try {
    await Promise.race([complete, clock.delay(options.deadlineMs, { signal })])
    return missing()
  } finally {
    options.wake.removeEventListener('update', check)
    network.removeEventListener('neighbours:change', check)
    finished.abort()
    signal.clear()
  }
}

/** For work that goes on without whoever waits for it. Rejects with the signal's reason when it aborts first */
export async function unlessAborted<T> (work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => { reject(signal.reason as Error) }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
