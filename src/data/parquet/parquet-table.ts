/**
 * Parquet files as a table: rows of text, as a CSV file would have them, row group by row group
 */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetMetadataAsync, parquetSchema } from 'hyparquet'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { parquetReadColumn } from 'hyparquet/src/read.js'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { listed } from '../csv.ts'
import { TextRow } from '../row.ts'
import { unreadable } from '../unreadable.ts'
import { cellText, columnNames, PARSERS } from './parquet-columns.ts'
import { BOUNDED, requirePages } from './parquet-pages.ts'
import type { FileHandle } from 'node:fs/promises'
import type { AsyncBuffer, ColumnMetaData, DecodedArray, FileMetaData, RowGroup } from 'hyparquet'
import type { ColumnDecoder } from 'hyparquet/src/types.js'
import type { TableVisitor } from '../csv.ts'
import type { Cell } from './parquet-columns.ts'

/** Cells of a row group, all in memory at once: a million rows of 64 columns */
const MAX_GROUP_CELLS = 2 ** 26

const MAX_METADATA_BYTES = 2 ** 26
const MAX_CHUNK_BYTES = 2 ** 30
const MAX_FILES = 10_000
/** Beside each file: length of the metadata, and the mark */
const FOOTER_BYTES = 8

type Begin = (columns: readonly string[]) => TableVisitor

/**
 * `path`: a file, or a folder whose `.parquet` files are read in the order of their names and have the same columns
 *
 * Calls `begin` with the names of the columns of the first file, and what it returns with every row, until that is
 * false; waits for `ready` before each group of rows. Resolves to the number of rows. Throws DatasetError, and what the
 * callbacks throw
 */
export async function readParquet (path: string, begin: Begin, ready?: () => Promise<void>): Promise<number> {
  let columns: readonly string[] | undefined
  let visit: TableVisitor = () => undefined
  let rows = 0
  for (const file of await parquetFiles(path)) {
    const more = await readFile(file, (found) => {
      if (columns === undefined) {
        visit = begin(columns = found)
      } else if (found.length !== columns.length || columns.some((name) => !found.includes(name))) {
        throw new DatasetError(`${printable(file)} has the columns ${listed(found)}, but the first file of the folder has ${listed(columns)}; give files of one table`)
      }
      const counted: TableVisitor = (row, place) => {
        rows++
        return visit(row, place)
      }
      return { columns, visit: counted, ready }
    })
    if (!more) {
      break
    }
  }
  if (rows === 0) {
    throw new DatasetError(`${printable(path)} has no rows; give a file with examples`)
  }
  return rows
}

async function parquetFiles (path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) {
      return [path]
    }
    const entries = await readdir(path, { withFileTypes: true })
    const folder = entries.find((entry) => entry.isDirectory() && !/^[._]/.test(entry.name))
    if (folder !== undefined) {
      throw new DatasetError(`${printable(path)} has the folder ${printable(folder.name)} in it, as tables do that are cut by a column; give one folder of .parquet files that have all columns`)
    }
    const names = entries.filter((entry) => entry.isFile() && /^[^._].*\.parquet$/.test(entry.name)).map(({ name }) => name)
    if (names.length === 0 || names.length > MAX_FILES) {
      throw new DatasetError(`${printable(path)} has ${names.length === 0 ? 'no' : `more than ${MAX_FILES}`} .parquet files in it`)
    }
    return names.sort((a, b) => Buffer.from(a).compare(Buffer.from(b))).map((name) => join(path, name))
  } catch (err) {
    throw unreadable(printable(path), err)
  }
}

interface Reading {
  columns: readonly string[]
  visit: TableVisitor
  ready: (() => Promise<void>) | undefined
}

/** False when the visitor had enough */
async function readFile (path: string, begin: (columns: readonly string[]) => Reading): Promise<boolean> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    return await readOpenFile(path, await bufferOf(path, handle), begin)
  } catch (err) {
    throw (err as NodeJS.ErrnoException).syscall === undefined ? err : unreadable(printable(path), err)
  } finally {
    await handle?.close()
  }
}

async function readOpenFile (path: string, file: AsyncBuffer, begin: (columns: readonly string[]) => Reading): Promise<boolean> {
  const name = printable(path)
  const { metadata, names } = await decoding(name, async () => {
    const read = await metadataOf(name, file)
    return { metadata: read, names: columnNames(name, parquetSchema(read)) }
  })
  const { columns, visit, ready } = begin(names)
  let start = 0
  for (const group of metadata.row_groups) {
    await ready?.()
    const { count, cells } = await decoding(name, async () => {
      const rows = requireGroup(name, group, { columns: columns.length, fileBytes: file.byteLength })
      return { count: rows, cells: await columnsOf(name, { file, metadata, group, start, count: rows }, columns) }
    })
    const fields = new Array<string>(columns.length)
    const cut = new TextRow(fields)
    for (let row = 0; row < count; row++) {
      for (let i = 0; i < columns.length; i++) {
        fields[i] = cellText(cells[i]![row] as Cell)
      }
      // as if the names of the columns stood in a first line
      if (visit(cut, { file: path, line: start + row + 2 }) === false) {
        return false
      }
    }
    start += count
  }
  return true
}

