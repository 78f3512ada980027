/**
 * What somebody outside of a ledger noted of it, to recognise an older copy by
 */
import type { LedgerHead } from './entry.ts'
import type { Ledger } from './ledger.ts'

export interface KnownHead extends LedgerHead {
  /** Heads before it, newest first, at distances that about double: what an older copy lacks shows to within them */
  earlier?: readonly LedgerHead[] | undefined
  /** The set that it counted for when it was noted, and the share of the smaller set's examples in both */
  counted?: { fingerprint: string, share: number } | undefined
}

function plain ({ index, hash }: LedgerHead): LedgerHead {
  return { index, hash }
}

/** Of those between 2^k and 2^(k + 1) - 1 entries back the first, for each k */
function thinned (heads: readonly LedgerHead[], newest: number): LedgerHead[] {
  const first = new Map(heads.map((head) => [Math.floor(Math.log2(newest - head.index)), head]))
  return [...first.values()]
}

/** The head that is noted next, after `last` */
export function nextKnownHead (last: KnownHead | undefined, head: LedgerHead): KnownHead {
  const before = last === undefined ? [] : [last, ...last.earlier ?? []].filter(({ index }) => index < head.index).map(plain)
  return before.length === 0 ? plain(head) : { ...plain(head), earlier: thinned(before, head.index) }
}

/** Index of the newest of these heads that the ledger goes on from; -1 when it has none of their entries */
export async function newestHeld (ledger: Pick<Ledger, 'contains'>, known: KnownHead): Promise<number> {
  for (const head of [known, ...known.earlier ?? []]) {
    if (await ledger.contains(head)) {
      return head.index
    }
  }
  return -1
}
