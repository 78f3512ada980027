/**
 * Before a node publishes: what others know that its key signed in an earlier life
 *
 * A home that was brought back from a backup would sign its last rounds again, and two updates of one round convict
 * their author. So others are asked first; when others are to be expected and none can be reached, that is waited for.
 */
import { anySignal } from 'any-signal'
import type { AbortOptions, Clock, EarlierLife, Network, Store } from '../interface.ts'
import type { RoundEngine } from '../round/round-engine.ts'
import type { PrivacyAccount } from './node-parts.ts'

/** Nothing is published before somebody answered, or this long after the mesh is up */
export const EARLIER_LIFE_TIMEOUT_MS = 10_000

const RETRY_MS = 250

export interface EarlierLifeComponents {
  network: Pick<Network, 'newestOwn' | 'members'>
  store: Pick<Store, 'getPublication' | 'peers'>
  clock: Clock
}

/**
 * What connected peers know of own updates later than those this home knows of. A node that knows no other, has none to
 * join through, and is not joined by any does not wait
 *
 * Rejects with the signal's reason when it aborts
 */
export async function earlierLife ({ network, store, clock }: EarlierLifeComponents, { bootstrap, signal }: Required<AbortOptions> & { bootstrap: readonly string[] }): Promise<EarlierLife> {
  const { sequence = 0 } = await store.getPublication() ?? {}
  const isAlone = bootstrap.length === 0 && network.members().length < 2 && (await store.peers()).length === 0
  const late = new AbortController()
  const ended = new AbortController()
  // rejects when it is not needed any more
  clock.delay(EARLIER_LIFE_TIMEOUT_MS, { signal: ended.signal }).then(() => { late.abort() }, () => {})
  const either = anySignal([signal, late.signal])
  try {
    for (;;) {
      const life = await network.newestOwn(sequence, { signal: either })
      signal.throwIfAborted()
      if (life.answers > 0 || isAlone || late.signal.aborted) {
        return life
      }
      // who is slow is waited for as well: the loop looks at the signals
      await clock.delay(RETRY_MS, { signal: either }).catch(() => {})
    }
  } finally {
    ended.abort()
    either.clear()
  }
}

export interface ResumedComponents extends EarlierLifeComponents {
  privacy: Pick<PrivacyAccount, 'requireHeldCharged' | 'trainedRound'>
  engine: Pick<RoundEngine, 'round' | 'resumeAfter'>
}

/**
 * Others may know what an earlier life of this key published: then the home is an older copy, and perhaps the ledger,
 * too. Goes on after it, and resolves to what to tell the operator; undefined where there is nothing
 *
 * Throws LedgerRollbackError; rejects as `earlierLife` does
 */
export async function resumeEarlierLife ({ privacy, engine, ...components }: ResumedComponents, options: Parameters<typeof earlierLife>[1]): Promise<string | undefined> {
  const { newest } = await earlierLife(components, options)
  privacy.requireHeldCharged(newest?.round)
  const trainedRound = await privacy.trainedRound()
  // a crash leaves the ledger one round ahead of its home, never more
  const published = newest ?? (trainedRound > engine.round + 1 ? { round: trainedRound, sequence: 0 } : undefined)
  if (published === undefined) {
    return undefined
  }
  const source = newest === undefined ? 'the privacy ledger has a charge' : 'others hold an update'
  const message = `${source} of round ${published.round} by this peer, and this home ends at round ${engine.round}: it is an older copy, and goes on after the later of the two`
  await engine.resumeAfter(published)
  return message
}
