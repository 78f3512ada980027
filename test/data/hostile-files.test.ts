/**
 * Files that other readers fell over, or that would take memory or time, or say nothing true
 *
 * Those with a `from` have the shape of a file in a public report on another reader: made anew, small, and harmless to
 * it. Only what is done here is tested: one line that names the file, in bounded memory, with nothing left behind.
 */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inferInput } from '../../src/data/data-formats.ts'
import { readInputs } from '../../src/data/input-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import { npy, npz } from './arrays/write-arrays.ts'
import knownTables from './parquet/known-tables.json' with { type: 'json' }
import knownPictures from './pictures/known-pictures.json' with { type: 'json' }
import { chunk, greyPng, pngBytes } from './pictures/write-pictures.ts'
import { idxBytes, temporaryFolder } from './write-idx.ts'
import type { Model } from '../../src/data/examples.ts'

interface Hostile {
  name: string
  /** Its extension says what it is given for */
  file: string
  content: () => string | Uint8Array
  message: RegExp
  /** Project and number of a public report of such a file */
  from?: string
}

const MIB = 1_048_576

const table: Model = { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'table', label: 'label', columns: [{ kind: 'numeric', name: 'x0', mean: 0, stdDev: 1 }] }, labels: ['0', '1'] }
const pictures: Model = { ...table, input: { kind: 'image', shape: [8, 8, 1], mean: 0, stdDev: 1 } }

const png = greyPng(8, 8, Array.from({ length: 64 }, (_, i) => (i * 37) % 256))
const jpeg = Buffer.from(knownPictures.jpegs.find(({ name }) => name === 'colour')!.file, 'base64')
const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
const parquet = Buffer.from(knownTables.patients, 'base64')
const footer = parquet.readUInt32LE(parquet.length - 8)
const plain = npy('<f8', [4, 2], new Uint8Array(64))

function changed (bytes: Uint8Array, at: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes)
  values.forEach((value, i) => { copy[at + i] = value })
  return copy
}

/** In the header of a NPY file */
function reheaded (from: string, to: string): Buffer {
  const text = plain.toString('latin1')
  // the header keeps its length: it is padded with blanks
  return Buffer.from(text.replace(from.padEnd(to.length), to.padEnd(from.length)), 'latin1')
}

