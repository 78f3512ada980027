/**
 * Reads examples without labels from whatever file or folder they lie in
 */
import { open, stat } from 'node:fs/promises'
import { DatasetError } from '../errors.ts'
import { formatOf } from './data-formats.ts'
import { beginsAs, SIGNATURE_BYTES } from './signatures.ts'
import { isJsonLines } from './table-file.ts'
import { unreadable } from './unreadable.ts'
import type { DatasetSource } from '../interface.ts'
import type { InputSource, TakeInputs } from './data-format.ts'
import type { Model } from './examples.ts'

/** What a source looks like from outside */
export interface Look {
  /** What the model takes */
  takes: Model['input']['kind']
  isFolder: boolean
  /** The first bytes of a file; none of a folder, and of standard input, of which nothing is read twice */
  head: Uint8Array
  isJson: boolean
  isNpz: boolean
}

/** The first that fits reads the source */
const FORMATS: ReadonlyArray<{ kind: DatasetSource['kind'], fits: (look: Look) => boolean }> = [
  { kind: 'text', fits: ({ takes }) => takes === 'text' },
  { kind: 'npy', fits: ({ isNpz, head }) => beginsAs('npy', head) || (isNpz && beginsAs('zip', head)) },
  { kind: 'images', fits: ({ takes, isFolder, head }) => takes === 'image' && (isFolder || isPicture(head)) },
  { kind: 'parquet', fits: ({ takes, isFolder, head }) => takes === 'table' && (isFolder || beginsAs('parquet', head)) },
  { kind: 'jsonl', fits: ({ takes, isFolder, isJson }) => takes === 'table' && !isFolder && isJson },
  { kind: 'idx', fits: ({ takes, isFolder }) => takes === 'image' && !isFolder },
  { kind: 'csv', fits: ({ takes, isFolder }) => takes === 'table' && !isFolder }
]

function isPicture (head: Uint8Array): boolean {
  return beginsAs('png', head) || beginsAs('jpeg', head)
}

/**
 * Hands over the examples of a file or folder, or of standard input, batch by batch, prepared as the document says
 *
 * Resolves to their number. Throws DatasetError when they cannot be read or do not fit the model, and whatever `take`
 * throws
 */
export async function readInputs (source: InputSource, model: Model, take: TakeInputs): Promise<number> {
  const look = { takes: model.input.kind, ...(source.bytes === undefined ? await lookAt(source.path) : { isFolder: false, head: new Uint8Array(), isJson: false, isNpz: false }) }
  const found = FORMATS.find(({ fits }) => fits(look))
  const format = found === undefined ? undefined : await formatOf(found.kind)
  if (format?.inputs === undefined) {
    throw new DatasetError(`${source.path} cannot be read as ${look.takes === 'table' ? 'a table; give a CSV, Parquet, JSON Lines or NPY file' : 'pictures; give PNG or JPEG files, a folder of them, or an IDX or NPY file'}`)
  }
  refuseDialect(found!.kind, source)
  return format.inputs(source, model, take)
}

/** What is ignored in silence would be taken for done */
function refuseDialect (kind: DatasetSource['kind'], { path, separator, decimal }: InputSource): void {
  if (decimal !== undefined && kind !== 'csv') {
    throw new DatasetError(`${path}: only CSV files can have --decimal; leave it out`)
  }
  if (separator !== undefined && kind !== 'csv' && kind !== 'text') {
    throw new DatasetError(`${path}: only CSV files and tables of texts can have --separator; leave it out`)
  }
}

async function lookAt (path: string): Promise<Omit<Look, 'takes'>> {
  try {
    const stats = await stat(path)
    // a pipe gives its bytes once
    return { isFolder: stats.isDirectory(), head: stats.isFile() ? await firstBytes(path) : new Uint8Array(), isJson: await isJsonLines(path), isNpz: path.endsWith('.npz') }
  } catch (err) {
    throw unreadable(path, err)
  }
}

async function firstBytes (path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
