/**
 * The keys with which a voter signs its ballots: one for each epoch, in a file of its own that only its owner can read
 *
 * Never replaced, because ballots of two keys for one epoch would be those of a liar; deleted when the next epoch
 * stands, so that nobody who takes the machine later can vote in an earlier one.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, randomUUID } from 'node:crypto'
import { link, open, readdir, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { IdentityError } from '../errors.ts'
import { readKeyFile } from '../key-file.ts'
import { makeFolder } from '../make-folder.ts'
import type { KeyObject } from 'node:crypto'
import type { Voter } from '../governance/governance-interface.ts'
import type { VotingKeys } from '../governor/governor-interface.ts'

const OWNER_ONLY = 0o600
const FILE = /^voting\.(\d{1,10})\.key$/

/** Where the key of an epoch lies */
export function votingKeyFile (home: string, epoch: number): string {
  return join(home, `voting.${epoch}.key`)
}

/**
 * The public half of this home's voting key for an epoch; the key is made when there is none
 *
 * Throws IdentityError when the file is open to other users, damaged, or cannot be read or made
 */
export async function createVotingKey (home: string, epoch: number): Promise<Voter['votingKey']> {
  const file = votingKeyFile(home, epoch)
  const present = await loadVotingKey(home, epoch)
  if (present !== undefined) {
    return votingKeyOf(present)
  }
  try {
    await create(home, file)
  } catch (err) {
    // another process may have been faster: its key is as good
    if (code(err) !== 'EEXIST') {
      throw new IdentityError(`${file} cannot be made (${code(err)}); check that ${home} is writable and its disk not full`, { cause: err })
    }
  }
  const made = await loadVotingKey(home, epoch)
  if (made === undefined) {
    throw new IdentityError(`${file} vanished after it was made; is another program cleaning ${home}?`)
  }
  return votingKeyOf(made)
}

/**
 * The private voting key of an epoch; undefined when this home has none
 *
 * Throws IdentityError when the file is open to other users, damaged, or cannot be read
 */
export async function loadVotingKey (home: string, epoch: number): Promise<KeyObject | undefined> {
  const file = votingKeyFile(home, epoch)
  const bytes = await readKeyFile(file)
  return bytes === undefined ? undefined : parseKey(bytes, file)
}

/** Epochs for which this home has a voting key, ascending */
async function epochsOf (home: string): Promise<number[]> {
  return (await readdir(home)).flatMap((name) => FILE.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
}

/**
 * Deletes the keys of epochs before `olderThan`, but for those in `kept` (public halves); resolves to their epochs
 *
 * Throws IdentityError when one stays
 */
export async function deleteVotingKeys (home: string, olderThan: number, kept: ReadonlySet<string> = new Set()): Promise<number[]> {
  const deleted: number[] = []
  for (const epoch of (await epochsOf(home)).filter((candidate) => candidate < olderThan)) {
    const key = await loadVotingKey(home, epoch)
    if (key !== undefined && kept.has(votingKeyOf(key))) {
      continue
    }
    const name = votingKeyFile(home, epoch)
    try {
      await rm(name, { force: true })
      deleted.push(epoch)
    } catch (err) {
      throw new IdentityError(`${name}, a voting key of an earlier epoch, cannot be deleted (${code(err)}): whoever gets it could vote in that epoch; delete it by hand`, { cause: err })
    }
  }
  return deleted
}

/** The voting keys of a home, as a governor wants them */
export function votingKeysOf (home: string): VotingKeys {
  return {
    create: async (epoch) => createVotingKey(home, epoch),
    load: async () => {
      const keys = new Map<string, { epoch: number, privateKey: KeyObject }>()
      for (const epoch of await epochsOf(home)) {
        const privateKey = await loadVotingKey(home, epoch)
        privateKey === undefined || keys.set(votingKeyOf(privateKey), { epoch, privateKey })
      }
      return keys
    },
    deleteBefore: async (epoch, kept) => deleteVotingKeys(home, epoch, kept)
  }
}

/** Raw public key, in hex */
export function votingKeyOf (key: KeyObject): Voter['votingKey'] {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.from(x, 'base64url').toString('hex')
}

function parseKey (bytes: Uint8Array, file: string): KeyObject {
  let key: KeyObject | undefined
  let cause: unknown
  try {
    key = createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' })
  } catch (err) {
    cause = err
  }
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new IdentityError(`${file} is damaged: it holds no Ed25519 private key; restore it from a backup. Without it this peer abstains until the voters change`, { cause })
  }
  return key
}

/** Synced under another name, then linked: the file is there whole or not at all, and never replaces a key */
async function create (home: string, file: string): Promise<void> {
  const draft = join(home, `.voting.key.${randomUUID()}`)
  await makeFolder(home, { mode: 0o700 })
  const handle = await open(draft, 'wx', OWNER_ONLY)
  try {
    const { privateKey } = await promisify(generateKeyPair)('ed25519')
    await handle.writeFile(privateKey.export({ format: 'der', type: 'pkcs8' }))
    await handle.sync()
    await handle.close()
    await link(draft, file)
  } finally {
    await handle.close()
    await unlink(draft)
  }
}

function code (err: unknown): string {
  return (err as NodeJS.ErrnoException).code ?? String(err)
}