const CSV: readonly Hostile[] = [
  { name: 'a quote that is never closed', file: 'a.csv', content: () => 'a,label\n1,"open\n2,x\n3,y\n', message: /line 2: a quote is never closed/, from: 'cldf/csvw#52' },
  { name: 'a quote that is never closed before 20 MB', file: 'a.csv', content: () => `a,label\n1,"${'x\n'.repeat(10_000_000)}`, message: /line 2: the row is longer than 1048576 characters: was a quote never closed/ },
  { name: 'more fields than names', file: 'a.csv', content: () => 'a,b,c,label\n1,1,1,1,0\n1,1,1,1,0\n\n\n', message: /line 2: 5 fields where the header has 4 columns/, from: 'pandas-dev/pandas#5664' },
  { name: 'a word among more fields than names', file: 'a.csv', content: () => 'a,b,c,label\n0,1,Amigo,3\n1,1,Inimigo,amigo,9\n', message: /line 3: 5 fields where the header has 4/, from: 'pandas-dev/pandas#22144' },
  { name: 'one column of a very long number', file: 'a.csv', content: () => 'test\n13324234234234234322332432432', message: /has one column only, "test"/, from: 'pandas-dev/pandas#11532' },
  { name: 'a column twice', file: 'a.csv', content: () => 'a,b,a\n0,1,2\n3,4,5\n', message: /two columns named "a"/, from: 'pandas-dev/pandas#7160' },
  { name: 'a column twice, far away', file: 'a.csv', content: () => 'en,comment,de,en,en-GB,fr,es,it\n,,,,,,,\nEfficiency,,,,,,,\n', message: /two columns named "en"/, from: 'swiftcsv/SwiftCSV#134' },
  { name: 'a column twice beside the name that would be made of it', file: 'a.csv', content: () => 'a,a_duplicated_0,a\n1,2,3\n', message: /two columns named "a"/, from: 'pola-rs/polars#28310' },
  { name: 'a zero byte in a field', file: 'a.csv', content: () => 'a,label\n1,x\n2,y\0y\n', message: /line 3: a zero byte/, from: 'wireservice/csvkit#927' },
  { name: 'a zero byte in quotes', file: 'a.csv', content: () => 'a,label\n"\0",x\n', message: /line 2: a zero byte/, from: 'jdunck/python-unicodecsv#32' },
  { name: 'a zero byte between all letters', file: 'a.csv', content: () => Buffer.from('date,label\n2021-01-01,1\n', 'utf16le'), message: /line 1: a zero byte.*UTF-16 without a byte order mark/, from: 'jsoizo/kotlin-csv#77' },
  { name: 'UTF-16 with half of a letter', file: 'a.tsv', content: () => Buffer.from('\ufeffa\tlabel\n1\tx\n', 'utf16le').subarray(0, -1), message: /ends in the middle of a character of UTF-16LE/, from: 'tidyverse/readr#773' },
  { name: 'a byte order mark and nothing else', file: 'a.csv', content: () => Buffer.from([0xef, 0xbb, 0xbf]), message: /is empty/, from: 'adaltas/node-csv-parse#246' },
  { name: 'two of three bytes of a byte order mark', file: 'a.csv', content: () => Buffer.from([0xef, 0xbb]), message: /is not UTF-8/, from: 'adaltas/node-csv-parse#246' },
  { name: 'a byte order mark before the name that is asked for twice', file: 'a.csv', content: () => '\ufeffa,b,a\n1,2,3\n', message: /two columns named "a"/, from: 'mholt/PapaParse#372' },
  { name: 'letters of Windows-1252', file: 'a.csv', content: () => Buffer.from('name,label\nMüller,1\n', 'latin1'), message: /line 2: byte 0xfc .* is not UTF-8/, from: 'senderle/topic-modeling-tool#55' },
  { name: 'a quote within a field that is not quoted', file: 'a.csv', content: () => 'a,label\n5" pipe,x\n', message: /line 2: a quote stands in the middle of a field/, from: 'postmanlabs/newman#2303' },
  { name: 'fewer fields than names', file: 'a.csv', content: () => 'a,b,label\n1,2,x\n1\n', message: /line 3: 1 fields where the header has 3/, from: 'postmanlabs/newman#2303' },
  { name: 'zeros, compressed a thousandfold', file: 'a.csv', content: () => gzipSync(Buffer.alloc(50_000_000), { level: 1 }), message: /line 1: a zero byte/, from: 'alphagov/backdrop#360' },
  { name: 'one letter, compressed a thousandfold', file: 'a.csv', content: () => gzipSync(Buffer.concat([Buffer.from('a,label\n'), Buffer.alloc(20_000_000, 0x31)]), { level: 1 }), message: /line 2: the row is longer than/, from: 'Yamato-Security/suzaku#147' },
  { name: 'short lines without end, compressed', file: 'a.csv', content: () => gzipSync(`a,label\n${'\n'.repeat(20_000_000)}`, { level: 1 }), message: /has a header but no rows/, from: 'hahwul/urx#269' },
  { name: 'gzip that is cut off', file: 'a.csv', content: () => gzipSync(`a,label\n${'1,x\n2,y\n'.repeat(1_000)}`).subarray(0, -12), message: /ends in the middle of its gzip data/ },
  { name: 'gzip in gzip', file: 'a.csv', content: () => gzipSync(gzipSync('a,label\n1,x\n')), message: /compressed by gzip twice/ },
  { name: 'a million columns', file: 'a.csv', content: () => `${Array.from({ length: 1_000_000 }, (_, i) => i).join(',')}\n`, message: /line 1: the row is longer than/ },
  { name: 'more columns than a document holds', file: 'a.csv', content: () => `${Array.from({ length: 5_000 }, (_, i) => `c${i}`).join(',')}\n${'1,'.repeat(4_999)}x\n`, message: /has 5000 columns, more than 4096/ },
  { name: 'infinities among numbers', file: 'a.csv', content: () => `a,label\n${'1,x\n2,y\n'.repeat(20)}inf,x\n`, message: /line 42, column "a": "inf" is no number/ },
  { name: 'a number beyond doubles', file: 'a.csv', content: () => `a,label\n${'1,x\n2,y\n'.repeat(20)}1e999,x\n`, message: /line 42, column "a": "1e999" is no number/ },
  { name: 'NaN for a class', file: 'a.csv', content: () => 'a,label\n1,x\n2,NaN\n', message: /line 3, column "label": "NaN" is no label/ },
  { name: 'nothing', file: 'a.csv', content: () => '', message: /is empty/ },
  { name: 'a workbook', file: 'a.csv', content: () => Buffer.from('PK\x03\x04\x14\0\x06\0', 'latin1'), message: /is an Excel workbook/ }
]

