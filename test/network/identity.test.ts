import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IDENTITY_FILE, loadOrCreateIdentity } from '../../src/network/host/identity.ts'
import { failure } from '../../src/contracts/helpers.ts'

let home: string
let file: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'grapevine-identity-'))
  file = join(home, IDENTITY_FILE)
})

afterEach(async () => rm(home, { recursive: true, force: true }))

describe('loadOrCreateIdentity', () => {
  it('makes a key that only its owner can read, and finds it again', async () => {
    const made = await loadOrCreateIdentity(home)
    const found = await loadOrCreateIdentity(home)

    expect(found.equals(made)).toBe(true)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(home)).toEqual([IDENTITY_FILE])
  })

  it('gives all who start at the same instant the same key', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, async () => loadOrCreateIdentity(join(home, 'new'))))

    expect(new Set(keys.map((key) => Buffer.from(key.raw).toString('hex'))).size).toBe(1)
    expect(await readdir(join(home, 'new'))).toEqual([IDENTITY_FILE])
  })

  it('refuses a key that others can read, with the command that closes it', async () => {
    await loadOrCreateIdentity(home)
    await chmod(file, 0o640)

    expect(await failure(loadOrCreateIdentity(home))).toBe(`IdentityError: ${file} is open to other users (mode 0640); close it with: chmod 600 '${file}'`)
  })

  it.each([['empty', new Uint8Array(0)], ['garbage', new Uint8Array(68).fill(7)], ['far too long', new Uint8Array(4_096)]])('says that an %s key file is damaged', async (_, content) => {
    await writeFile(file, content, { mode: 0o600 })

    expect(await failure(loadOrCreateIdentity(home))).toMatch(/^IdentityError: .*identity\.key is damaged/)
  })

  it('refuses keys of another type', async () => {
    await writeFile(file, privateKeyToProtobuf(await generateKeyPair('secp256k1')), { mode: 0o600 })

    expect(await failure(loadOrCreateIdentity(home))).toMatch(/^IdentityError: .*secp256k1/)
  })

  it('says that a home cannot be written', async () => {
    await writeFile(join(home, 'file'), '')

    expect(await failure(loadOrCreateIdentity(join(home, 'file', 'below')))).toMatch(/^IdentityError: .*ENOTDIR/)
  })
})
