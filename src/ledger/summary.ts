/**
 * What the ledger's entries add up to, kept beside them so that nobody has to read them all
 *
 * One row for each mechanism with its parameters (total) and one for each peer in each federation (last round). An
 * entry changes two rows at most. The XOR of all rows' digests tells whether the rows that are read back are those that
 * were written: it does not depend on their order, and a changed row replaces its own digest.
 */
import { createHash } from 'node:crypto'
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'
import type { EntryContent, LedgerMechanism, LedgerStatistic } from './entry.ts'

/** Equal mechanisms and the steps that all entries reserved of them: a privacy accountant's event */
export interface LedgerTotal {
  mechanism: LedgerMechanism
  sampleRate: number
  noiseMultiplier: number
  steps: number
}

/** The highest round that a peer reserved in a federation */
export interface LastRound {
  federation: string
  peer: string
  round: number
}

/** A row as it lies in the database */
export interface SummaryRow {
  key: string
  value: Uint8Array
}

/** Keys of all rows are between these */
export const SUMMARY_KEYS = { gte: 'sum/', lt: 'sum0' } as const

const totalSchema = z.strictObject({
  mechanism: z.enum(['dp-sgd', 'update-level']),
  sampleRate: z.number(),
  noiseMultiplier: z.number(),
  steps: z.int().min(1)
})
const roundSchema = z.strictObject({ federation: z.string(), peer: z.string(), round: z.int().min(0) })
const KEY = /^sum\/(?:round|total)\/\d{16}$/

/** Ordinals keep the order of first appearance, and keys short whatever the names are */
function keyOf (table: 'round' | 'total', ordinal: number): string {
  return `sum/${table}/${String(ordinal).padStart(16, '0')}`
}

function totalId ({ mechanism, sampleRate, noiseMultiplier }: Omit<LedgerTotal, 'steps'>): string {
  return `${mechanism} ${sampleRate} ${noiseMultiplier}`
}

function roundId (federation: string, peer: string): string {
  return JSON.stringify([federation, peer])
}

function rowDigest ({ key, value }: SummaryRow): Uint8Array {
  return createHash('sha256').update(`${key}\n`).update(value).digest()
}

function xor (digest: Uint8Array<ArrayBuffer>, other: Uint8Array): Uint8Array<ArrayBuffer> {
  return digest.map((byte, i) => byte ^ other[i]!)
}

/** Undefined when it is not a row of the schema */
function decodeRow<T> (schema: z.ZodType<T>, { value }: SummaryRow): T | undefined {
  try {
    return schema.safeParse(dagCbor.decode(value)).data
  } catch {
    // the digest of the rows tells the caller
    return undefined
  }
}

/**
 * A statistic is the Gaussian mechanism, as a step of dp-sgd on all examples is, with neighbours that differ by one
 * example. Counted under that name it counts in version 0.1, too, which reads totals without walking the chain
 */
function asSteps ({ noiseMultiplier, releases }: LedgerStatistic): LedgerTotal {
  return { mechanism: 'dp-sgd', sampleRate: 1, noiseMultiplier, steps: releases }
}

interface Kept<T> {
  row: SummaryRow
  value: T
}

function keep<T extends LastRound | LedgerTotal> (key: string, value: T): Kept<T> {
  return { row: { key, value: dagCbor.encode(value) }, value }
}

/** What an entry changes, to be written with it */
export interface SummaryChange {
  rows: SummaryRow[]
  /** Digest of all rows after the change, hex */
  digest: string
  /** To be called once the rows are written */
  apply: () => void
}

export class Summary {
  private readonly totalRows = new Map<string, Kept<LedgerTotal>>()
  private readonly roundRows = new Map<string, Kept<LastRound>>()
  private sum = new Uint8Array(32)

  /**
   * From the rows of a database, in the order of their keys. Rows that nobody here wrote change the digest, nothing
   * else
   */
  static async load (rows: AsyncIterable<SummaryRow> | Iterable<SummaryRow>): Promise<Summary> {
    const summary = new Summary()
    for await (const row of rows) {
      summary.sum = xor(summary.sum, rowDigest(row))
      const total = decodeRow(totalSchema, row)
      const round = decodeRow(roundSchema, row)
      if (KEY.test(row.key) && total !== undefined) {
        summary.totalRows.set(totalId(total), { row, value: total })
      } else if (KEY.test(row.key) && round !== undefined) {
        summary.roundRows.set(roundId(round.federation, round.peer), { row, value: round })
      }
    }
    return summary
  }

  /** Digest of all rows, hex */
  get digest (): string {
    return Buffer.from(this.sum).toString('hex')
  }

  /** In order of first appearance */
  totals (): LedgerTotal[] {
    return [...this.totalRows.values()].map(({ value }) => ({ ...value }))
  }

  /** The highest round that was ever reserved for this peer; undefined when none was */
  lastRound (federation: string, peer: string): number | undefined {
    return this.roundRows.get(roundId(federation, peer))?.value.round
  }

  /** In order of first appearance */
  rounds (): LastRound[] {
    return [...this.roundRows.values()].map(({ value }) => ({ ...value }))
  }

  /** Nothing changes before `apply`. Throws RangeError when steps would add up to more than 2^53 */
  change (entry: EntryContent): SummaryChange {
    const [total, round] = this.changed(entry)
    const replaced = [
      total === undefined ? undefined : this.totalRows.get(totalId(total.value)),
      round === undefined ? undefined : this.roundRows.get(roundId(round.value.federation, round.value.peer))
    ]
    const rows = [total, round].flatMap((kept) => kept?.row ?? [])
    const digest = [...rows, ...replaced.flatMap((kept) => kept?.row ?? [])].map(rowDigest).reduce(xor, this.sum)
    return {
      rows,
      digest: Buffer.from(digest).toString('hex'),
      apply: () => {
        total === undefined || this.totalRows.set(totalId(total.value), total)
        round === undefined || this.roundRows.set(roundId(round.value.federation, round.value.peer), round)
        this.sum = digest
      }
    }
  }

  /** The rows that an entry changes: a fact changes none, and a statistic belongs to no round */
  private changed (entry: EntryContent): [total?: Kept<LedgerTotal>, round?: Kept<LastRound>] {
    switch (entry.kind) {
      case 'reserve': return [this.addedTotal(entry), this.addedRound(entry)]
      case 'statistic': return [this.addedTotal(asSteps(entry))]
      case 'assumption':
      case 'note': return []
    }
  }

  private addedTotal ({ mechanism, sampleRate, noiseMultiplier, steps }: LedgerTotal): Kept<LedgerTotal> {
    const known = this.totalRows.get(totalId({ mechanism, sampleRate, noiseMultiplier }))
    const sum = (known?.value.steps ?? 0) + steps
    if (!Number.isSafeInteger(sum)) {
      throw new RangeError(`steps of the charge are not acceptable: with those before, ${sum} is too large to be exact`)
    }
    return keep(known?.row.key ?? keyOf('total', this.totalRows.size), { mechanism, sampleRate, noiseMultiplier, steps: sum })
  }

  private addedRound ({ federation, peer, round }: LastRound): Kept<LastRound> {
    const known = this.roundRows.get(roundId(federation, peer))
    return keep(known?.row.key ?? keyOf('round', this.roundRows.size), { federation, peer, round: Math.max(round, known?.value.round ?? 0) })
  }
}
