/**
 * Why nobody comes: asks the bootstrap addresses of a node that knows its federation already, and still is alone
 *
 * A node without a document fetches it through these addresses, and fails to start when that fails. One that has its
 * document starts without them, because the others may come to it; an address that leads to another federation, or
 * nowhere, would otherwise look like a mesh that is merely late.
 */
import { anySignal } from 'any-signal'
import type { Clock, Network } from '../interface.ts'
import type { NodeParts } from './node-parts.ts'

/** As long as a mesh on one network takes to find itself, and some more */
const PATIENCE_MS = 5_000

/** An address that answers nothing is no address either */
const FETCH_TIMEOUT_MS = 15_000

export interface BootstrapCheckComponents {
  network: Pick<Network, 'members'>
  clock: Pick<Clock, 'delay'>
  fetchDocument: NodeParts['fetchDocument']
}

export interface BootstrapCheckOptions {
  addresses: string[]
  /** Id of the own federation */
  federation: string
  signal: AbortSignal
}

/**
 * Resolves to what is wrong with the addresses, in words for the operator; undefined when one of them leads to the
 * federation, when somebody came meanwhile, or when there are none. Never rejects
 */
export async function bootstrapProblem ({ network, clock, fetchDocument }: BootstrapCheckComponents, { addresses, federation, signal }: BootstrapCheckOptions): Promise<string | undefined> {
  const isAlone = (): boolean => network.members().length < 2 && !signal.aborted
  if (addresses.length === 0) {
    return undefined
  }
  try {
    await clock.delay(PATIENCE_MS, { signal })
    if (isAlone()) {
      const inTime = anySignal([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)])
      await fetchDocument({ addresses, expected: federation, signal: inTime }).finally(() => { inTime.clear() })
    }
    return undefined
  } catch (err) {
    return isAlone() ? (err as Error).message : undefined
  }
}
