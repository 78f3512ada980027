/**
 * What became of the last rounds that an earlier life of this home paid for: a restart is no reason to pay again
 */
import type { Clock, Store } from '../interface.ts'
import type { EarlierRounds } from './admission.ts'

/** The pause after so many rounds in a row that were not mixed is longer than anybody waits */
const MAX_COUNTED = 16

/** From the store of a home that is not running. Throws what the store throws */
export async function earlierRounds ({ store, clock }: { store: Pick<Store, 'list' | 'getPublication'>, clock: Clock }): Promise<EarlierRounds> {
  const versions = await store.list({ limit: MAX_COUNTED })
  const mixedAt = versions.findIndex(({ metrics }) => metrics.accepted !== 0)
  const lonely = mixedAt < 0 ? versions.length : mixedAt
  // signed and perhaps sent, and killed before it was mixed
  const isTorn = ((await store.getPublication())?.round ?? 0) > (versions[0]?.round ?? 0)
  const unmixed = lonely + (isTorn ? 1 : 0)
  const ageMs = Math.max(0, clock.now() - (versions[0]?.createdAt ?? 0))
  return { standing: unmixed > 0 ? 'unmixed' : 'fresh', unmixed, paidAtMs: clock.monotonicMs() - ageMs }
}
