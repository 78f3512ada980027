/**
 * LevelDB in a folder of its own: what all our databases on disk share
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import type { AbstractLevel } from 'abstract-level'

/** classic-level on disk, memory-level in tests. Keys are text, values are bytes */
export type LevelDatabase = AbstractLevel<string | Buffer | Uint8Array, string, Uint8Array>

export const ENCODINGS = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

/** Snappy does not shrink float32 weights (measured: 0 %) nor hashes, it only costs time at every compaction */
export function createOnDisk (location: string): LevelDatabase {
  return new Level<string, Uint8Array>(location, { ...ENCODINGS, compression: false })
}

/** A table or a log with something in it */
async function findTable (location: string, names: string[]): Promise<string | undefined> {
  for (const name of names.filter((name) => /\.(ldb|sst|log)$/.test(name))) {
    if ((await stat(join(location, name))).size > 0) {
      return name
    }
  }
  return undefined
}

/**
 * Name of a file with content in a folder that lost its CURRENT file; undefined when all is well, or nothing there
 *
 * LevelDB would take such a folder for a new one, and delete the tables in it. Throws what the file system says
 */
export async function findOrphan (location: string): Promise<string | undefined> {
  try {
    const names = await readdir(location)
    return names.includes('CURRENT') ? undefined : await findTable(location, names)
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') {
      return undefined
    }
    throw err
  }
}
