/**
 * `HOME/privacy.json`: which dataset the peer of a home trains on, where the ledger of that is, and how far it was
 *
 * Written before the ledger is opened, so that a budget can be looked into, and a damaged or older ledger be dealt
 * with, while the peer does not run and without a training backend. A fingerprint tells whoever has the same data that
 * this peer has them too: only the owner may read the file.
 */
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { KnownHeads } from './known-heads.ts'

const DATASET_RECORD_FILE = 'privacy.json'

const head = { index: z.int().min(-1), hash: z.string().regex(/^[0-9a-f]{64}$/) }
const knownHead = z.strictObject({
  ...head,
  earlier: z.array(z.strictObject(head)).optional(),
  counted: z.strictObject({ fingerprint: z.string(), share: z.number() }).optional()
})

const schema = z.object({
  format: z.literal(1),
  federation: z.string().min(1),
  peer: z.string().min(1),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  examples: z.int().min(1),
  ledgers: z.string().min(1),
  heads: z.record(z.string().regex(/^[0-9a-f]{64}$/), knownHead).optional()
})

export interface DatasetRecord {
  /** CID of the federation's document */
  federation: string
  /** Peer id */
  peer: string
  /** Of the training set: sha-256, hex */
  fingerprint: string
  /** Examples of the training set */
  examples: number
  /** Folder of all ledgers of this user */
  ledgers: string
  /** Where the ledgers that count for it stood when this home looked or charged last; see known-heads.ts */
  heads?: KnownHeads | undefined
}

/** Replaces what an earlier start left, as a whole. Throws the file system's errors */
export async function writeDatasetRecord (home: string, { federation, peer, fingerprint, examples, ledgers, heads }: DatasetRecord): Promise<void> {
  const path = join(home, DATASET_RECORD_FILE)
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ format: 1, federation, peer, fingerprint, examples, ledgers, heads }, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/**
 * Undefined when the peer never trained with a privacy mechanism, or the file is not one of ours: the next start writes
 * it again
 */
export async function readDatasetRecord (home: string): Promise<DatasetRecord | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(join(home, DATASET_RECORD_FILE), 'utf8'))
  } catch (err) {
    if (err instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(String((err as NodeJS.ErrnoException).code))) {
      return undefined
    }
    throw err
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    return undefined
  }
  const { format: _format, ...record } = parsed.data
  return record
}
