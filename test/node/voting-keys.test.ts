import { sign, verify, createPublicKey } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createVotingKey, deleteVotingKeys, loadVotingKey, votingKeyFile, votingKeyOf } from '../../src/node/voting-keys.ts'

let home: string

beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'gv-voting-')) })
afterEach(async () => { await rm(home, { recursive: true }) })

/** From the raw public key that a document holds */
function publicKey (hex: string): ReturnType<typeof createPublicKey> {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') }, format: 'jwk' })
}

describe('a voting key', () => {
  it('signs what its public half, as the document holds it, proves', async () => {
    const shown = await createVotingKey(home, 0)
    expect(shown).toMatch(/^[0-9a-f]{64}$/)
    const key = (await loadVotingKey(home, 0))!
    expect(votingKeyOf(key)).toBe(shown)
    const ballot = Buffer.from('ballot')
    expect(verify(null, ballot, publicKey(shown), sign(null, ballot, key))).toBe(true)
  })

  it('is made once, also where several make it at a time, and lies where only its owner reads it', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, async () => createVotingKey(home, 3)))
    expect(new Set(made).size).toBe(1)
    expect((await stat(votingKeyFile(home, 3))).mode & 0o777).toBe(0o600)
    expect(await readdir(home)).toEqual(['voting.3.key'])
  })

  it('is another one in each epoch, and there is none before it is made', async () => {
    expect(await loadVotingKey(home, 0)).toBeUndefined()
    expect(await createVotingKey(home, 0)).not.toBe(await createVotingKey(home, 1))
  })

  it('is deleted with those of all epochs before one, and nothing else is', async () => {
    for (const epoch of [0, 2, 10]) {
      await createVotingKey(home, epoch)
    }
    await writeFile(join(home, 'voting.key'), '')
    await deleteVotingKeys(home, 10)
    expect((await readdir(home)).toSorted()).toEqual(['voting.10.key', 'voting.key'])
    await deleteVotingKeys(home, 10)
    expect(await loadVotingKey(home, 10)).toBeDefined()
  })

  it.each([['nothing', ''], ['no key', 'nonsense'], ['a large file', 'x'.repeat(100_000)]])('is not replaced where its file holds %s', async (_, text) => {
    await writeFile(votingKeyFile(home, 0), text, { mode: 0o600 })
    await expect(createVotingKey(home, 0)).rejects.toMatchObject({ name: 'IdentityError', reason: 'damaged' })
    expect(await readFile(votingKeyFile(home, 0), 'utf8')).toBe(text)
  })

  it.skipIf(process.platform === 'win32')('is not used where others can read it', async () => {
    await createVotingKey(home, 0)
    await chmod(votingKeyFile(home, 0), 0o644)
    await expect(loadVotingKey(home, 0)).rejects.toMatchObject({ name: 'IdentityError', reason: 'open-to-others' })
  })
})
