/**
 * Who makes a home: one process at a time, told by a file in it that only that process could create
 *
 * The file is written whole, then linked (first maker) or renamed into place (after one that died). It is never absent
 * in between, so that of all who come only the first may call what it finds later its own work.
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { kill, pid } from 'node:process'
import { requirePeer } from './home.ts'
import { CONFIG_FILE } from './resolve-settings.ts'

/** Beside what it announces; matches OWN_FILES */
export const CLAIM_FILE = `${CONFIG_FILE}.maker`

const CONTENT = /^(\d{1,10}) (\S+) \w+\n$/

export interface HomeClaim {
  /** False where an earlier maker ended without a word, or seems to have: what is there may be its work */
  isFirst: boolean
  /** False when another process took this one for dead and goes on in its place */
  stands: () => Promise<boolean>
  /** Does nothing where the claim stands no more */
  release: () => Promise<void>
}

/**
 * Makes the caller the maker of a home, whose folder is there
 *
 * Throws HomeLockedError while another process makes it, and the file system's errors
 */
export async function claimHome (home: string): Promise<HomeClaim> {
  const file = join(home, CLAIM_FILE)
  const token = randomUUID().replaceAll('-', '')
  const own = `${pid} ${hostname()} ${token}\n`
  const draft = `${file}.${token}`
  let isFirst = true
  try {
    await writeFile(draft, own, { flag: 'wx', mode: 0o600 })
    try {
      await link(draft, file)
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw err
      }
      await refuseUnmade(home)
      isFirst = false
      await rename(draft, file)
    }
  } finally {
    await rm(draft, { force: true })
  }
  const stands = async (): Promise<boolean> => await read(file) === own
  return {
    isFirst,
    stands,
    release: async () => {
      try {
        if (await stands()) {
          await rm(file, { force: true })
        }
      } catch {
        // as after a SIGKILL: once this process is gone it names nobody
      }
    }
  }
}

/** Throws HomeLockedError while another process makes this home: it may yet remove what it made */
async function refuseUnmade (home: string): Promise<void> {
  const file = join(home, CLAIM_FILE)
  const [, id, host] = CONTENT.exec(await read(file) ?? '') ?? []
  // of another host, or of a container that was started anew, nothing is known: then nobody may remove anything
  if (id !== undefined && host === hostname() && Number(id) !== pid && isAlive(Number(id))) {
    const { HomeLockedError } = await import('../src/errors.ts')
    const otherwise = `or use another home with --home (if that process is no grapevine, remove ${file})`
    throw new HomeLockedError(`the peer of ${home} is being made by process ${id}: wait for that, ${otherwise}`)
  }
}

/**
 * For who found a peer here. What a maker that died left in a finished home goes: it says nothing any more
 *
 * Throws HomeLockedError while another process makes this home, NoHomeError when it has just removed it again
 */
export async function requireMade (home: string): Promise<void> {
  await refuseUnmade(home)
  await requirePeer(home)
  const file = join(home, CLAIM_FILE)
  // removing what is not there fails, too, on a disk that can only be read
  if (await read(file) !== undefined) {
    await rm(file, { force: true })
  }
}

async function read (file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw err
  }
}

function isAlive (id: number): boolean {
  try {
    return kill(id, 0)
  } catch (err) {
    // EPERM: it lives, and belongs to another user
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}
