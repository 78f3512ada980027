/**
 * `grapevine privacy ledger`: lists what was charged, walks the chain, charges what an older copy of the ledger lacks
 */
import { NoLedgerError } from '../errors.ts'
import { formatCount, shortId } from '../format.ts'
import { withLedger } from '../ledger-reader.ts'
import { openAccount, openDatasetLedger } from '../privacy-account.ts'
import { formatEpsilon, formatTerms } from '../privacy-text.ts'
import { LedgerCorruptError, LedgerLockedError } from '../../src/errors.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { scopeOf } from '../../src/privacy/budget.ts'
import { writeDatasetRecord } from '../../src/privacy/dataset-record.ts'
import { findLacks, headsAfter, missingEntries } from '../../src/privacy/known-heads.ts'
import { inheritedLedgers, withInherited } from '../../src/privacy/ledger/inherited.ts'
import type { VerbContext } from '../context.ts'
import type { PrivacyAccount } from '../privacy-account.ts'
import type { LedgerEntry } from '../../src/privacy/ledger/entry.ts'

const DEFAULT_LIMIT = 20

const DEFAULT_REASON = 'rounds that the ledger lacked, charged by hand'

export async function listLedger (context: VerbContext): Promise<number> {
  const { terminal, settings: { limit = DEFAULT_LIMIT } } = context
  const { ledger, record, place } = await openDatasetLedger(context)
  const { count, entries } = await ledger.newest(limit)
  terminal.event('privacy:ledger', { fingerprint: record.fingerprint, ledger: place.root, count, entries })
  if (count === 0) {
    terminal.note(`nothing was charged to these data yet (fingerprint ${record.fingerprint})`)
    return 0
  }
  terminal.line(row(['entry', 'charged', 'round', 'steps', 'noise', 'sampling', 'peer', 'what']))
  for (const entry of entries) {
    terminal.line(row(cells(entry)))
  }
  if (count > entries.length) {
    terminal.note(`the newest ${formatCount(entries.length)} of ${formatCount(count)} entries: --limit N shows more`)
  }
  return 0
}

function cells (entry: LedgerEntry): string[] {
  const time = new Date(entry.time).toISOString().replace('T', ' ').slice(0, 19)
  if (entry.kind === 'note') {
    return [String(entry.index), time, '', '', '', '', entry.peer === undefined ? '' : shortId(entry.peer), entry.reason]
  }
  const { index, round, steps, noiseMultiplier, sampleRate, peer, mechanism, reason } = entry
  return [String(index), time, String(round), String(steps), String(noiseMultiplier), String(Number(sampleRate.toPrecision(3))), shortId(peer), reason === undefined ? mechanism : `${mechanism}: ${reason}`]
}

function row ([entry, charged, round, steps, noise, sampling, peer, what]: string[]): string {
  return `${entry!.padStart(6)}  ${charged!.padEnd(19)}  ${round!.padStart(6)}  ${steps!.padStart(6)}  ${noise!.padStart(7)}  ${sampling!.padStart(8)}  ${peer!.padEnd(14)}  ${what!}`.trimEnd()
}

/** Throws LedgerCorruptError with the first bad entry */
export async function verifyChain (context: VerbContext): Promise<number> {
  const { terminal } = context
  const { ledger, record, place } = await openDatasetLedger(context)
  const { entries, firstBad } = await ledger.verify()
  terminal.event('privacy:ledger:verify', { fingerprint: record.fingerprint, ledger: place.root, entries, firstBad: firstBad ?? null })
  if (firstBad !== undefined) {
    throw new LedgerCorruptError(`entry ${firstBad.index} of the privacy ledger ${record.fingerprint.slice(0, 12)}… in ${place.root}: ${firstBad.problem}. What was spent on these data is not known any more: bring an undamaged copy back; nothing was deleted`)
  }
  terminal.line(`${formatCount(entries)} ${entries === 1 ? 'entry' : 'entries'}, each follows from the one before: the ledger is whole`)
  return 0
}

/** Throws LedgerLockedError while a peer trains on the data: it charges its rounds itself */
export async function chargeRounds (context: VerbContext): Promise<number> {
  const { terminal, settings: { rounds = 1, reason = DEFAULT_REASON } } = context
  const account = await openAccount(context)
  if (account === undefined) {
    throw new NoLedgerError('this federation has no privacy mechanism: its rounds cost nothing that could be charged')
  }
  if (account.pid !== undefined) {
    throw new LedgerLockedError(`the peer of this home runs, as process ${account.pid}, and charges its rounds itself: stop it first`)
  }
  const { from, entry } = await charge(account, { rounds, reason, home: context.home })
  const { settings, charge: cost, ledger } = account
  const epsilon = epsilonsAfter({ settings, charge: cost, totals: await ledger.totals() }, 0)
  const { mechanism, accountant, delta } = settings
  const scope = scopeOf(mechanism)
  terminal.event('privacy:ledger:charge', { entry, epsilon, delta, accountant, scope })
  terminal.line(`charged ${formatCount(rounds)} round${rounds === 1 ? '' : 's'} (${from + 1} to ${entry.round}): epsilon is ${formatEpsilon(epsilon[accountant])} now (${formatTerms({ delta, accountant, scope })})`)
  return 0
}

/** One entry for all of them, up to the round that was published. Once as much is charged as the home knows to be missing, it knows the ledgers as they are */
async function charge ({ place, record, charge: cost, settings: { clipNorm } }: PrivacyAccount, { rounds, reason, home }: { rounds: number, reason: string, home: string }): Promise<{ from: number, entry: { round: number } }> {
  const { federation, peer, heads = {} } = record
  return withLedger(place, async (ledger) => {
    // throws, with nothing charged, while a peer trains on an overlapping set
    const inherited = await inheritedLedgers(place, heads)
    const lacks = await findLacks(heads, { ...place, ledger, inherited })
    const from = withInherited(ledger, inherited).lastRound(federation, peer) ?? 0
    const entry = await ledger.reserve({ ...cost, steps: cost.steps * rounds, clipNorm, round: from + rounds, federation, peer, reason })
    if (rounds >= missingEntries(lacks)) {
      const found = Object.fromEntries(Object.entries(heads).filter(([name]) => lacks.every(({ fingerprint }) => fingerprint !== name)))
      await writeDatasetRecord(home, { ...record, heads: headsAfter(found, { ...place, ledger, inherited }) })
    }
    return { from, entry: { ...entry, round: from + rounds } }
  })
}
