/**
 * The audit log on disk: appended to by one process at a time, and on disk before `append` resolves
 *
 * A peer and the verbs beside it write to one file: each append takes the log's lock, and checks what others wrote
 * since. Only an unreadable rest of a last line, which a crash leaves, is cut; anything else is damage and is told.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { EMPTY_HEAD, makeLine, hashLine } from './entry.ts'
import { withFileLock } from './file-lock.ts'
import { verifyLog } from './verify.ts'
import type { AuditDetail, AuditHead, AuditKind } from './entry.ts'

export type { AuditDetail, AuditKind } from './entry.ts'

/** Where the log of a home lies */
export function auditLogFile (home: string): string {
  return join(home, 'audit.jsonl')
}

/** What a node and the verbs write to */
export interface AuditLog {
  /** Resolves once the entry is on disk. A rejection leaves the log as it was: the caller decides whether to go on */
  append: <Kind extends AuditKind>(kind: Kind, detail: AuditDetail<Kind>) => Promise<void>
  /** After the appends that were asked for */
  close: () => Promise<void>
}

/** What is used of a file handle */
export interface LogHandle {
  stat: () => Promise<{ size: number }>
  write: (bytes: Buffer, offset: number, length: number, position: number) => Promise<{ bytesWritten: number }>
  truncate: (length: number) => Promise<void>
  sync: () => Promise<void>
  close: () => Promise<void>
}

/** A line in the middle of the log is not what was written. The message names it */
export class AuditLogDamagedError extends Error {
  override name = 'AuditLogDamagedError'
}

const NEWLINE = Buffer.from('\n')

/** The log of one home. Nothing is opened, and no file made, before the first append */
export class FileAuditLog implements AuditLog {
  #queue: Promise<unknown> = Promise.resolve()
  readonly #path: string
  readonly #now: () => number
  readonly #open: () => Promise<LogHandle>
  #head = EMPTY_HEAD
  /** Up to which the file was checked */
  #size = 0

  /** @param openFile - Opens the file to be written to, made where there is none */
  constructor (path: string, now: () => number, openFile = openForWriting) {
    this.#path = path
    this.#now = now
    this.#open = async () => openFile(path)
  }

  /** As of the last append of this process */
  get head (): AuditHead {
    return this.#head
  }

  append<Kind extends AuditKind> (kind: Kind, detail: AuditDetail<Kind>): Promise<void> {
    const done = this.#queue.then(async () => this.#append(kind, detail))
    this.#queue = done.catch(() => undefined)
    return done
  }

  async close (): Promise<void> {
    await this.#queue
  }

  async #append (kind: AuditKind, detail: AuditDetail): Promise<void> {
    await withFileLock(`${this.#path}.lock`, async () => {
      const handle = await this.#open()
      try {
        await this.#catchUp(handle)
        const seq = this.#head.seq + 1
        const line = makeLine({ seq, at: this.#now(), kind, detail: { ...detail }, previous: this.#head.hash })
        await this.#write(handle, Buffer.concat([line, NEWLINE]))
        this.#head = { seq, hash: hashLine(line) }
        this.#size += line.length + 1
      } finally {
        await handle.close()
      }
    })
  }

  /** Takes what other processes wrote, and mends what a crash left. Throws AuditLogDamagedError */
  async #catchUp (handle: LogHandle): Promise<void> {
    const { size } = await handle.stat()
    if (size < this.#size) {
      throw new AuditLogDamagedError(`${this.#path} has ${size} bytes, and had ${this.#size}: something was cut off its end`)
    }
    if (size === this.#size) {
      return
    }
    const { head, goodBytes, lacksNewline, tornBytes, damage } = await verifyLog(this.#path, { from: { head: this.#head, size: this.#size } })
    if (damage !== undefined) {
      throw new AuditLogDamagedError(`${this.#path}, line ${damage.line}: ${damage.reason}`)
    }
    if (tornBytes > 0) {
      await handle.truncate(goodBytes)
    }
    if (lacksNewline) {
      await writeAll(handle, NEWLINE, goodBytes - 1)
    }
    this.#head = head
    this.#size = goodBytes
  }

  async #write (handle: LogHandle, bytes: Buffer): Promise<void> {
    try {
      await writeAll(handle, bytes, this.#size)
      await handle.sync()
    } catch (error) {
      // where this fails, too, the next append finds the rest
      await handle.truncate(this.#size).catch(() => undefined)
      throw error
    }
  }
}

async function writeAll (handle: LogHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    if (bytesWritten === 0) {
      throw new Error('the audit log takes no more bytes')
    }
    written += bytesWritten
  }
}

async function openForWriting (path: string): Promise<LogHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw error
    }
    return await open(path, 'wx+', 0o600)
  }
}

/** The log of a home, for appending */
export function openAuditLog (home: string, now: () => number): FileAuditLog {
  return new FileAuditLog(auditLogFile(home), now)
}
