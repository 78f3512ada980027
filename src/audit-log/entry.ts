/**
 * Pure: one line of the audit log, made, read and checked
 *
 * A line is canonical JSON (keys sorted, no spaces): what reads to the same entry has the same bytes, so that no byte
 * of it can be changed without another hash or a line that is refused.
 */
import { createHash } from 'node:crypto'

/**
 * What a line may tell: the fields of each kind. None has a place for examples, losses, secrets or tokens, and an entry
 * with another field is refused
 */
export const DETAIL_FIELDS = {
  founded: ['federation', 'name'],
  joined: ['federation', 'how'],
  admission: ['peer', 'number', 'invitation'],
  invitation: ['made', 'uses', 'expiresAt', 'cancelled', 'redeemed'],
  request: ['peer'],
  endorsement: ['actId', 'act'],
  objection: ['actId'],
  decision: ['slot', 'act', 'endorsedBy'],
  standing: ['standing'],
  'document-change': ['document', 'slot'],
  export: ['version', 'round', 'format'],
  'privacy-limit': ['round'],
  key: ['made', 'deleted', 'retired', 'epoch', 'peer'],
  proof: ['peer', 'ballots']
} as const satisfies Record<string, readonly string[]>

export type AuditKind = keyof typeof DETAIL_FIELDS
export const AUDIT_KINDS = Object.keys(DETAIL_FIELDS) as AuditKind[]

/** JSON without null; at most `MAX_DEPTH` deep */
export type AuditValue = string | number | boolean | readonly AuditValue[] | { readonly [field: string]: AuditValue }
export type AuditDetail<Kind extends AuditKind = AuditKind> = Kind extends AuditKind ? { readonly [Field in typeof DETAIL_FIELDS[Kind][number]]?: AuditValue } : never

export interface AuditEntry {
  seq: number
  /** Milliseconds since 1970 by this peer's clock */
  at: number
  kind: AuditKind
  detail: Readonly<Record<string, AuditValue>>
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

/** Bytes of a line without its newline: the act that appoints the last of many voters fits */
export const MAX_LINE_BYTES = 64 * 1024

/** An act in a detail, voters in an act, a voter's fields */
const MAX_DEPTH = 4
/** The last moment that a date can have */
const MAX_TIME = 8.64e15
const HASH = /^[0-9a-f]{64}$/
const KEYS = 'at,detail,kind,previous,seq'

function isValue (value: unknown, depth: number): boolean {
  if (typeof value === 'object' && value !== null) {
    return depth > 0 && Object.values(value).every((part) => isValue(part, depth - 1))
  }
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
}

function isDetail (kind: AuditKind, detail: unknown): boolean {
  const fields: readonly string[] = DETAIL_FIELDS[kind]
  return typeof detail === 'object' && detail !== null && !Array.isArray(detail) &&
    Object.entries(detail).every(([field, value]) => fields.includes(field) && isValue(value, MAX_DEPTH))
}

function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isEntry (value: unknown): value is AuditEntry {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== KEYS) {
    return false
  }
  const { seq, at, kind, detail, previous } = value as Record<string, unknown>
  return isCount(seq) && isCount(at) && at <= MAX_TIME && typeof kind === 'string' && Object.hasOwn(DETAIL_FIELDS, kind) &&
    isDetail(kind as AuditKind, detail) && typeof previous === 'string' && HASH.test(previous)
}

/** Keys in order, at every depth */
function sorted (_key: string, value: unknown): unknown {
  return typeof value !== 'object' || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1))
}

function canonical (entry: unknown): Buffer {
  return Buffer.from(JSON.stringify(entry, sorted))
}

/** The hash by which the next line names this one */
export function hashLine (line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex')
}

/** The bytes of an entry, without a newline. A TypeError or RangeError tells a caller's mistake */
export function makeLine (entry: AuditEntry): Buffer {
  const line = canonical(entry)
  if (line.length > MAX_LINE_BYTES) {
    throw new RangeError(`an audit entry has at most ${MAX_LINE_BYTES} bytes, and this has ${line.length}`)
  }
  // as it will be read
  if (!isEntry(JSON.parse(line.toString('utf8')))) {
    throw new TypeError(`an audit entry "${entry.kind}" is of no known kind, has a field that its kind has not, or holds something else than text, finite numbers, booleans and shallow lists and objects of them`)
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
  if (!isEntry(entry) || !canonical(entry).equals(line)) {
    return 'not an entry in canonical form'
  }
  if (entry.seq !== head.seq + 1) {
    return `number ${entry.seq} where ${head.seq + 1} was due`
  }
  return entry.previous === head.hash ? entry : 'does not follow the line before: one of the two was changed'
}
