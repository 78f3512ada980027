/**
 * The audit log on disk: appended to by one writer at a time, and on disk before `append` resolves
 *
 * The caller holds the home's lock. Only an incomplete last line, which a crash leaves, is cut at open; anything else
 * is damage and is told.
 */
import { open } from 'node:fs/promises'
import { makeLine, hashLine } from './entry.ts'
import { verifyLog } from './verify.ts'
import type { AuditDetail, AuditHead, AuditKind } from './entry.ts'

/** What a node and the verbs write to */
export interface AuditLog {
  /** Resolves once the entry is on disk. A rejection leaves the log as it was: the caller decides whether to go on */
  append: (kind: AuditKind, detail: AuditDetail) => Promise<void>
}

/** What is used of a file handle */
export interface LogHandle {
  write: (bytes: Buffer, offset: number, length: number, position: number) => Promise<{ bytesWritten: number }>
  truncate: (length: number) => Promise<void>
  sync: () => Promise<void>
  close: () => Promise<void>
}

/** A line in the middle of the log is not what was written. The message names it */
export class AuditLogDamagedError extends Error {
  override name = 'AuditLogDamagedError'
}

/** The log of one home, open for appending */
export class FileAuditLog implements AuditLog {
  #queue: Promise<unknown> = Promise.resolve()
  /** Bytes of a failed append may lie behind `#size` */
  #isDirty = false
  readonly #handle: LogHandle
  readonly #now: () => number
  #head: AuditHead
  #size: number

  constructor (handle: LogHandle, end: { head: AuditHead, size: number }, now: () => number) {
    this.#handle = handle
    this.#head = end.head
    this.#size = end.size
    this.#now = now
  }

  get head (): AuditHead {
    return this.#head
  }

  append (kind: AuditKind, detail: AuditDetail): Promise<void> {
    const done = this.#queue.then(() => this.#append(kind, detail))
    this.#queue = done.catch(() => undefined)
    return done
  }

  /** After the appends that were asked for */
  async close (): Promise<void> {
    await this.#queue
    await this.#handle.close()
  }

  async #append (kind: AuditKind, detail: AuditDetail): Promise<void> {
    const seq = this.#head.seq + 1
    const line = makeLine({ seq, at: this.#now(), kind, detail, previous: this.#head.hash })
    const bytes = Buffer.concat([line, Buffer.from('\n')])
    if (this.#isDirty) {
      await this.#cutBack()
    }
    this.#isDirty = true
    try {
      await this.#write(bytes)
      await this.#handle.sync()
    } catch (error) {
      await this.#cutBack().catch(() => undefined)
      throw error
    }
    this.#isDirty = false
    this.#head = { seq, hash: hashLine(line) }
    this.#size += bytes.length
  }

  async #write (bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, this.#size + written)
      if (bytesWritten === 0) {
        throw new Error('the audit log takes no more bytes')
      }
      written += bytesWritten
    }
  }

  async #cutBack (): Promise<void> {
    await this.#handle.truncate(this.#size)
    await this.#handle.sync()
    this.#isDirty = false
  }
}

/** Opens or begins a log; `cutBytes` of an incomplete last line were removed */
export async function openAuditLog (path: string, now: () => number): Promise<{ log: FileAuditLog, cutBytes: number }> {
  const { head, goodBytes, tornBytes, damage } = await verifyLog(path)
  if (damage !== undefined) {
    throw new AuditLogDamagedError(`${path}, line ${damage.line}: ${damage.reason}`)
  }
  const handle = await open(path, goodBytes + tornBytes === 0 ? 'a' : 'r+', 0o600).then(async (first) => {
    await first.close()
    return open(path, 'r+')
  })
  if (tornBytes > 0) {
    await handle.truncate(goodBytes)
    await handle.sync()
  }
  return { log: new FileAuditLog(handle, { head, size: goodBytes }, now), cutBytes: tornBytes }
}
