/**
 * Cells that were run before, so that a table that takes hours can be broken off and gone on with
 *
 * A file of JSON lines. A result holds for the code that it came from and no other: the library's, and the
 * laboratory's.
 */
import { createHash } from 'node:crypto'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import type { Cell, CellResult } from './cell.ts'
import type { Finished } from './run-cells.ts'

/** As compiled */
const CODE: readonly URL[] = [new URL('../../src/', import.meta.url), new URL('./', import.meta.url)]

/** sha-256 over the modules that a cell may run, hex */
export async function codeDigest (folders: readonly URL[] = CODE): Promise<string> {
  const digest = createHash('sha256')
  for (const folder of folders) {
    const modules = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js')).sort()
    for (const name of modules) {
      digest.update(`${name}\n`).update(await readFile(new URL(name, folder)))
    }
  }
  return digest.digest('hex')
}

/** Of this code, by the key of their cells */
export async function knownCells (file: string, code: string): Promise<Map<string, CellResult>> {
  const text = await readFile(file, 'utf8').catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') {
      return ''
    }
    throw err
  })
  const lines = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { code: string, key: string, result: CellResult })
  return new Map(lines.filter((line) => line.code === code).map(({ key, result }) => [key, result]))
}

/** What tells a cell from others */
export function keyOf (cell: Cell): string {
  return JSON.stringify(cell)
}

export async function remember (file: string, code: string, { cell, result }: Finished): Promise<void> {
  await appendFile(file, `${JSON.stringify({ code, key: keyOf(cell), result })}\n`)
}
