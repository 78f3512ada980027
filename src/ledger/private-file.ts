/**
 * Small files beside the ledgers that only this user may read
 */
import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { readError } from './ledger-error.ts'

export function isCode (err: unknown, code: string): boolean {
  return err instanceof Error && 'code' in err && err.code === code
}

/** Undefined when there is no such file. Throws LedgerCorruptError, LedgerWriteError */
export async function readIfThere (file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (err) {
    if (isCode(err, 'ENOENT')) {
      return undefined
    }
    throw readError(file, err)
  }
}

/** A new file of another name, synced; returns its path. Throws the file system's errors */
export async function writeAside (file: string, bytes: Uint8Array): Promise<string> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  const handle = await open(aside, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return aside
}
