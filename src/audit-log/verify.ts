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
  /** Bytes up to the end of the last good line */
  goodBytes: number
  /** Bytes after the last newline: what a crash in the middle of a write leaves */
  tornBytes: number
  /** The line, from 1, that is damaged, and how */
  damage?: { line: number, reason: string }
  /** Whether the head asked for is in the chain */
  hasAnchor: boolean
}

export interface VerifyOptions {
  /** Hash of a head noted earlier */
  anchor?: string
  onEntry?: (entry: AuditEntry) => void
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
  onEntry?.(entry)
  return true
}

/** Takes line after line; the bytes after the last newline */
async function takeAll (verdict: AuditVerdict, path: string, options: VerifyOptions): Promise<number> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
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
  return rest.length
}

/** Checks a log up to its first damage. A file that is not there is an empty log */
export async function verifyLog (path: string, options: VerifyOptions = {}): Promise<AuditVerdict> {
  const verdict: AuditVerdict = { head: EMPTY_HEAD, entries: 0, goodBytes: 0, tornBytes: 0, hasAnchor: options.anchor === undefined || options.anchor === EMPTY_HEAD.hash }
  try {
    verdict.tornBytes = await takeAll(verdict, path, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw error
    }
  }
  return verdict
}
