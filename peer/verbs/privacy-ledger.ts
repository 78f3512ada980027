/**
 * `grapevine privacy ledger`: lists what was charged, walks the chain, charges what an older copy of the ledger lacks
 */
import { join } from 'node:path'
import { NoLedgerError } from '../errors.ts'
import { formatCount, shortId } from '../format.ts'
import { exists, withLedger } from '../ledger-reader.ts'
import { findAccount, openDatasetLedger, readHome, requireSoundAccount } from '../privacy-account.ts'
import { formatEpsilon, formatTerms } from '../privacy-text.ts'
import { LedgerCorruptError, LedgerLockedError, LedgerRollbackError } from '../../src/errors.ts'
import { epsilonsAfter } from '../../src/privacy/forecast.ts'
import { scopeOf } from '../../src/privacy/budget.ts'
import { readDatasetRecord, writeDatasetRecord } from '../../src/ledger/dataset-record.ts'
import { findLacks, headsAfter, missingEntries } from '../../src/ledger/known-heads.ts'
import { inheritedLedgers, withInherited } from '../../src/ledger/inherited.ts'
import type { VerbContext } from '../context.ts'
import type { HomeFacts, PrivacyAccount } from '../privacy-account.ts'
import type { LedgerEntry } from '../../src/ledger/entry.ts'

const DEFAULT_LIMIT = 20

const DEFAULT_REASON = 'rounds that the ledger lacked'

export async function listLedger (context: VerbContext): Promise<number> {
  const { terminal, settings: { limit = DEFAULT_LIMIT } } = context
  const dataset = await openDatasetLedger(context)
  await requireSoundAccount(context, dataset, await readHome(context.home))
  const { ledger, record, place } = dataset
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
  const peer = entry.peer === undefined ? '' : shortId(entry.peer)
  return [String(entry.index), time, ...costs(entry), peer, what(entry)]
}

/** Round, steps, noise and sampling; blank for what costs nothing */
function costs (entry: LedgerEntry): string[] {
  switch (entry.kind) {
    case 'reserve': {
      // a charge by hand is one entry for all rounds up to its own
      const upTo = entry.reason === undefined ? String(entry.round) : `to ${entry.round}`
      return [upTo, String(entry.steps), String(entry.noiseMultiplier), String(Number(entry.sampleRate.toPrecision(3)))]
    }
    case 'statistic': return ['', String(entry.releases), String(entry.noiseMultiplier), '1']
    case 'assumption':
    case 'note': return ['', '', '', '']
  }
}

function what (entry: LedgerEntry): string {
  switch (entry.kind) {
    case 'reserve': return entry.reason === undefined ? entry.mechanism : `${entry.mechanism}, charged by hand: ${entry.reason}`
    case 'statistic': return `statistic: ${entry.name}`
    case 'assumption': return `assumed: ${entry.statement}`
    case 'note': return entry.reason
  }
}

function row ([entry, charged, round, steps, noise, sampling, peer, what]: string[]): string {
  return `${entry!.padStart(6)}  ${charged!.padEnd(19)}  ${round!.padStart(9)}  ${steps!.padStart(6)}  ${noise!.padStart(7)}  ${sampling!.padStart(8)}  ${peer!.padEnd(14)}  ${what!}`.trimEnd()
}

/**
 * Throws LedgerCorruptError with the first bad entry, LedgerRollbackError where the chain is whole but ends before what
 * the home published, NoLedgerError where there is none and none is missed
 */
export async function verifyChain (context: VerbContext): Promise<number> {
  const { terminal, home } = context
  const dataset = await openDatasetLedger(context)
  const { ledger, record, place, pid } = dataset
  if (pid === undefined && !await exists(place)) {
    await requireSoundAccount(context, dataset, await readHome(home))
    throw new NoLedgerError(`there is no privacy ledger in ${join(place.root, place.fingerprint)}, and none is missed: this home published nothing that it would have to hold`)
  }
  const { entries, firstBad } = await ledger.verify()
  terminal.event('privacy:ledger:verify', { fingerprint: record.fingerprint, ledger: place.root, entries, firstBad: firstBad ?? null })
  if (firstBad !== undefined) {
    throw new LedgerCorruptError(`entry ${firstBad.index} of the privacy ledger in ${join(place.root, place.fingerprint)}: ${firstBad.problem}. What was spent on these data is not known any more: bring an undamaged copy back; nothing was deleted`)
  }
  await requireSoundAccount(context, dataset, await readHome(home))
  terminal.line(`${formatCount(entries)} ${entries === 1 ? 'entry' : 'entries'}, each follows from the one before: the ledger is whole`)
  return 0
}