const JSONL: readonly Hostile[] = [
  { name: 'NaN', file: 'a.jsonl', content: () => '{"step":1000,"loss":NaN,"label":"x"}\n', message: /line 1: NaN is no JSON/, from: 'pandas-dev/pandas#30716' },
  { name: 'Infinity', file: 'a.jsonl', content: () => '{"a":[NaN, Infinity, -Infinity]}', message: /line 1: NaN is no JSON/, from: 'pandas-dev/pandas#12213' },
  { name: 'Infinity with a sign', file: 'a.jsonl', content: () => '{"changeinvalue":0.0,"lessee1":+Infinity,"label":1}', message: /line 1: Infinity is no JSON/, from: 'jeroen/jsonlite#281' },
  { name: 'a name twice', file: 'a.jsonl', content: () => '{"id":1,"id":2}\n', message: /line 1: "id" is there twice/, from: 'im-anishraj/arnio#1708' },
  { name: 'objects of several lines', file: 'a.jsonl', content: () => '{\n  "a": 1\n}\n{\n  "a": 2\n}\n', message: /line 1: a JSON text of several lines/, from: 'scikit-hep/awkward#437' },
  { name: 'a line of 2 MB', file: 'a.jsonl', content: () => `{"a":"${'x'.repeat(2_000_000)}","label":1}`, message: /line 1: the line is longer than/ },
  { name: 'a million names', file: 'a.jsonl', content: () => Array.from({ length: 1_000 }, (_, line) => `{${Array.from({ length: 1_000 }, (__, i) => `"k${1_000 * line + i}":1`).join(',')}}`).join('\n'), message: /line 5: the objects have more than 4096 names/ },
  { name: 'brackets within brackets', file: 'a.jsonl', content: () => `{"label":1,"a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`, message: /line 1: "a" holds an array/ },
  { name: 'one object, compressed a thousandfold', file: 'a.jsonl.gz', content: () => gzipSync(`{"a":"${'x'.repeat(20_000_000)}`, { level: 1 }), message: /line 1: the line is longer than/ }
]

const PARQUET: readonly Hostile[] = [
  { name: 'an end that was cut off', file: 'a.parquet', content: () => parquet.subarray(0, -20), message: /is cut short, or no Parquet file/, from: 'apache/arrow#42926' },
  { name: 'metadata of 4 GB', file: 'a.parquet', content: () => changed(parquet, parquet.length - 8, 0xff, 0xff, 0xff, 0xff), message: /announces 4294967295 bytes of metadata/, from: 'apache/parquet-java#1442' },
  { name: 'metadata of zeros', file: 'a.parquet', content: () => changed(parquet, parquet.length - 8 - footer, ...new Uint8Array(footer)), message: /damaged|has 0 columns/, from: 'apache/arrow#42943' },
  { name: 'pages of nothing that announce values', file: 'a.parquet', content: () => changed(parquet, 4, ...new Uint8Array(parquet.length - footer - 12)), message: /damaged|values|page/, from: 'apache/arrow#34667' },
  { name: 'an encrypted file', file: 'a.parquet', content: () => Buffer.concat([parquet.subarray(0, -4), Buffer.from('PARE')]), message: /is an encrypted Parquet file/ },
  { name: 'a beginning that was cut off', file: 'a.parquet', content: () => parquet.subarray(200), message: /damaged|there can be|is not where/ },
  { name: 'nested columns', file: 'a.parquet', content: () => Buffer.from(knownTables.nested, 'base64'), message: /has nested columns/, from: 'bytedance/bolt#839' },
  { name: 'no rows', file: 'a.parquet', content: () => Buffer.from(knownTables.empty, 'base64'), message: /has no rows/ }
]

