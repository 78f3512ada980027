/**
 * Looks at what the pages of a column announce, and decompresses them within that
 *
 * A header of a few bytes may announce two billion values, and the reader would make room for them.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { DatasetError } from '../../errors.ts'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js'
import { compressors } from 'hyparquet-compressors'
import type { Compressors } from 'hyparquet'
import type { ColumnDecoder, PageHeader } from 'hyparquet/src/types.js'

const MAX_PAGE_BYTES = 2 ** 28
/** Of all pages of a column in a group of rows, decompressed */
const MAX_COLUMN_BYTES = 2 ** 30
const ZSTD_MAGIC = 0xfd2fb528

export interface PageLimits {
  rows: number
  decoder: ColumnDecoder
  /**
   * Of all pages of the column, as they are in memory
   *
   * @default 1 GiB
   */
  mostBytes?: number
}

/** Throws DatasetError, which names `file` and `column`, for pages that are not there or are more than the limits */
export function requirePages (file: string, column: string, bytes: ArrayBuffer, { rows, decoder, mostBytes = MAX_COLUMN_BYTES }: PageLimits): void {
  const reader = { view: new DataView(bytes), offset: 0 }
  let values = 0
  let total = 0
  while (values < rows && reader.offset < bytes.byteLength) {
    const header = parquetHeader(reader)
    const { found, held, nulls, most, size, compressed } = announced(header, rows)
    total += size
    if (!(within(held, most) && within(nulls, held) && within(size, MAX_PAGE_BYTES) && within(compressed, bytes.byteLength - reader.offset))) {
      throw new DatasetError(`${file}, column ${column}: a page announces ${held} values and ${size} bytes, more than there can be among ${rows} rows; fetch it again`)
    }
    total += repeatedBytes(header, new Uint8Array(bytes, reader.offset, compressed), decoder)
    if (!within(total, mostBytes)) {
      throw new DatasetError(`${file}, column ${column}: its pages hold more than ${mostBytes} bytes in one group of rows; write the file with smaller groups`)
    }
    values += found
    reader.offset += compressed
  }
  if (values !== rows) {
    throw new DatasetError(`${file}, column ${column}: ${values} of ${rows} values are there; fetch it again`)
  }
}

/** False for what is no number, too */
function within (value: number, most: number): boolean {
  return value >= 0 && value <= most
}

interface Announced {
  /** Rows of the page */
  found: number
  /** Values of the page, a dictionary's too, and how many there can be */
  held: number
  most: number
  nulls: number
  size: number
  compressed: number
}

function announced ({ uncompressed_page_size: size, compressed_page_size: compressed, ...header }: PageHeader, rows: number): Announced {
  const found = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values
  return found === undefined
    // a dictionary may be that of a longer table: each of its values takes a byte at least
    ? { found: 0, held: header.dictionary_page_header?.num_values ?? 0, most: size, nulls: 0, size, compressed }
    : { found, held: found, most: rows, nulls: header.data_page_header_v2?.num_nulls ?? 0, size, compressed }
}

/**
 * What values share with the ones before them (DELTA_BYTE_ARRAY), in bytes: the file says it by a number for each, and
 * a few bytes of these make gigabytes. NaN where the numbers make no sense
 */
function repeatedBytes (header: PageHeader, page: Uint8Array, decoder: ColumnDecoder): number {
  const [first, second] = [header.data_page_header, header.data_page_header_v2]
  if ((first ?? second)?.encoding !== 'DELTA_BYTE_ARRAY') {
    return 0
  }
  // the lengths come first, and are written as whole numbers are
  const lengths = { ...decoder, type: 'INT32' as const }
  const { dataPage } = first === undefined
    ? readDataPageV2(page, { ...header, data_page_header_v2: { ...second!, encoding: 'DELTA_BINARY_PACKED' } }, lengths)
    : readDataPage(decompressPage(page, header.uncompressed_page_size, decoder.codec, decoder.compressors), { ...first, encoding: 'DELTA_BINARY_PACKED' }, lengths)
  const prefixes = dataPage as Int32Array
  // no value is longer than all that the page holds, and the first has none before it
  return prefixes[0] === 0 || prefixes.length === 0
    ? prefixes.reduce((sum, length) => within(length, header.uncompressed_page_size) ? sum + length : NaN, 0)
    : NaN
}

/** Each gives `length` bytes at most */
export const BOUNDED: Compressors = {
  ...compressors,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => {
    const announced = zstdBytes(input)
    if (announced !== length) {
      throw new Error(`zstd data announce ${announced ?? 'no number of'} bytes, the page ${length}`)
    }
    return compressors.ZSTD!(input, length)
  }
}

/** Frame_Content_Size (RFC 8878, 3.1.1.1.4). Undefined where there is none */
function zstdBytes (input: Uint8Array): number | undefined {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  if (input.byteLength < 6 || view.getUint32(0, true) !== ZSTD_MAGIC) {
    return undefined
  }
  const descriptor = input[4]!
  const single = (descriptor & 0x20) !== 0
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!
  const size = descriptor >> 6
  if (size === 0) {
    return single ? view.getUint8(at) : undefined
  }
  return size === 1 ? view.getUint16(at, true) + 256 : size === 2 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}
