/**
 * The whole log read and checked, a piece at a time: memory does not grow with the file
 */
import { createReadStream } from 'node:fs'
import { EMPTY_HEAD, MAX_LINE_BYTES, hashLine, readLine } from './entry.ts'
import type { AuditEntry, AuditHead } from './entry.ts'

export interface AuditVerdict {
  head: AuditHead
  entries: number
  firstAt?: number
  lastAt?: number
  /** Bytes up to the end of the last good line, its newline included */
  goodBytes: number
  /** The last entry is whole, but for its newline */
  lacksNewline: boolean
  /** Bytes after the last good line: what a crash in the middle of a write leaves */
  tornBytes: number
  /** The line, from 1, that is damaged, and how */
  damage?: { line: number, reason: string }
  /** Whether the head asked for is in the chain */
  hasAnchor: boolean
}

export interface VerifyOptions {
  /** Hash of a head noted earlier */
  anchor?: string
  /** Called with the entry and its hash */
  onEntry?: (entry: AuditEntry, hash: string) => void
  /** What was checked before: only what follows is read */
  from?: { head: AuditHead, size: number }
}

/** False where the line is damaged, which the verdict then tells */
function take (verdict: AuditVerdict, line: Buffer, { anchor, onEntry }: VerifyOptions): boolean {
  const entry = readLine(line, verdict.head)
  if (typeof entry === 'string') {
    verdict.damage = { line: verdict.entries + 1, reason: entry }
    return false
  }
  verdict.head = { seq: entry.seq, hash: hashLine(line) }
  verdict.entries += 1
  verdict.firstAt ??= entry.at
  verdict.lastAt = entry.at
  verdict.goodBytes += line.length + 1
  verdict.hasAnchor ||= verdict.head.hash === anchor
  onEntry?.(entry, verdict.head.hash)
  return true
}

/** Takes line after line; the bytes of an unreadable rest, which no newline ends */
async function takeAll (verdict: AuditVerdict, path: string, options: VerifyOptions): Promise<number> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { start: options.from?.size ?? 0 }) as AsyncIterable<Buffer>) {
    let from = 0
    const bytes = Buffer.concat([rest, chunk])
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      if (!take(verdict, bytes.subarray(from, end), options)) {
        return 0
      }
      from = end + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > MAX_LINE_BYTES) {
      verdict.damage = { line: verdict.entries + 1, reason: `longer than ${MAX_LINE_BYTES} bytes` }
      return 0
    }
  }
  if (rest.length === 0 || typeof readLine(rest, verdict.head) === 'string') {
    return rest.length
  }
  // an entry that was acknowledged must not be lost with its newline
  verdict.lacksNewline = take(verdict, rest, options)
  return 0
}

/** Checks a log up to its first damage. A file that is not there is an empty log */
export async function verifyLog (path: string, options: VerifyOptions = {}): Promise<AuditVerdict> {
  const { anchor = EMPTY_HEAD.hash, from: { head, size } = { head: EMPTY_HEAD, size: 0 } } = options
  const verdict: AuditVerdict = { head, entries: head.seq + 1, goodBytes: size, lacksNewline: false, tornBytes: 0, hasAnchor: anchor === head.hash || anchor === EMPTY_HEAD.hash }
  try {
    verdict.tornBytes = await takeAll(verdict, path, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw error
    }
  }
  return verdict
}
