/**
 * Reading a private key's file: whole, small, and open to nobody but its owner
 */
import { readFile, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { IdentityError } from './errors.ts'

/** The encodings of Ed25519 keys have less than a hundred bytes: of a larger file nothing is read, and it is none */
const MAX_KEY_FILE_BYTES = 1_024

function code (err: unknown): string {
  return (err as NodeJS.ErrnoException).code ?? String(err)
}

/**
 * Undefined when there is no such file
 *
 * Throws IdentityError when the file is open to other users, or cannot be read
 */
export async function readKeyFile (file: string): Promise<Uint8Array | undefined> {
  try {
    const { mode, size } = await stat(file)
    if ((mode & 0o077) !== 0 && platform() !== 'win32') {
      throw new IdentityError(`${file} is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); close it with: chmod 600 '${file}'`, { reason: 'open-to-others' })
    }
    return size > MAX_KEY_FILE_BYTES ? new Uint8Array(0) : await readFile(file)
  } catch (err) {
    if (code(err) === 'ENOENT') {
      return undefined
    }
    throw err instanceof IdentityError ? err : new IdentityError(`${file} cannot be read (${code(err)}); check its owner and permissions`, { cause: err })
  }
}
