/**
 * When the first round may begin: enough members, and the own neighbours are live, not merely known
 */
import type { AbortOptions, Clock, Network } from '../interface.ts'

/**
 * A neighbour that is known but cannot be reached, or the lack of one where all others only listen, holds the start up
 * no longer than this; nor does the lack of others, for a node that is to train without them
 */
const REACH_TIMEOUT_MS = 10_000

export interface MeshReadyComponents {
  network: Pick<Network, 'members' | 'neighbours' | 'addEventListener' | 'removeEventListener'>
  clock: Clock
}

export interface MeshReadyOptions extends AbortOptions {
  /** This node included */
  minMembers: number
  /** Whether to begin without them, when they are not there in time. @default false */
  alone?: boolean | undefined
}

type Readiness = 'too-few' | 'reaching' | 'ready'

function readiness (network: MeshReadyComponents['network'], minMembers: number): Readiness {
  if (network.members().length < minMembers) {
    return 'too-few'
  }
  const neighbours = network.neighbours()
  if (neighbours.every(({ live }) => live) && (neighbours.length > 0 || minMembers <= 1)) {
    return 'ready'
  }
  return 'reaching'
}

/** Resolves when the mesh is ready, or usable and not getting better. Rejects with the signal's reason */
export async function meshReady (components: MeshReadyComponents, options: MeshReadyOptions): Promise<void> {
  const { network, clock } = components
  const changed = (): Promise<void> => new Promise((resolve) => {
    const listener = (): void => {
      network.removeEventListener('members:change', listener)
      network.removeEventListener('neighbours:change', listener)
      options.signal?.removeEventListener('abort', listener)
      resolve()
    }
    network.addEventListener('members:change', listener)
    network.addEventListener('neighbours:change', listener)
    options.signal?.addEventListener('abort', listener)
  })
  let reachingSince: number | undefined
  for (;;) {
    options.signal?.throwIfAborted()
    const state = readiness(network, options.minMembers)
    if (state === 'ready') {
      return
    }
    const neighbours = network.neighbours()
    const isUsable = options.alone === true || (state === 'reaching' && (neighbours.length === 0 || neighbours.some(({ live }) => live)))
    reachingSince = isUsable ? reachingSince ?? clock.monotonicMs() : undefined
    const leftMs = reachingSince === undefined ? undefined : reachingSince + REACH_TIMEOUT_MS - clock.monotonicMs()
    if (leftMs !== undefined && leftMs <= 0) {
      return
    }
    await changedOrElapsed(changed, clock, leftMs)
  }
}

async function changedOrElapsed (changed: () => Promise<void>, clock: Clock, leftMs: number | undefined): Promise<void> {
  if (leftMs === undefined) {
    await changed()
    return
  }
  const elapsed = new AbortController()
  try {
    await Promise.race([changed(), clock.delay(leftMs, { signal: elapsed.signal })])
  } finally {
    elapsed.abort()
  }
}
