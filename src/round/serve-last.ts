/**
 * After the last round: those who are behind still need this node, its updates and its answers
 */
import type { Clock, Network } from '../interface.ts'

export interface ServeOptions {
  /** The last round */
  round: number
  /** The document's bound: nobody is waited for longer than that */
  deadlineMs: number
  signal: AbortSignal
}

const LOOK_MS = 250

/**
 * Resolves once every live neighbour has published the last round too, or at the deadline. Rejects with the signal's
 * reason
 */
export async function serveLast ({ network, clock }: { network: Pick<Network, 'neighbours'>, clock: Clock }, { round, deadlineMs, signal }: ServeOptions): Promise<void> {
  const until = clock.monotonicMs() + deadlineMs
  const isBehind = (): boolean => network.neighbours().some(({ live, round: newest }) => live && (newest ?? 0) < round)
  while (isBehind() && clock.monotonicMs() < until) {
    await clock.delay(LOOK_MS, { signal })
  }
}
