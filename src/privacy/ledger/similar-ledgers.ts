/**
 * The folder of all ledgers of a user: which there are, and which of them belong to nearly the same data
 *
 * `root`/`fingerprint` is a ledger; SKETCH in it is its training set's sketch; `root`/SECRET is the key of all
 * sketches. A ledger's folder alone, copied for an audit, therefore tells nobody whether an example is in the set.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as dagCbor from '@ipld/dag-cbor'
import { z } from 'zod'
import { LedgerCorruptError } from '../../errors.ts'
import { readError, writeError } from './ledger-error.ts'
import { HASH_BYTES, overlap, SECRET_BYTES, SKETCH_HASHES } from './sketch.ts'
import type { Sketch } from './sketch.ts'

const SECRET_FILE = 'SECRET'
const SKETCH_FILE = 'SKETCH'
const FINGERPRINT = /^[0-9a-f]{64}$/
const DEFAULT_MINIMUM_SHARE = 0.5

const sketchSchema = z.strictObject({
  format: z.literal(1),
  complete: z.boolean(),
  hashes: z.instanceof(Uint8Array).refine(({ length }) => length % HASH_BYTES === 0 && length <= SKETCH_HASHES * HASH_BYTES)
})

function isCode (err: unknown, code: string): boolean {
  return err instanceof Error && 'code' in err && err.code === code
}

/** Undefined when there is no such file */
async function readIfThere (file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (err) {
    if (isCode(err, 'ENOENT')) {
      return undefined
    }
    throw readError(file, err)
  }
}

/** A new file of another name, synced, for this user only */
async function writeAside (file: string, bytes: Uint8Array): Promise<string> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  const handle = await open(aside, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return aside
}

/** The first of several processes decides */
async function createSecret (root: string): Promise<void> {
  const file = join(root, SECRET_FILE)
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    const aside = await writeAside(file, randomBytes(SECRET_BYTES))
    try {
      await link(aside, file)
    } catch (err) {
      if (!isCode(err, 'EEXIST')) {
        throw err
      }
    } finally {
      await rm(aside)
    }
  } catch (err) {
    throw writeError(root, err)
  }
}

/**
 * The key of this user's sketches, SECRET_BYTES bytes; made on first use. Without it, old sketches fit no new ones
 *
 * Throws LedgerCorruptError when the file has another length, LedgerWriteError
 */
export async function ledgerSecret (root: string): Promise<Uint8Array> {
  const file = join(root, SECRET_FILE)
  let secret = await readIfThere(file)
  if (secret === undefined) {
    await createSecret(root)
    secret = await readIfThere(file)
  }
  if (secret?.length !== SECRET_BYTES) {
    throw new LedgerCorruptError(`the key of the sketches, ${file}, is damaged: restore it from a copy, or delete it; ledgers then recognise similar data again once each was opened`)
  }
  return secret
}

/** Puts the sketch beside its ledger, which must be locked by this process. Throws LedgerWriteError */
export async function keepSketch (root: string, fingerprint: string, { hashes, complete }: Sketch): Promise<void> {
  const folder = join(root, fingerprint)
  const file = join(folder, SKETCH_FILE)
  const bytes = dagCbor.encode({ format: 1, complete, hashes })
  if ((await readIfThere(file))?.equals(bytes) === true) {
    return
  }
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rename(await writeAside(file, bytes), file)
  } catch (err) {
    throw writeError(folder, err)
  }
}

/** Undefined for a ledger that has none */
async function readSketch (root: string, fingerprint: string): Promise<Sketch | undefined> {
  const file = join(root, fingerprint, SKETCH_FILE)
  const bytes = await readIfThere(file)
  if (bytes === undefined) {
    return undefined
  }
  try {
    return sketchSchema.parse(dagCbor.decode(bytes))
  } catch (err) {
    throw new LedgerCorruptError(`the sketch ${file} is damaged: delete it; it is written again when its ledger is opened`, { cause: err })
  }
}

/** Fingerprints of all ledgers, ascending; none when the folder does not exist. Throws LedgerWriteError when it cannot be read */
export async function listLedgers (root: string): Promise<string[]> {
  try {
    return (await readdir(root)).filter((name) => FINGERPRINT.test(name)).sort()
  } catch (err) {
    if (isCode(err, 'ENOENT')) {
      return []
    }
    throw readError(root, err)
  }
}

/** The share is that of `overlap`: of the smaller set's distinct examples, 0 to 1 */
export interface SimilarLedger {
  fingerprint: string
  share: number
}

export interface SimilarLedgersOptions {
  /** The fingerprint of the own ledger, which is not reported */
  except?: string
  /** Report from this share on. @default 0.5 */
  minimumShare?: number
}

/**
 * Ledgers of other training sets that share much with the one of this sketch, most similar first
 *
 * Their locks are not asked: they may be in use. Throws LedgerCorruptError, LedgerWriteError when a sketch cannot be read
 */
export async function similarLedgers (root: string, sketch: Sketch, { except, minimumShare = DEFAULT_MINIMUM_SHARE }: SimilarLedgersOptions = {}): Promise<SimilarLedger[]> {
  const similar: SimilarLedger[] = []
  for (const fingerprint of (await listLedgers(root)).filter((name) => name !== except)) {
    const other = await readSketch(root, fingerprint)
    const share = other === undefined ? 0 : overlap(sketch, other)
    if (share > 0 && share >= minimumShare) {
      similar.push({ fingerprint, share })
    }
  }
  return similar.sort((a, b) => b.share - a.share)
}