/** Throws LedgerLockedError while a peer trains on the data: it charges its rounds itself */
export async function chargeRounds (context: VerbContext): Promise<number> {
  const { terminal, settings: { rounds = 1, reason = DEFAULT_REASON } } = context
  // an older or lost ledger is what this is for; a damaged one is refused below
  const found = await findAccount(context)
  if (found === undefined) {
    throw new NoLedgerError('this federation has no privacy mechanism: its rounds cost nothing that could be charged')
  }
  const { account, facts } = found
  if (account.pid !== undefined) {
    throw new LedgerLockedError(`the peer of this home runs, as process ${account.pid}, and charges its rounds itself: stop it first`)
  }
  const { from, entry } = await charge(account, { rounds, reason, home: context.home })
  const { settings, charge: cost, ledger } = account
  const epsilon = epsilonsAfter({ settings, charge: cost, totals: await ledger.totals() }, 0)
  const { mechanism, accountant, delta } = settings
  const scope = scopeOf(mechanism)
  terminal.event('privacy:ledger:charge', { entry, epsilon, delta, accountant, scope })
  terminal.line(`charged ${formatCharged(from + 1, entry.round)}: epsilon is ${formatEpsilon(epsilon[accountant])} now (${formatTerms({ delta, accountant, scope })})`)
  await warnOfMissing(context, account, facts)
  return 0
}

/** `round 404`, or `3 rounds (402 to 404)` */
function formatCharged (first: number, last: number): string {
  return first === last ? `round ${first}` : `${formatCount(last - first + 1)} rounds (${first} to ${last})`
}

/** Too few were charged: `start` would still refuse */
async function warnOfMissing (context: VerbContext, account: PrivacyAccount, facts: HomeFacts): Promise<void> {
  try {
    await requireSoundAccount(context, { ...account, record: await readDatasetRecord(context.home) ?? account.record }, facts)
  } catch (err) {
    if (!(err instanceof LedgerRollbackError)) {
      throw err
    }
    context.terminal.warn(err.message)
  }
}

/**
 * One entry stands for all rounds of a charge by hand: a part of what is missing could not be told from the rest, and
 * would be charged again
 */
function requireEnough (rounds: number, missing: number): void {
  if (rounds < missing) {
    throw new LedgerRollbackError(`${formatCount(missing)} charges that this home knows of are missing, and --rounds ${rounds} would not let its peer start: nothing was charged; give --rounds ${missing} or more, or bring the newest ledger back`)
  }
}

/**
 * One entry for all of them, up to the round that was published. The home knows the ledgers as they are then. Throws
 * LedgerCorruptError, and LedgerRollbackError for less than the home knows to be missing
 */
async function charge ({ place, record, charge: cost, settings: { clipNorm } }: PrivacyAccount, { rounds, reason, home }: { rounds: number, reason: string, home: string }): Promise<{ from: number, entry: { round: number } }> {
  const { federation, peer, heads = {} } = record
  return withLedger(place, async (ledger) => {
    await ledger.requireWhole()
    // throws, with nothing charged, while a peer trains on an overlapping set
    const inherited = await inheritedLedgers(place, heads)
    const lacks = await findLacks(heads, { ...place, ledger, inherited })
    requireEnough(rounds, missingEntries(lacks))
    const from = withInherited(ledger, inherited).lastRound(federation, peer) ?? 0
    const entry = await ledger.reserve({ ...cost, steps: cost.steps * rounds, clipNorm, round: from + rounds, federation, peer, reason })
    const found = Object.fromEntries(Object.entries(heads).filter(([name]) => lacks.every(({ fingerprint }) => fingerprint !== name)))
    await writeDatasetRecord(home, { ...record, heads: headsAfter(found, { ...place, ledger, inherited }) })
    return { from, entry: { ...entry, round: from + rounds } }
  })
}
