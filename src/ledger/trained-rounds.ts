/**
 * The rounds that a ledger's peers charged on their own: they began to train them, and may have signed what came of it
 *
 * A charge by hand makes up for what a ledger lacks. It says nothing about which rounds anybody trained.
 */
import type { Ledger } from './ledger.ts'

/** The newest of each peer in each federation, by a walk over all entries. Throws LedgerCorruptError */
export async function trainedRounds (ledger: Pick<Ledger, 'entries'>): Promise<Ledger['lastRound']> {
  const newest = new Map<string, number>()
  const name = (federation: string, peer: string): string => JSON.stringify([federation, peer])
  for await (const entry of ledger.entries()) {
    if (entry.kind === 'reserve' && entry.reason === undefined) {
      const key = name(entry.federation, entry.peer)
      newest.set(key, Math.max(entry.round, newest.get(key) ?? 0))
    }
  }
  return (federation, peer) => newest.get(name(federation, peer))
}
