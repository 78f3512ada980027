/**
 * A table in whatever form its file has: rows as a CSV file has them, whoever reads it
 */
import { open, readdir, stat } from 'node:fs/promises'
import { readCsvRows } from './csv.ts'
import { beginsAs, SIGNATURE_BYTES } from './signatures.ts'
import type { CsvOptions, TableVisitor } from './csv.ts'
import type { CsvFormat } from './csv-dialect.ts'

/** Takes the names of the columns and, of a CSV file, how it is written. Returns what takes the rows */
export type BeginRows = (columns: readonly string[], format?: CsvFormat) => TableVisitor

/**
 * Two dimensions of an array, by the name of its file or FILE.npz#NAME; a Parquet file or a folder of them; else CSV
 *
 * Calls `begin` with the names of the columns, and what it returns with every row, until that is false. Resolves to the
 * number of rows. Throws DatasetError, and what the callbacks throw
 */
export async function readTable (file: string, begin: BeginRows, options: CsvOptions = {}): Promise<number> {
  if (/\.(npy|npz#[^/\\]+)$/.test(file)) {
    return (await import('./arrays/array-table.ts')).readArrayTable(file, begin)
  }
  if (await isParquet(file)) {
    return (await import('./parquet/parquet-table.ts')).readParquet(file, begin)
  }
  return readCsvRows(file, begin, options)
}

/** A folder of Parquet files, or a file with their mark at its beginning, which no name of a column is */
async function isParquet (file: string): Promise<boolean> {
  if (/\.parquet$/i.test(file)) {
    return true
  }
  try {
    const about = await stat(file)
    if (!about.isFile()) {
      return about.isDirectory() && (await readdir(file)).some((name) => /\.parquet$|=/.test(name))
    }
    const handle = await open(file)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0)
      return beginsAs('parquet', buffer.subarray(0, bytesRead))
    } finally {
      await handle.close()
    }
  } catch {
    // whoever reads it says why it cannot be read
    return false
  }
}
