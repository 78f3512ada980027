/**
 * A table in whatever form its file has: rows as a CSV file has them, whoever reads it
 */
import { open, readdir, stat } from 'node:fs/promises'
import { constants, gunzipSync } from 'node:zlib'
import { readCsvRows } from './csv.ts'
import { beginsAs } from './signatures.ts'
import type { CsvOptions, TableVisitor } from './csv.ts'
import type { CsvFormat } from './csv-dialect.ts'

/** Inflate to a few hundred kilobytes at most */
const HEAD_BYTES = 512

/** Takes the names of the columns and, of a CSV file, how it is written. Returns what takes the rows */
export type BeginRows = (columns: readonly string[], format?: CsvFormat) => TableVisitor

/**
 * Two dimensions of an array, by the name of its file or FILE.npz#NAME; a Parquet file or a folder of them;
 * JSON Lines; else CSV
 *
 * Calls `begin` with the names of the columns, and what it returns with every row, until that is false. Resolves to the
 * number of rows. Throws DatasetError, and what the callbacks throw
 */
export async function readTable (file: string, begin: BeginRows, options: CsvOptions = {}): Promise<number> {
  if (/\.(npy|npz#[^/\\]+)$/.test(file)) {
    return (await import('./arrays/array-table.ts')).readArrayTable(file, begin)
  }
  if (await isParquet(file)) {
    return (await import('./parquet/parquet-table.ts')).readParquet(file, begin, options.ready)
  }
  if (await isJsonLines(file)) {
    return (await import('./jsonl-table.ts')).readJsonLines(file, begin, options)
  }
  return readCsvRows(file, begin, options)
}

/** A folder of Parquet files, or a file with their mark at its beginning, which no name of a column is */
async function isParquet (file: string): Promise<boolean> {
  if (/\.parquet$/i.test(file)) {
    return true
  }
  try {
    return (await stat(file)).isDirectory()
      ? (await readdir(file)).some((name) => /\.parquet$|=/.test(name))
      : beginsAs('parquet', await beginning(file))
  } catch {
    // whoever reads it says why it cannot be read
    return false
  }
}

/** By its name, or the first name of an object at its beginning, which no table's header begins with */
export async function isJsonLines (file: string): Promise<boolean> {
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(file)) {
    return true
  }
  try {
    const head = await beginning(file)
    const isGzip = beginsAs('gzip', head)
    return /^(\xef\xbb\xbf)?\s*\{\s*["}]/.test((isGzip ? gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH }) : head).toString('latin1'))
  } catch {
    return false
  }
}

/** None of a pipe, which gives its bytes once */
async function beginning (file: string): Promise<Buffer> {
  const handle = (await stat(file)).isFile() ? await open(file) : undefined
  try {
    const read = await handle?.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return read === undefined ? Buffer.alloc(0) : read.buffer.subarray(0, read.bytesRead)
  } finally {
    await handle?.close()
  }
}
