/**
 * Makes a folder and those above it
 */
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * One folder after the other: `mkdir` with `recursive` never returns, and takes a whole core, where the one above is
 * there but takes no folder and answers ENOENT, as /proc does (seen with Node 20)
 *
 * Throws the file system's errors; EEXIST when something else than a folder has the name
 */
export async function makeFolder (path: string, { mode = 0o777 }: { mode?: number } = {}): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      // the one above may be there by now: somebody else makes it at the same moment
      await isFolder(dirname(path)) || await makeFolder(dirname(path), { mode })
      await mkdir(path, { mode }).catch((again: unknown) => acceptFolder(path, again))
      return
    }
    await acceptFolder(path, err)
  }
}

/** Somebody made it already, or at the same moment */
async function acceptFolder (path: string, err: unknown): Promise<void> {
  if (!await isFolder(path)) {
    throw err
  }
}

async function isFolder (path: string): Promise<boolean> {
  return stat(path).then((found) => found.isDirectory(), () => false)
}
