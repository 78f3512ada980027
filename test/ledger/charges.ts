/**
 * Ledgers and charges as the tests of the ledger need them
 */
import { Level } from 'level'
import { createLedger } from '../../src/ledger/ledger.ts'
import type { LedgerCharge } from '../../src/ledger/entry.ts'
import type { Ledger, LedgerInit } from '../../src/ledger/ledger.ts'

export const FINGERPRINT = '0123456789abcdef'.repeat(4)
export const ENCODINGS = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

/** One second later at every call */
export function tickingClock (): LedgerInit['clock'] {
  let now = 1_700_000_000_000
  return { now: () => (now += 1000) }
}

export function charge (round: number, overrides: Partial<LedgerCharge> = {}): LedgerCharge {
  return { federation: 'bafy', peer: '12D3', round, mechanism: 'dp-sgd', sampleRate: 0.01, noiseMultiplier: 1.1, clipNorm: 1, steps: 10, ...overrides }
}

export function ledgerIn (root: string, init: Partial<LedgerInit> = {}): Ledger {
  return createLedger({ root, fingerprint: FINGERPRINT, clock: tickingClock(), ...init })
}

interface BatchOptions {
  sync?: boolean
}

/** LevelDB on disk that shows a test its batches, lets it stand around them, and counts the values that are read */
export class WatchedDisk {
  reads = 0
  batches = 0
  /** Runs each batch; `options` may be changed */
  around: (write: () => Promise<void>, options: BatchOptions) => Promise<void> = async (write) => write()

  readonly createDatabase = (location: string): Level<string, Uint8Array> => {
    const level = new Level<string, Uint8Array>(location, { ...ENCODINGS, compression: false })
    this.watchBatches(level)
    this.watchReads(level)
    return level
  }

  private watchBatches (level: Level<string, Uint8Array>): void {
    const batch = level.batch.bind(level) as (operations: unknown, options: BatchOptions) => Promise<void>
    const watched = async (operations: unknown, options: BatchOptions): Promise<void> => {
      this.batches++
      await this.around(async () => batch(operations, options), options)
    }
    level.batch = watched as unknown as typeof level.batch
  }

  private watchReads (level: Level<string, Uint8Array>): void {
    const get = level.get.bind(level) as (...args: unknown[]) => Promise<Uint8Array | undefined>
    level.get = (async (...args: unknown[]) => {
      this.reads++
      return get(...args)
    }) as typeof level.get
    const iterator = level.iterator.bind(level) as (options: object) => ReturnType<typeof level.iterator>
    level.iterator = ((options: object) => {
      const made = iterator(options)
      const next = made.next.bind(made)
      made.next = async () => {
        this.reads++
        return next()
      }
      return made
    }) as typeof level.iterator
  }
}