const ARRAYS: readonly Hostile[] = [
  { name: 'a header of 4 GB', file: 'x.npy', content: () => Buffer.from('934e554d50590200ffffffff', 'hex'), message: /has a header of 4294967295 bytes/, from: 'ml-explore/mlx#3365' },
  { name: 'a shape whose product overflows', file: 'x.npy', content: () => npy('<f8', [2 ** 33, 2 ** 31], new Uint8Array(8)), message: /more than/, from: 'llohse/libnpy#45' },
  { name: 'a shape of np.int64', file: 'x.npy', content: () => reheaded('(4, 2), }     ', '(np.int64(4),)}'), message: /has a damaged header/, from: 'numpy/numpy#28334' },
  { name: 'a shape that is a number', file: 'x.npy', content: () => reheaded('(4, 2)', '10'), message: /has a damaged header/, from: 'numpy/numpy#13719' },
  { name: 'a header whose first ten bytes are zero', file: 'x.npy', content: () => Buffer.concat([Buffer.alloc(10), plain.subarray(10)]), message: /zero byte|is no|cannot be read/, from: 'deeplearning4j/deeplearning4j#7647' },
  { name: 'a program in the header', file: 'x.npy', content: () => reheaded('False, ', 'exit(),'), message: /has a damaged header/, from: 'mlcommons/storage#286' },
  { name: 'fewer elements than it counts', file: 'x.npy', content: () => npy('<f8', [100_000, 2], new Uint8Array(511 * 8)), message: /is cut short: its header announces/, from: 'numpy/numpy#17819' },
  { name: 'objects', file: 'x.npy', content: () => npy('|O', [4, 2], new Uint8Array(64)), message: /Python objects/, from: 'static-frame/static-frame#411' },
  { name: 'a member that inflates a thousandfold', file: 'x.npz', content: () => npz({ x: Buffer.concat([plain, Buffer.alloc(20_000_000)]) }), message: /is too long|inflates to more/, from: 'keras-team/keras#23212' },
  { name: 'a member with a wrong checksum', file: 'x.npz', content: () => damagedChecksum(npz({ x: plain })), message: /its checksum is wrong/, from: 'LaurentMazare/npy-ocaml#7' },
  { name: 'an archive without its directory', file: 'x.npz', content: () => npz({ x: plain }).subarray(0, -30), message: /is no complete ZIP archive/, from: 'TeleHuman/MoRE#5' }
]

function damagedChecksum (archive: Buffer): Buffer {
  const entry = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  return changed(archive, entry + 16, archive[entry + 16]! ^ 0xff)
}

