/**
 * One process at a time: a lock file that names its holder, and that of a holder which died is broken
 *
 * The file is linked into place whole. Only who holds a second lock, named after the dead holder's token, may remove
 * the first: of two that find it, one alone breaks it, and never a lock that somebody took since. The second has the
 * name of the dead holder's draft, so that a draft goes, too.
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { kill, pid } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

const LOOK_MS = 5
const CONTENT = /^(\d{1,10}) (\S+) (\w+)\n$/
/** A lock on a lock on a lock: each level takes a process that died within the same milliseconds */
const MAX_DEPTH = 4

/** Somebody else holds it for too long. The message names the holder and the file */
export class FileLockedError extends Error {
  override name = 'FileLockedError'
}

/** A pid in a container is soon that of another process: what this one holds it knows */
const held = new Set<string>()

/** Throws FileLockedError, and the file system's errors */
export async function withFileLock<T> (file: string, work: () => Promise<T>, { timeoutMs = 10_000 } = {}): Promise<T> {
  return locked(file, work, { deadline: performance.now() + timeoutMs, depth: 0 })
}

async function locked<T> (file: string, work: () => Promise<T>, bounds: { deadline: number, depth: number }): Promise<T> {
  const token = randomUUID().replaceAll('-', '')
  const draft = `${file}.${token}`
  held.add(token)
  try {
    await writeFile(draft, `${pid} ${hostname()} ${token}\n`, { flag: 'wx', mode: 0o600 })
    await take(file, draft, bounds)
    try {
      await rm(draft)
      return await work()
    } finally {
      await rm(file, { force: true })
    }
  } finally {
    await rm(draft, { force: true })
    held.delete(token)
  }
}

async function take (file: string, draft: string, { deadline, depth }: { deadline: number, depth: number }): Promise<void> {
  while (!await linked(draft, file)) {
    const content = await read(file)
    const [, id = '?', host = '?', token] = CONTENT.exec(content ?? '') ?? []
    if (performance.now() > deadline) {
      throw new FileLockedError(`${file} is held by process ${id} of ${host}; if that is no grapevine any more, remove the file`)
    }
    if (token !== undefined && depth < MAX_DEPTH && host === hostname() && !isAlive(Number(id), token)) {
      await locked(`${file}.${token}`, async () => breakLock(file, content), { deadline, depth: depth + 1 })
    } else {
      await delay(LOOK_MS * (1 + Math.random()))
    }
  }
}

/** False where somebody holds the lock */
async function linked (draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') {
      return false
    }
    throw err
  }
}

async function breakLock (file: string, dead: string | undefined): Promise<void> {
  if (await read(file) === dead) {
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

function isAlive (id: number, token: string): boolean {
  if (id === pid) {
    return held.has(token)
  }
  try {
    return kill(id, 0)
  } catch (err) {
    // EPERM: it lives, and belongs to another user
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}
