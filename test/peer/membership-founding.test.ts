/**
 * Who may take part in a federation that `init` founds. Run `npm run build` first, as `npm test` does
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parsedLife } from '../../peer/membership-settings.ts'
import { fitting, selected } from '../../peer/peer-selector.ts'
import { setting } from '../../peer/settings.ts'
import { peerOfHome } from '../../src/network/host/identity.ts'
import { loadVotingKey, votingKeyOf } from '../../src/node/voting-keys.ts'
import { presetDocument } from '../../src/presets.ts'
import { peerName } from './fake-governance.ts'
import { run } from './program.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Outcome } from './program.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 120_000 })

let folder: string
let home: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-founding-'))
  home = join(folder, 'peer')
  await writeFile(join(folder, 'rows.csv'), `age,ill\n${'50,no\n60,yes\n'.repeat(20)}`)
})
afterEach(async () => { await rm(folder, { recursive: true }) })

async function init (...flags: string[]): Promise<Outcome> {
  return run(['init', '--home', home, '--backend', 'wasm', ...flags])
}

async function initFromData (...flags: string[]): Promise<Outcome> {
  return init('--data', `csv:${join(folder, 'rows.csv')}`, ...flags)
}

async function founded (): Promise<FederationDocument> {
  return JSON.parse(await readFile(join(home, 'federation.json'), 'utf8')) as FederationDocument
}

describe('a federation that is founded from data', () => {
  it('is invited, with its founder as the only voter, whose keys stay at home', async () => {
    const { exit, stdout, stderr } = await initFromData()
    expect(stderr).not.toContain('error')
    expect(exit).toBe(0)
    const { format, membership } = await founded()
    expect(format).toBe(2)
    const key = (await loadVotingKey(home, 0))!
    expect(membership).toEqual({ admission: 'invited', voters: [{ peer: await peerOfHome(home), votingKey: votingKeyOf(key) }], guestsPerMember: 8, certificateDays: 365 })
    expect((await stat(join(home, 'voting.0.key'))).mode & 0o777).toBe(0o600)
    expect(stdout).toContain('at first: 1 voter, who decides alone')
    expect(stdout).toContain('the document tells the id and the public voting key of its voter to whoever reads it')
    expect(stdout).toMatch(/Next: grapevine start --home \S+\n {6}grapevine invite --name NAME --home \S+ .*\n/)
    expect((await run(['document', 'explain', home])).stdout).toMatch(/Membership {2}invited: .*\n.*each member may invite 8 guests/)
    expect((await run(['document', 'check', join(home, 'federation.json')])).exit).toBe(0)
  })

  it('is open where its founder says so, and has a document of the first format then', async () => {
    const { exit, stdout } = await initFromData('--membership', 'open')
    expect(exit).toBe(0)
    expect(await founded()).toMatchObject({ format: 1 })
    expect(await founded()).not.toHaveProperty('membership')
    expect(existsSync(join(home, 'voting.0.key'))).toBe(false)
    expect(stdout).toContain('Membership  open: whoever connects takes part')
    expect(stdout).not.toContain('grapevine invite')
  })

  it('has the limits that its founder gives', async () => {
    const { stdout } = await initFromData('--guests', '0', '--certificate-days', '30', '--json')
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ type: 'init', membership: { admission: 'invited', guestsPerMember: 0, certificateDays: 30 } })
    expect(await founded()).toMatchObject({ membership: { guestsPerMember: 0, certificateDays: 30 } })
  })
})

describe('a preset', () => {
  it('is open, and invited where its founder says so', async () => {
    expect((await init('--preset', 'digits')).exit).toBe(0)
    expect(await founded()).not.toHaveProperty('membership')
    home = join(folder, 'other')
    expect((await init('--preset', 'digits', '--membership', 'invited')).exit).toBe(0)
    expect(await founded()).toMatchObject({ format: 2, name: 'digits', membership: { admission: 'invited' } })
  })
})

describe('a document in a file', () => {
  const voter = { peer: '12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ', votingKey: 'ab'.repeat(32) }
  const invited = { ...presetDocument('digits'), format: 2, membership: { admission: 'invited', voters: [voter], guestsPerMember: 2, certificateDays: 9 } }
  let file: string

  beforeEach(() => { file = join(folder, 'document.json') })

  it('says itself who decides: it is founded as it stands, with a warning where that is somebody else', async () => {
    await writeFile(file, JSON.stringify(invited))
    const { exit, stderr, stdout } = await init('--federation', file)
    expect(exit).toBe(0)
    expect((await founded()).membership).toEqual(invited.membership)
    expect(stderr).toMatch(/warning: this peer, 12D3KooW\w+, is none of the voters that the document names/)
    expect(stdout).not.toContain('grapevine invite --name')
  })

  it('is open without a word, and the flag adds one', async () => {
    await writeFile(file, JSON.stringify(presetDocument('digits')))
    expect((await init('--federation', file, '--membership', 'invited')).exit).toBe(0)
    expect((await founded()).membership?.voters).toHaveLength(1)
  })

  it.each<[string, unknown, string[], string]>([
    ['an open one of an invited one', invited, ['--membership', 'open'], 'take "membership" out of it'],
    ['other limits of an invited one', invited, ['--guests', '3'], '--guests is in the document that was named already'],
    ['limits of an open one', presetDocument('digits'), ['--certificate-days', '3'], '--certificate-days is for a federation whose members are invited']
  ])('is not changed by flags to %s', async (_, document, flags, says) => {
    await writeFile(file, JSON.stringify(document))
    const { exit, stderr } = await init('--federation', file, ...flags)
    expect(exit).toBe(2)
    expect(stderr).toContain(says)
    expect(existsSync(home)).toBe(false)
  })

  it('is nothing that a peer which joins could change', async () => {
    const { exit, stderr } = await init('--bootstrap', `/ip4/127.0.0.1/tcp/9/p2p/${voter.peer}`, '--membership', 'invited')
    expect(exit).toBe(2)
    expect(stderr).toContain('--membership is for a new federation only')
    expect(existsSync(home)).toBe(false)
  })
})

describe('what people type', () => {
  it.each([['1m', 60_000], ['30m', 1_800_000], ['12h', 43_200_000], ['7d', 604_800_000], ['365d', 31_536_000_000], ['525600m', 31_536_000_000]])('%s is a time', (text, lifeMs) => {
    expect(parsedLife(text)).toBe(lifeMs)
  })

  it.each(['', '0m', '7', 'd', '366d', '8761h', '99999999999d', '1.5h', '-1d', '7 d', '7D', '1w'])('"%s" is none', (text) => {
    expect(parsedLife(text)).toBeUndefined()
  })

  it.each(['clinic-b', 'Klinik Süd 2', 'x', 'site.example_1'])('%s is a name', async (text) => {
    expect(setting('name').schema(await import('../../peer/checks.ts')).safeParse(text).success).toBe(true)
  })

  it.each(['', ' ', 'a ', 'ana@site', '-b', 'a\nb', 'a\u001b[2J', 'a\u202eb', 'n'.repeat(65)])('%j is none', async (text) => {
    expect(setting('name').schema(await import('../../peer/checks.ts')).safeParse(text).success).toBe(false)
  })

  it('names a peer by a beginning, an end or both, if that is enough', () => {
    const [a, b] = [{ id: peerName('aaaa1') }, { id: peerName('bbbb1') }]
    for (const selector of ['aaaa1', a.id, '12D3KooW…aaaa1', `…${a.id.slice(-6)}`]) {
      expect(selected(selector, [a, b, a], 'peer'), selector).toBe(a)
    }
    for (const selector of ['', 'a1', '12D3KooW', '12D3', '…', '…1', 'cccc1', '12D3KooW…aaaa1…']) {
      expect(fitting(selector, [a, b]), selector).toEqual([])
    }
    expect(() => selected('xxxx', [a, b], 'peer')).toThrow('"xxxx" fits 2 peers: 12D3KooW…aaaa1, 12D3KooW…bbbb1; give more of the id')
    expect(() => selected(a.id.slice(0, 30), [a, b], 'peer')).toThrow('fits 2 peers')
  })
})
