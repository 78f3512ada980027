/**
 * The ledger's head as it lies in the database: written in one batch with every entry, and checked at every opening
 */
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'
import { sha256 } from './entry.ts'

/** Number of the layout of entries, summary rows and this record. Any change of them raises it */
export const LEDGER_FORMAT = 1

export interface HeadRecord {
  fingerprint: string
  /** Of the last entry; -1 when there is none */
  index: number
  /** Of the last entry, or of the genesis */
  hash: string
  /** Of the summary's rows */
  summaryDigest: string
}

const schema = z.strictObject({
  format: z.literal(LEDGER_FORMAT),
  fingerprint: z.string(),
  index: z.int().min(-1),
  hash: z.string(),
  summaryDigest: z.string(),
  checksum: z.string()
})
/** All that is asked of a record of another format */
const stampSchema = z.looseObject({ format: z.int() })

function checksum (record: HeadRecord): string {
  return sha256(dagCbor.encode({ format: LEDGER_FORMAT, ...record }))
}

export function encodeHead (record: HeadRecord): Uint8Array {
  return dagCbor.encode({ format: LEDGER_FORMAT, ...record, checksum: checksum(record) })
}

/** The record, `{ format }` when it is one of another format, undefined when it is neither or has been changed */
export function decodeHead (bytes: Uint8Array): HeadRecord | { format: number } | undefined {
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch {
    // the caller reports the damage: only it knows where the bytes came from
    return undefined
  }
  const stamp = stampSchema.safeParse(value)
  if (stamp.success && stamp.data.format !== LEDGER_FORMAT) {
    return { format: stamp.data.format }
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    return undefined
  }
  const { fingerprint, index, hash, summaryDigest } = parsed.data
  const record = { fingerprint, index, hash, summaryDigest }
  return checksum(record) === parsed.data.checksum ? record : undefined
}
