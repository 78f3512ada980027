/**
 * What a file is that was given for a table and is none, by its first bytes
 *
 * Pure. Signatures are those that the formats' own specifications give.
 */
import { SIGNATURES as KNOWN } from './signatures.ts'

interface Signature {
  /** Latin-1 */
  bytes: string
  at?: number
  name: string
}

const SIGNATURES: readonly Signature[] = [
  { bytes: KNOWN.zip, name: 'an Excel workbook (.xlsx) or another ZIP archive' },
  { bytes: KNOWN.emptyZip, name: 'an empty ZIP archive' },
  { bytes: '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', name: 'an old Excel workbook (.xls)' },
  { bytes: KNOWN.parquet, name: 'a Parquet file' },
  { bytes: KNOWN.encryptedParquet, name: 'an encrypted Parquet file' },
  { bytes: 'SQLite format 3\0', name: 'an SQLite database' },
  { bytes: 'ARROW1', name: 'an Arrow file' },
  { bytes: 'FEA1', name: 'a Feather file' },
  { bytes: 'ORC', name: 'an ORC file' },
  { bytes: KNOWN.npy, name: 'a NumPy file' },
  { bytes: '\x89HDF\r\n\x1a\n', name: 'an HDF5 file' },
  { bytes: '<stata_dta>', name: 'a Stata file' },
  { bytes: '$FL2', name: 'an SPSS file' },
  { bytes: 'RDX', name: 'an R data file' },
  { bytes: KNOWN.png, name: 'a PNG picture' },
  { bytes: KNOWN.jpeg, name: 'a JPEG picture' },
  { bytes: '%PDF-', name: 'a PDF document' },
  { bytes: '\x28\xb5\x2f\xfd', name: 'compressed by zstd' },
  { bytes: 'BZh', name: 'compressed by bzip2' },
  { bytes: '\xfd7zXZ\0', name: 'compressed by xz' },
  { bytes: '7z\xbc\xaf\x27\x1c', name: 'a 7-Zip archive' },
  { bytes: '\x7fELF', name: 'a program' },
  { bytes: 'ustar', at: 257, name: 'a tar archive' },
  { bytes: '\xff\xfe\0\0', name: 'text in UTF-32' },
  { bytes: '\0\0\xfe\xff', name: 'text in UTF-32' }
]

const JSON_FILE = 'a JSON file (JSON Lines, an object in each line, are read from a file whose name ends in .jsonl)'

/** Texts that are no tables */
const WORDS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^\s*<(!doctype html|html)/i, 'a web page: was it fetched without signing in?'],
  [/^\s*<\?xml/i, 'an XML file'],
  [/^\s*\[?\s*\{\s*"/, JSON_FILE]
]

/**
 * Its name, to follow "is"; undefined for what may be a table
 *
 * @param head - Its first bytes, after any decompression
 * @param json - Lines of JSON are wanted
 */
export function foreignKind (head: Uint8Array, json = false): string | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 512)).toString('latin1')
  return SIGNATURES.find(({ bytes, at = 0 }) => text.startsWith(bytes, at))?.name ?? WORDS.find(([pattern, name]) => pattern.test(text) && !(json && name === JSON_FILE))?.[1]
}
