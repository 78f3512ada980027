/**
 * Which form of a program to start: `dist/program` holds all modules of each in a few files, which load faster
 */
import { readFile } from 'node:fs/promises'

/** The compiler's account of what it compiled, rewritten whenever it compiles something else. No package has it */
const COMPILED = '.tsbuildinfo'
/** Which packages are in the bundle. No package has it either */
const LOCKED = '../package-lock.json'
/** SHA-256 of both, as they were when the bundle was made. Written last */
const STAMP = 'program/.stamp'

/** Whether there is a bundle beside these modules that was made of them: one of an older build must not run */
export async function isBundled (dist = new URL('..', import.meta.url)): Promise<boolean> {
  const stamp = await read(new URL(STAMP, dist))
  if (stamp === undefined) {
    return false
  }
  const compiled = await read(new URL(COMPILED, dist))
  if (compiled === undefined) {
    return true
  }
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(compiled).update(await read(new URL(LOCKED, dist)) ?? '').digest('hex') === stamp
}

async function read (file: URL): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw err
    }
    return undefined
  }
}