const PICTURES: readonly Hostile[] = [
  { name: 'a JPEG that announces far more than it has', file: 'a.jpg', content: () => changed(jpeg, frame + 5, 255, 255, 255, 255), message: /has 65535 x 65535 pixels, more than is decoded/, from: 'jpeg-js/jpeg-js#58' },
  { name: 'a JPEG of 258 bytes and gigabytes', file: 'a.jpg', content: () => changed(jpeg, frame + 5, 0x7f, 0xff, 0x7f, 0xff).subarray(0, 258), message: /cut short|more than is decoded/, from: 'libjpeg-turbo/libjpeg-turbo#249' },
  { name: 'a JPEG with data and no frame', file: 'a.jpg', content: () => Buffer.concat([jpeg.subarray(0, frame), Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd9])]), message: /no size stands before its data/, from: 'jpeg-js/jpeg-js#112' },
  { name: 'a PNG with a chunk of 4 GB', file: 'a.png', content: () => changed(png, 33, 0xff, 0xff, 0xff, 0xff), message: /is cut short|is a damaged PNG/, from: 'foliojs/png.js#91' },
  { name: 'a PNG of no width', file: 'a.png', content: () => pngBytes({ width: 0, height: 4 }), message: /has no pixels/, from: 'foliojs/png.js#91' },
  { name: 'a PNG cut in the midst', file: 'a.png', content: () => png.subarray(0, png.length - 30), message: /is cut short/, from: 'foliojs/png.js#9' },
  { name: 'a PNG cut where a chunk ends', file: 'a.png', content: () => png.subarray(0, png.length - 12), message: /is cut short/, from: 'pngjs/pngjs#118' },
  { name: 'a PNG whose data end early', file: 'a.png', content: () => pngBytes({ width: 8, height: 8, data: deflateSync(Buffer.alloc(72)).subarray(0, -6) }), message: /is a damaged PNG/, from: 'pngjs/pngjs#137' },
  { name: 'a PNG whose data are no deflate', file: 'a.png', content: () => pngBytes({ width: 8, height: 8, data: Buffer.alloc(40, 7) }), message: /is a damaged PNG/, from: 'photopea/UPNG.js#70' },
  { name: 'a PNG with an empty chunk of data, and no other', file: 'a.png', content: () => Buffer.concat([png.subarray(0, 33), chunk('IDAT', Buffer.alloc(0)), png.subarray(-12)]), message: /is a damaged PNG|pixels/, from: 'pnggroup/libpng#130' },
  { name: 'a web page with the name of a PNG', file: 'a.png', content: () => '<html>not found</html>', message: /IDX|PNG|cut short/, from: 'photopea/UPNG.js#10' },
  { name: 'a PNG of 2^31 x 2^31 pixels', file: 'a.png', content: () => pngBytes({ width: 2 ** 31, height: 2 ** 31, data: Buffer.alloc(9) }), message: /more than is decoded/ },
  { name: 'an IDX file that announces 2^32 images', file: 'a-idx3-ubyte', content: () => changed(idxBytes([1, 8, 8], new Uint8Array(64)), 4, 0xff, 0xff, 0xff, 0xff), message: /cut short|announces|bytes|GiB/ }
]

/** As training or predicting would */
async function read (path: string): Promise<unknown> {
  switch (/\.(\w+)(\.gz)?$/.exec(path)?.[1]) {
    case 'csv': case 'tsv': return inferInput({ kind: 'csv', file: path })
    case 'jsonl': return inferInput({ kind: 'jsonl', file: path })
    case 'parquet': return inferInput({ kind: 'parquet', file: path })
    case 'npy': case 'npz': return readInputs({ path }, table, () => undefined)
    default: return readInputs({ path }, pictures, () => undefined)
  }
}

const ALL = [...CSV, ...JSONL, ...PARQUET, ...ARRAYS, ...PICTURES]

describe('A hostile file is refused in one line, in bounded memory, with nothing left behind', () => {
  it.each(ALL)('$file: $name ($from)', async ({ file, content, message }) => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, file), content())
    const before = process.memoryUsage()
    const err = await read(join(folder, file)).then(() => undefined, (failure: unknown) => failure)
    const after = process.memoryUsage()
    expect(err).toBeInstanceOf(DatasetError)
    expect((err as Error).message).toMatch(message)
    expect((err as Error).message).toContain(file)
    expect((err as Error).message).not.toMatch(/[\n\r]/)
    expect((err as Error).message.length).toBeLessThan(1_000)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * MIB)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(128 * MIB)
    expect(await readdir(folder)).toEqual([file])
  })

  it('sixty of them and more, twenty of them from public reports', () => {
    expect(new Set(ALL.map(({ file, name }) => `${file} ${name}`)).size).toBeGreaterThanOrEqual(60)
    expect(new Set(ALL.flatMap(({ from }) => from ?? [])).size).toBeGreaterThanOrEqual(20)
  })
})
