/**
 * The identity of a node: an Ed25519 key in a file that only its owner can read
 *
 * The file holds libp2p's protobuf encoding of the private key, so that other libp2p tools can read it.
 */
import '../../promise-with-resolvers.ts'
import { randomUUID } from 'node:crypto'
import { link, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { readKeyFile } from '../../key-file.ts'
import { makeFolder } from '../../make-folder.ts'
import { IdentityError } from '../../errors.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'

export const IDENTITY_FILE = 'identity.key'

const OWNER_ONLY = 0o600

function code (err: unknown): string {
  return (err as NodeJS.ErrnoException).code ?? String(err)
}

function parseKey (bytes: Uint8Array, file: string): PrivateKey {
  let key: PrivateKey
  try {
    key = privateKeyFromProtobuf(bytes)
  } catch (err) {
    throw new IdentityError(`${file} is damaged: it holds no private key; restore it from a backup, or move it away to start under a new identity`, { cause: err })
  }
  if (key.type !== 'Ed25519') {
    throw new IdentityError(`${file} holds a key of type ${key.type}, but only Ed25519 keys can sign updates; move it away to start under a new identity`)
  }
  return key
}

/** Resolves to undefined when there is no such file */
async function load (file: string): Promise<PrivateKey | undefined> {
  const bytes = await readKeyFile(file)
  return bytes === undefined ? undefined : parseKey(bytes, file)
}

/** Synced under another name, then linked: the file is there whole or not at all, and never replaces a key */
async function create (home: string, file: string): Promise<void> {
  const draft = join(home, `.${IDENTITY_FILE}.${randomUUID()}`)
  await makeFolder(home, { mode: 0o700 })
  const handle = await open(draft, 'wx', OWNER_ONLY)
  try {
    await handle.writeFile(privateKeyToProtobuf(await generateKeyPair('Ed25519')))
    await handle.sync()
    await handle.close()
    await link(draft, file)
  } finally {
    await handle.close()
    await unlink(draft)
  }
}

/** The key in `<home>/identity.key`; undefined when there is none. Throws IdentityError */
export async function loadIdentity (home: string): Promise<PrivateKey | undefined> {
  return load(join(home, IDENTITY_FILE))
}

/**
 * Moves the key aside, to `<home>/identity.key.<peer>`, where nothing uses it any more; returns that path
 *
 * Throws IdentityError when it cannot be moved
 */
export async function retireIdentity (home: string, peer: string): Promise<string> {
  const retired = join(home, `${IDENTITY_FILE}.${peer}`)
  try {
    await rename(join(home, IDENTITY_FILE), retired)
  } catch (err) {
    throw new IdentityError(`the key in ${home} cannot be moved aside (${code(err)}); check that the folder is writable`, { cause: err })
  }
  return retired
}

/**
 * The key in `<home>/identity.key`; made there, with mode 0600, when there is none
 *
 * Throws IdentityError when the file is open to other users, damaged, or cannot be read or made
 */
export async function loadOrCreateIdentity (home: string): Promise<PrivateKey> {
  const file = join(home, IDENTITY_FILE)
  const present = await load(file)
  if (present !== undefined) {
    return present
  }
  try {
    await create(home, file)
  } catch (err) {
    // another process may have been faster: its key is as good
    if (code(err) !== 'EEXIST') {
      throw new IdentityError(`${file} cannot be made (${code(err)}); check that ${home} is writable and its disk not full`, { cause: err })
    }
  }
  const made = await load(file)
  if (made === undefined) {
    throw new IdentityError(`${file} vanished after it was made; is another program cleaning ${home}?`)
  }
  return made
}

/** The peer whose key is in a home; made there when there is none. Throws as `loadOrCreateIdentity` */
export async function peerOfHome (home: string): Promise<PeerName> {
  return peerIdFromPrivateKey(await loadOrCreateIdentity(home)).toString()
}
