/**
 * Opens a LevelDB that cannot be written to: on a disk that is full or read-only, or in a folder of somebody else
 *
 * LevelDB cannot open a database without writing (a lock, a manifest, what its log held). So it is given a folder of
 * its own for the time of the reading: links to the tables, which never change, and copies of the few files that say
 * what is in them and of the log, some megabytes at most. What LevelDB then writes or removes, it writes and removes
 * there.
 */
import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { platform } from 'node:process'

/** In memory, where the temporary folder is on the full or read-only disk too */
const SHARED_MEMORY = '/dev/shm'

const TABLE = /\.(ldb|sst)$/
const COPIED = /^(CURRENT|MANIFEST-\d+)$|\.log$/

/** What keeps LevelDB from writing, while nothing is wrong with what is stored */
const WRITE_REFUSALS = /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|EFBIG)$|no space left on device|disk quota exceeded|read-only file system|permission denied|operation not permitted|file too large/i

/** True when the operating system refused to write, in the error or one of its causes */
export function isWriteRefusal (err: unknown): boolean {
  for (let next = err, depth = 0; next instanceof Error && depth < 8; next = next.cause, depth++) {
    if (WRITE_REFUSALS.test(next.message) || ('code' in next && WRITE_REFUSALS.test(String(next.code)))) {
      return true
    }
  }
  return false
}

/** Where copies may lie, the best first */
export function copyFolders (): string[] {
  const usual = tmpdir()
  return platform === 'linux' && usual !== SHARED_MEMORY ? [usual, SHARED_MEMORY] : [usual]
}

async function fill (copy: string, location: string): Promise<void> {
  for (const name of await readdir(location)) {
    if (COPIED.test(name)) {
      await copyFile(join(location, name), join(copy, name))
    } else if (TABLE.test(name)) {
      await link(resolve(location, name), join(copy, name))
    }
  }
}

/** Windows lets only some users make links */
async function link (table: string, path: string): Promise<void> {
  try {
    await symlink(table, path)
  } catch (err) {
    if (platform !== 'win32') {
      throw err
    }
    await copyFile(table, path)
  }
}

export interface OpenedCopy<T> {
  value: T
  /** Once it is closed */
  remove: () => Promise<void>
}

/**
 * Lets `open` open a copy of the database in `location`, which nobody may be writing to
 *
 * Throws what `open` throws, or the file system where no copy can be made; nothing stays behind then
 */
export async function openCopy<T> (location: string, open: (copy: string) => Promise<T>): Promise<OpenedCopy<T>> {
  const folders = copyFolders()
  for (const [index, folder] of folders.entries()) {
    let copy: string | undefined
    const remove = async (): Promise<void> => {
      if (copy !== undefined) {
        await rm(copy, { recursive: true, force: true })
      }
    }
    try {
      // for this user only
      copy = await mkdtemp(join(folder, 'grapevine-read-'))
      await fill(copy, location)
      return { value: await open(copy), remove }
    } catch (err) {
      await remove()
      if (index === folders.length - 1 || !isWriteRefusal(err)) {
        throw err
      }
    }
  }
  throw new RangeError('there is no folder for temporary files')
}
