/**
 * The folder of all ledgers of a user: which there are, and which of them belong to data that overlap
 *
 * `root`/`fingerprint` is a ledger; SKETCH in it is its training set's sketch (sketch-file.ts); `root`/SECRET is the
 * key of all sketches. A ledger's folder alone, copied for an audit, therefore tells nobody whether an example is in
 * the set.
 */
import { randomBytes } from 'node:crypto'
import { link, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { overlap, SECRET_BYTES } from '../data/sketch.ts'
import { LedgerCorruptError } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'
import { readError, writeError } from './ledger-error.ts'
import { isCode, readIfThere, writeAside } from './private-file.ts'
import { readIdentity } from './sketch-file.ts'
import type { DatasetIdentity } from '../interface.ts'
import type { Sketch } from '../interface.ts'

const SECRET_FILE = 'SECRET'
const FINGERPRINT = /^[0-9a-f]{64}$/

/**
 * Sets that share this much of the smaller one share a budget. A common hash is a common example, never chance; the
 * bound is there because a few rows alike (an empty image, a form without entries) do not make two sets the same
 * people's. Of two sets of one size, however large, 1.5 % in common are noticed but for one time in 10^6; of one ten
 * times the other's size, 2 % in 998 times of 1,000; of one a hundred times the other's size, 5 % in 99 of 100
 */
const DEFAULT_MINIMUM_SHARE = 0.01

/** The first of several processes decides */
async function createSecret (root: string): Promise<void> {
  const file = join(root, SECRET_FILE)
  try {
    await makeFolder(root, { mode: 0o700 })
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
 * The key of this user's sketches, undefined where there is none yet. Nothing is made. Throws LedgerWriteError when it
 * cannot be read
 */
export async function knownSecret (root: string): Promise<Uint8Array | undefined> {
  try {
    return await readIfThere(join(root, SECRET_FILE))
  } catch (err) {
    throw readError(root, err)
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

/**
 * Fingerprints of all ledgers, ascending; none when the folder does not exist. Throws LedgerWriteError when it cannot
 * be read
 */
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
  /** Report from this share on. @default 0.01 */
  minimumShare?: number
}

/**
 * Most that any two of the names of two sets have in common. A set that has no former name may be one of that time, so
 * that today's name of the one is compared with the former one of the other. By the former of both, a table is known
 * again in which only changed what a document does not take: a number of the row, a date, one column more
 */
function shareOf (own: DatasetIdentity, other: DatasetIdentity): number {
  if (own.former?.fingerprint === other.fingerprint || other.former?.fingerprint === own.fingerprint) {
    return 1
  }
  const pairs: Array<[Sketch | undefined, Sketch | undefined]> = [[own.sketch, other.sketch], [own.former?.sketch, other.sketch], [own.sketch, other.former?.sketch], [own.former?.sketch, other.former?.sketch]]
  return Math.max(...pairs.map(([a, b]) => a === undefined || b === undefined ? 0 : overlap(a, b)))
}

/** For a ledger without a sketch only its name can be compared */
const NO_SKETCH: Sketch = { hashes: new Uint8Array(0), complete: true }

/**
 * Ledgers of other training sets that share examples with this one, most similar first
 *
 * Their locks are not asked: they may be in use. Throws LedgerCorruptError, LedgerWriteError when a sketch cannot be
 * read
 */
export async function similarLedgers (root: string, own: DatasetIdentity, { minimumShare = DEFAULT_MINIMUM_SHARE }: SimilarLedgersOptions = {}): Promise<SimilarLedger[]> {
  const similar: SimilarLedger[] = []
  for (const fingerprint of (await listLedgers(root)).filter((name) => name !== own.fingerprint)) {
    const other = await readIdentity(root, fingerprint) ?? { sketch: NO_SKETCH }
    const share = shareOf(own, { ...other, fingerprint })
    if (share > 0 && share >= minimumShare) {
      similar.push({ fingerprint, share })
    }
  }
  return similar.sort((a, b) => b.share - a.share)
}
