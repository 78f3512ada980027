/**
 * `<home>/control.json`: where and with which token the running peer of a home answers
 *
 * Mode 0600: the token is the only thing that keeps other users of the machine out.
 */
import { open, readFile, rename, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { folderIdentity } from '../../src/store/holder.ts'

const FILE = 'control.json'
const FORMAT = 1

export interface ControlAddress {
  pid: number
  port: number
  /** Bearer token, hex */
  token: string
}

/** Replaces what an earlier process left behind */
export async function writeControlFile (home: string, address: ControlAddress): Promise<void> {
  const path = join(home, FILE)
  const temporary = `${path}.${address.pid}`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ format: FORMAT, ...address, folder: await folderIdentity(home) })}\n`)
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** Undefined when there is none, or it is not one of ours: then no peer can be reached */
export async function readControlFile (home: string): Promise<ControlAddress | undefined> {
  let text: string
  try {
    text = await readFile(join(home, FILE), 'utf8')
  } catch (err) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String((err as NodeJS.ErrnoException).code))) {
      return undefined
    }
    throw err
  }
  const found = parseControlFile(text)
  // the peer that a copied file speaks of runs in another home
  return found?.folder === undefined || found.folder === await folderIdentity(home) ? found?.address : undefined
}

/** Synchronous, because it is also called on the way out of the process */
export function removeControlFile (home: string): void {
  rmSync(join(home, FILE), { force: true })
}

function parseControlFile (text: string): { address: ControlAddress, folder: string | undefined } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // cut short by a crash
    return undefined
  }
  const { format, pid, port, token, folder } = (value ?? {}) as Record<string, unknown>
  const valid = format === FORMAT && isCount(pid, 2 ** 31) && isCount(port, 65_535) && typeof token === 'string' && /^[0-9a-f]{64}$/.test(token)
  return valid ? { address: { pid: pid as number, port: port as number, token }, folder: typeof folder === 'string' ? folder : undefined } : undefined
}

function isCount (value: unknown, limit: number): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= limit
}
