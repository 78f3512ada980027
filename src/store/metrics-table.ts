/**
 * One JSON record for each finished round, the oldest rounds dropped
 */
import * as z from 'zod'
import { decodeJson, encodeJson } from './json-value.ts'
import type { Database } from './database.ts'

const recordSchema = z.record(z.string(), z.unknown())

function keyOf (round: number): string {
  return String(round).padStart(16, '0')
}

export class MetricsTable {
  private readonly database: Database
  private readonly keep: number
  /** Ascending */
  private keys: string[]

  private constructor (database: Database, keep: number, keys: string[]) {
    this.database = database
    this.keep = keep
    this.keys = keys
  }

  static async load (database: Database, keep: number): Promise<MetricsTable> {
    return new MetricsTable(database, keep, await database.keys('metrics'))
  }

  /**
   * Not synced: numbers to look at need not survive a power cut, and a killed process does not lose them.
   * A second record of one round takes the place of the first; one older than all that are kept is dropped at once
   */
  async put (round: number, record: object): Promise<void> {
    const key = keyOf(round)
    const known = new Set(this.keys)
    const all = known.has(key) ? this.keys : [...this.keys, key].sort()
    const dropped = all.slice(0, Math.max(0, all.length - this.keep))
    const kept = all.slice(dropped.length)
    await this.database.write([
      ...(kept.includes(key) ? [{ table: 'metrics' as const, key, value: encodeJson(record) }] : []),
      ...dropped.filter((key) => known.has(key)).map((key) => ({ table: 'metrics' as const, key }))
    ])
    this.keys = kept
  }

  async clear (): Promise<void> {
    await this.database.write(this.keys.map((key) => ({ table: 'metrics' as const, key })))
    this.keys = []
  }

  /** The newest `limit` records, oldest first */
  async list (limit: number): Promise<object[]> {
    const { location } = this.database
    const entries = await this.database.entries('metrics', { reverse: true, limit })
    return entries.reverse().map(([key, bytes]) => decodeJson(recordSchema, bytes, { location, table: 'metrics', key }))
  }
}
