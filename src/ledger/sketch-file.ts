/**
 * `SKETCH` in a ledger's folder: by what its training set is recognised in part
 */
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import * as dagCbor from '@ipld/dag-cbor'
import * as z from 'zod'
import { HASH_BYTES, SKETCH_HASHES } from '../data/sketch.ts'
import { LedgerCorruptError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'
import { writeError } from './ledger-error.ts'
import { readIfThere, writeAside } from './private-file.ts'
import type { DatasetIdentity } from '../interface.ts'

const SKETCH_FILE = 'SKETCH'

/** Bytes of a hash in format 1, which begins with those that a hash has now and is ordered by them */
const OLD_HASH_BYTES = 16
const MAX_OLD_HASHES = 1024

const hashes = (width: number, most: number) => z.instanceof(Uint8Array).refine(({ length }) => length % width === 0 && length <= most * width)

const oldSchema = z.strictObject({ format: z.literal(1), complete: z.boolean(), hashes: hashes(OLD_HASH_BYTES, MAX_OLD_HASHES) })
const sketch = { complete: z.boolean(), hashes: hashes(HASH_BYTES, SKETCH_HASHES) }
const schema = z.strictObject({ format: z.literal(2), ...sketch, former: z.strictObject({ fingerprint: z.string(), sketch: z.strictObject(sketch) }).optional() })

function shortened (bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: bytes.length / OLD_HASH_BYTES * HASH_BYTES }, (_, i) => bytes[Math.floor(i / HASH_BYTES) * OLD_HASH_BYTES + i % HASH_BYTES]!)
}

/** What lies beside a ledger: the fingerprint is the folder's name */
export type KeptIdentity = Omit<DatasetIdentity, 'fingerprint'>

function decode (bytes: Uint8Array): KeptIdentity {
  const read = z.union([schema, oldSchema]).parse(dagCbor.decode(bytes))
  const { complete, hashes } = read
  return read.format === 1 ? { sketch: { complete, hashes: shortened(hashes) } } : { sketch: { complete, hashes }, former: read.former }
}

/** Puts the sketches beside their ledger, which must be locked by this process. Throws LedgerWriteError */
export async function keepIdentity (root: string, { fingerprint, sketch: { complete, hashes }, former }: DatasetIdentity): Promise<void> {
  const folder = join(root, fingerprint)
  const file = join(folder, SKETCH_FILE)
  const bytes = dagCbor.encode({ format: 2, complete, hashes, ...(former === undefined ? {} : { former }) })
  if ((await readIfThere(file))?.equals(bytes) === true) {
    return
  }
  try {
    await makeFolder(folder, { mode: 0o700 })
    await rename(await writeAside(file, bytes), file)
  } catch (err) {
    throw writeError(folder, err)
  }
}

/** Undefined for a ledger that has none. Throws LedgerCorruptError, LedgerWriteError */
export async function readIdentity (root: string, fingerprint: string): Promise<KeptIdentity | undefined> {
  const file = join(root, fingerprint, SKETCH_FILE)
  const bytes = await readIfThere(file)
  if (bytes === undefined) {
    return undefined
  }
  try {
    return decode(bytes)
  } catch (err) {
    throw new LedgerCorruptError(`the sketch ${file} is damaged: start a peer on its data, which writes it again. Where they are gone, delete it: what was spent on them is then not counted any more for other data that share examples with them, but where a home remembers it`, { cause: err })
  }
}
