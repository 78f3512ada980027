/**
 * Which process holds a store, for the message that another process prints
 *
 * LevelDB's lock knows (the kernel frees it when the holder dies) but cannot be asked, so the holder leaves its
 * process id in a file inside the folder; LevelDB leaves foreign files alone. The lock decides, the file only names:
 * it is written after the lock is taken and removed before it is released. After a SIGKILL it stays behind, and the
 * next holder overwrites it. It is believed only in the folder that it was written in, and while a process of that id
 * lives on this host, so that a stale one cannot name a dead process or, through a shared folder, one of another
 * machine or container.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { kill, pid } from 'node:process'

const FILE = 'HOLDER'
const CONTENT = /^(\d{1,10}) (\S+?)(?: (\d+:\d+))?\n$/

function isAlive (id: number): boolean {
  try {
    return kill(id, 0)
  } catch (err) {
    // EPERM: it lives, and belongs to another user
    return err instanceof Error && 'code' in err && err.code === 'EPERM'
  }
}

/** Of the folder itself: a copy of it has another, whatever is in it */
export async function folderIdentity (folder: string): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true })
  return `${dev}:${ino}`
}

export async function writeHolder (location: string): Promise<void> {
  await writeFile(join(location, FILE), `${pid} ${hostname()} ${await folderIdentity(location)}\n`)
}

export async function removeHolder (location: string): Promise<void> {
  try {
    await rm(join(location, FILE), { force: true })
  } catch {
    // as after a SIGKILL: a file that stays behind names nobody, and must not keep the database from closing
  }
}

/** `process 4711` or `this process`; undefined when it cannot be known */
export async function readHolder (location: string): Promise<string | undefined> {
  let content: string
  let folder: string
  try {
    content = await readFile(join(location, FILE), 'utf8')
    folder = await folderIdentity(location)
  } catch {
    // the holder has not written it yet, or may not: its name is a courtesy, the lock error is reported without
    return undefined
  }
  const [, id, host, written = folder] = CONTENT.exec(content) ?? []
  if (id === undefined || host !== hostname() || written !== folder || !isAlive(Number(id))) {
    return undefined
  }
  return Number(id) === pid ? 'this process' : `process ${id}`
}
