/**
 * Pure: one line of the audit log, made, read and checked
 *
 * A line is canonical JSON (keys sorted, no spaces): what reads to the same entry has the same bytes, so that no byte
 * of it can be changed without another hash or a line that is refused.
 */
import { createHash } from 'node:crypto'

/** What a line may tell. None has a place for examples, losses, secrets or tokens */
export const AUDIT_KINDS = [
  'founded', 'joined', 'admission', 'invitation', 'request', 'endorsement', 'objection', 'decision', 'standing',
  'document-change', 'export', 'privacy-limit', 'key', 'proof'
] as const

export type AuditKind = typeof AUDIT_KINDS[number]
export type AuditValue = string | number | boolean
export type AuditDetail = Readonly<Record<string, AuditValue | readonly AuditValue[]>>

export interface AuditEntry {
  seq: number
  /** Milliseconds since 1970 by this peer's clock */
  at: number
  kind: AuditKind
  detail: AuditDetail
  /** Hash of the line before */
  previous: string
}

/** Where a log ends: how far it goes and the hash of its last line */
export interface AuditHead {
  seq: number
  hash: string
}

/** Before the first entry */
export const EMPTY_HEAD: AuditHead = { seq: -1, hash: '0'.repeat(64) }

/** Bytes of a line without its newline */
export const MAX_LINE_BYTES = 16 * 1024

const HASH = /^[0-9a-f]{64}$/
const KEYS = 'at,detail,kind,previous,seq'

function isValue (value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
}

function isDetail (detail: unknown): detail is AuditDetail {
  return typeof detail === 'object' && detail !== null && !Array.isArray(detail) &&
    Object.values(detail).every((value) => isValue(value) || (Array.isArray(value) && value.every(isValue)))
}

function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isEntry (value: unknown): value is AuditEntry {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== KEYS) {
    return false
  }
  const { seq, at, kind, detail, previous } = value as Record<string, unknown>
  return isCount(seq) && isCount(at) && AUDIT_KINDS.includes(kind as AuditKind) && isDetail(detail) &&
    typeof previous === 'string' && HASH.test(previous)
}

function canonical ({ at, detail, kind, previous, seq }: AuditEntry): string {
  const sorted = Object.fromEntries(Object.entries(detail).sort(([one], [other]) => one < other ? -1 : 1))
  return JSON.stringify({ at, detail: sorted, kind, previous, seq })
}

/** The hash by which the next line names this one */
export function hashLine (line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex')
}

/** The bytes of an entry, without a newline. A TypeError or RangeError tells a caller's mistake */
export function makeLine (entry: AuditEntry): Buffer {
  if (!isEntry(entry)) {
    throw new TypeError('an audit entry is of another kind than known, or holds something else than text, finite numbers, booleans and lists of them')
  }
  const line = Buffer.from(canonical(entry))
  if (line.length > MAX_LINE_BYTES) {
    throw new RangeError(`an audit entry has at most ${MAX_LINE_BYTES} bytes, and this has ${line.length}`)
  }
  return line
}

/** The entry of a line that follows `head`; a text says what is wrong with it */
export function readLine (line: Buffer, head: AuditHead): AuditEntry | string {
  if (line.length > MAX_LINE_BYTES) {
    return `longer than ${MAX_LINE_BYTES} bytes`
  }
  let entry: unknown
  try {
    entry = JSON.parse(line.toString('utf8'))
  } catch {
    return 'not JSON'
  }
  if (!isEntry(entry) || !Buffer.from(canonical(entry)).equals(line)) {
    return 'not an entry in canonical form'
  }
  if (entry.seq !== head.seq + 1) {
    return `number ${entry.seq} where ${head.seq + 1} was due`
  }
  return entry.previous === head.hash ? entry : 'does not follow the line before: one of the two was changed'
}