/** The library's errors are the file's */
async function decoding<T> (name: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode()
  } catch (err) {
    throw err instanceof DatasetError ? err : new DatasetError(`${name} is damaged, or a Parquet file of a kind that is not read (${printable((err as Error).message.split('\n')[0]!.slice(0, 100))}); fetch it again, or write it with pyarrow`, { cause: err })
  }
}

async function metadataOf (name: string, file: AsyncBuffer): Promise<FileMetaData> {
  const tail = Buffer.from(await file.slice(Math.max(0, file.byteLength - FOOTER_BYTES), file.byteLength))
  const mark = tail.toString('latin1', Math.max(0, tail.length - 4))
  if (tail.length < FOOTER_BYTES || mark !== 'PAR1') {
    throw new DatasetError(`${name} is ${mark === 'PARE' ? 'an encrypted Parquet file, which is not read' : 'cut short, or no Parquet file: it does not end with PAR1'}; fetch it again`)
  }
  const length = tail.readUInt32LE(0)
  if (length > MAX_METADATA_BYTES || length + FOOTER_BYTES > file.byteLength) {
    throw new DatasetError(`${name} is damaged: it announces ${length} bytes of metadata and has ${file.byteLength} in all; fetch it again`)
  }
  return parquetMetadataAsync(file, { geoparquet: false })
}

/** Rows of the group. Throws DatasetError for more than memory holds, or than the file can have */
function requireGroup (name: string, group: RowGroup, { columns, fileBytes }: { columns: number, fileBytes: number }): number {
  const rows = Number(group.num_rows)
  if (!(rows >= 0 && rows * columns <= MAX_GROUP_CELLS)) {
    throw new DatasetError(`${name} has a row group of ${rows} rows and ${columns} columns, more than are read at once; write it with smaller ones (row_group_size=100000)`)
  }
  requireDifferent(name, group.columns.map(({ meta_data: chunk }) => String(chunk?.path_in_schema[0])))
  for (const { meta_data: chunk, file_path: elsewhere } of group.columns) {
    const { first, end } = chunkRange(chunk)
    if (elsewhere !== undefined || !(first >= 0 && end >= first && end - first <= MAX_CHUNK_BYTES && end <= fileBytes) || Number(chunk?.num_values) !== rows) {
      throw new DatasetError(`${name} is damaged: a column is not where its metadata say; fetch it again`)
    }
  }
  return rows
}

/** The reader would put one behind the other */
function requireDifferent (name: string, columns: readonly string[]): void {
  const seen = new Set<string>()
  const twice = columns.find((column) => seen.size === seen.add(column).size)
  if (twice !== undefined) {
    throw new DatasetError(`${name} is damaged: a row group has the column ${printable(JSON.stringify(twice))} twice; fetch it again`)
  }
}

/** Where the pages of a column lie in the file, in bytes */
function chunkRange (chunk: ColumnMetaData | undefined): { first: number, end: number } {
  // 0 is no place of a page: some writers mean none by it, and the reader takes it so
  const dictionary = Number(chunk?.dictionary_page_offset ?? 0)
  const first = dictionary === 0 ? Number(chunk?.data_page_offset) : dictionary
  return { first, end: first + Number(chunk?.total_compressed_size) }
}

interface GroupReading {
  file: AsyncBuffer
  metadata: FileMetaData
  group: RowGroup
  /** Row of the file with which the group begins */
  start: number
  count: number
}

async function columnsOf (name: string, { file, metadata, group, start, count }: GroupReading, columns: readonly string[]): Promise<DecodedArray[]> {
  const all: DecodedArray[] = []
  for (const column of columns) {
    const chunk = group.columns.find(({ meta_data: about }) => about?.path_in_schema[0] === column)?.meta_data
    if (chunk === undefined) {
      throw new DatasetError(`${name} is damaged: a row group has no column ${printable(JSON.stringify(column))}; fetch it again`)
    }
    const { first, end } = chunkRange(chunk)
    requirePages(name, printable(JSON.stringify(column)), await file.slice(first, end), { rows: count, decoder: decoderOf(metadata, chunk) })
    const cells = await parquetReadColumn({ file, metadata, columns: [column], rowStart: start, rowEnd: start + count, compressors: BOUNDED, parsers: PARSERS, geoparquet: false })
    if (cells.length !== count) {
      throw new DatasetError(`${name}, column ${printable(JSON.stringify(column))}: ${cells.length} of ${count} values are there; fetch it again`)
    }
    all.push(cells)
  }
  return all
}

/** How the reader will decode the pages of a flat column */
export function decoderOf (metadata: FileMetaData, { path_in_schema: path, type, codec }: ColumnMetaData): ColumnDecoder {
  const root = parquetSchema(metadata)
  const leaf = root.children.find(({ element }) => element.name === path[0])!
  return { pathInSchema: path, type, element: leaf.element, schemaPath: [root, leaf], codec, parsers: DEFAULT_PARSERS, compressors: BOUNDED }
}

async function bufferOf (path: string, handle: FileHandle): Promise<AsyncBuffer> {
  const about = await handle.stat()
  if (!about.isFile()) {
    throw new DatasetError(`${printable(path)} is no file`)
  }
  return {
    byteLength: about.size,
    slice: async (start, end = about.size) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, about.size) - start))
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
        if (bytesRead === 0) {
          throw new DatasetError(`${printable(path)} changed while it was read; start again`)
        }
        filled += bytesRead
      }
      return bytes.buffer
    }
  }
}
