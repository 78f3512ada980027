/**
 * A file that is written completely or not at all
 */
import { randomBytes } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StoreWriteError } from '../src/errors.ts'
import { EXIT_CODES } from './exit-codes.ts'
import type { FileHandle } from 'node:fs/promises'

const SIGNALS = { SIGINT: EXIT_CODES.interrupted.code, SIGTERM: EXIT_CODES.terminated.code } as const

/**
 * Lies beside its target under another name until it is complete, also when a signal ends the process. A device or a
 * pipe cannot be replaced: it is written to as it is
 */
export class WholeFile {
  private readonly path: string
  private readonly staging: string | undefined
  private readonly file: FileHandle
  private readonly handlers: ReadonlyArray<[NodeJS.Signals, () => void]>

  private constructor (path: string, staging: string | undefined, file: FileHandle) {
    this.path = path
    this.staging = staging
    this.file = file
    this.handlers = staging === undefined ? [] : Object.entries(SIGNALS).map(([signal, code]) => [signal as NodeJS.Signals, () => { abandon(staging, code) }])
    for (const [signal, handler] of this.handlers) {
      process.on(signal, handler)
    }
  }

  /** Throws StoreWriteError */
  static async create (target: string): Promise<WholeFile> {
    return guarded(target, async () => {
      const found = await stat(target).catch(absent)
      if (found !== undefined && !found.isFile() && !found.isDirectory()) {
        return new WholeFile(target, undefined, await open(target, 'w'))
      }
      if (found?.isDirectory() === true) {
        throw new StoreWriteError(`${target} is a folder; name a file`, { reason: 'folder-taken' })
      }
      // what a link points to is replaced, not the link
      const path = found === undefined ? target : await realpath(target)
      const staging = join(dirname(path), `.${basename(path)}-${randomBytes(6).toString('hex')}`)
      return new WholeFile(path, staging, await open(staging, 'wx'))
    })
  }

  /** Throws StoreWriteError */
  async write (data: string | Uint8Array): Promise<void> {
    // not written by appendFile: that is one write, which may be a short one
    await guarded(this.path, async () => this.file.writeFile(data))
  }

  /** Puts the file in its place. Throws StoreWriteError */
  async finish (): Promise<void> {
    await guarded(this.path, async () => {
      if (this.staging !== undefined) {
        await this.file.sync()
      }
      await this.close()
      if (this.staging !== undefined) {
        await rename(this.staging, this.path)
      }
    })
  }

  /** Leaves nothing. May be called after `finish`, and then does nothing */
  async discard (): Promise<void> {
    await this.close()
    if (this.staging !== undefined) {
      await rm(this.staging, { force: true })
    }
  }

  private async close (): Promise<void> {
    for (const [signal, handler] of this.handlers) {
      process.off(signal, handler)
    }
    await this.file.close()
  }
}

function abandon (staging: string, code: number): void {
  try {
    unlinkSync(staging)
  } finally {
    process.exit(code)
  }
}

function absent (err: NodeJS.ErrnoException): undefined {
  if (err.code !== 'ENOENT') {
    throw err
  }
}

async function guarded<T> (path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    throw err instanceof StoreWriteError ? err : new StoreWriteError(`cannot write ${path}: ${(err as Error).message}`, { cause: err, reason: 'export' })
  }
}
