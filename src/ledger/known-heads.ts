/**
 * What a home knows of the ledgers that count for its data: their heads, when it looked or charged last
 *
 * A ledger that was set back as a whole is a sound chain. Only who noted a later head elsewhere can tell: the home
 * does, in `privacy.json`. A charge is in the ledger first and in the home after, so that a ledger may be ahead of what
 * the home knows, whatever crashed in between or whoever else charged it, but never behind.
 */
import { join } from 'node:path'
import { LedgerRollbackError } from '../errors.ts'
import { newestHeld, nextKnownHead } from './known-head.ts'
import { listLedgers } from './similar-ledgers.ts'
import type { LedgerHead } from './entry.ts'
import type { InheritedLedger } from './inherited.ts'
import type { KnownHead } from './known-head.ts'
import type { Ledger } from './ledger.ts'

/** By fingerprint; those that were looked at last come last */
export type KnownHeads = Readonly<Record<string, KnownHead>>

/** A home that has seen more datasets than this forgets the first */
const MAX_KNOWN = 64

/** The ledgers of a home's data, as they are now */
export interface CountedLedgers {
  /** Folder of all ledgers of this user */
  root: string
  fingerprint: string
  ledger: Pick<Ledger, 'head' | 'contains'>
  inherited: readonly InheritedLedger[]
}

/** A ledger that is not a continuation of what the home knows */
export interface Lack {
  fingerprint: string
  known: KnownHead
  /** Undefined when there is no such ledger any more */
  found: LedgerHead | undefined
  /** At least so many are missing; where other entries stand in their place, at most */
  entries: number
}

/** `held`: index of the newest known head that is in the ledger */
function lackOf (fingerprint: string, known: KnownHead, { found, held }: { found: LedgerHead | undefined, held: number }): Lack[] {
  const entries = held === known.index ? 0 : known.index - (found === undefined || found.index >= known.index ? held : found.index)
  return entries === 0 ? [] : [{ fingerprint, known, found, entries }]
}

/**
 * Ledgers that count now must continue what was known; others that were known must be there. Throws LedgerWriteError
 */
export async function findLacks (known: KnownHeads, { root, fingerprint, ledger, inherited }: CountedLedgers): Promise<Lack[]> {
  const own = known[fingerprint]
  const counted = new Map(inherited.map((each) => [each.fingerprint, { found: each.head, held: each.held }]))
  counted.set(fingerprint, { found: ledger.head(), held: own === undefined ? undefined : await newestHeld(ledger, own) })
  const present = new Set(await listLedgers(root))
  return Object.entries(known).flatMap(([name, head]) => {
    const now = counted.get(name)
    if (now === undefined) {
      return present.has(name) ? [] : lackOf(name, head, { found: undefined, held: -1 })
    }
    return lackOf(name, head, { found: now.found, held: now.held ?? head.index })
  })
}

export function missingEntries (lacks: readonly Lack[]): number {
  return lacks.reduce((sum, { entries }) => sum + entries, 0)
}

/**
 * `home`: where what is missing can be charged. Throws LedgerRollbackError with the way out when anything is missing
 */
export function requireContinued (lacks: readonly Lack[], { root, home }: { root: string, home: string }): void {
  const [first] = lacks
  if (first === undefined) {
    return
  }
  const { fingerprint, known, found } = first
  const what = found === undefined
    ? `which is not in ${root} any more`
    : found.index < known.index
      ? `which ends at entry ${found.index}: it is an older copy`
      : `which has another entry ${known.index}: it is an older copy that was charged since`
  throw new LedgerRollbackError(`this home knows entry ${known.index} of the privacy ledger ${fingerprint}, ${what}. Bring the newest ledger back to ${join(root, fingerprint)}, or charge what is missing: grapevine privacy ledger charge --rounds ${missingEntries(lacks)} --home ${home}`)
}

/** What is to be known after a look at these ledgers, of what was known and they do not count for */
export function headsAfter (known: KnownHeads, { fingerprint, ledger, inherited }: Omit<CountedLedgers, 'root'>): KnownHeads {
  const noted = ({ fingerprint: name, head, share }: InheritedLedger): [string, KnownHead] => [name, { ...nextKnownHead(known[name], head), counted: { fingerprint, share } }]
  const counted = Object.fromEntries([...inherited.map(noted), [fingerprint, nextKnownHead(known[fingerprint], ledger.head())]])
  const others = Object.entries(known).filter(([name]) => !Object.hasOwn(counted, name))
  return Object.fromEntries([...others, ...Object.entries(counted)].slice(-MAX_KNOWN))
}
