/**
 * What `grapevine join` is given, and what it says before it dials anybody. Run `npm run build` first
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkedInvitation, tokenText } from '../../peer/invitation.ts'
import { logNode } from '../../peer/node-log.ts'
import { Terminal } from '../../peer/terminal.ts'
import { encodeToken } from '../../src/governance/token.ts'
import { loadOrCreateIdentity } from '../../src/network/host/identity.ts'
import { presetDocument } from '../../src/presets.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { decision, FakeGovernance, GUEST, SELF } from './fake-governance.ts'
import { FakeNode } from './fake-node.ts'
import { cleanEnvironment, PROGRAM, run } from './program.ts'
import type { Outcome } from './program.ts'
import type { InvitationToken } from '../../src/governance/governance-interface.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 120_000 })

const FEDERATION = 'bafyreiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354'
const QUIET = { warn: (): void => {}, note: (): void => {} }

let folder: string
let home: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-invitation-'))
  home = join(folder, 'peer')
})
afterEach(async () => { await rm(folder, { recursive: true }) })

/** Of the inviter whose home is named */
async function token (more: Partial<InvitationToken> = {}, inviterHome = join(folder, 'inviter')): Promise<string> {
  const key = await loadOrCreateIdentity(inviterHome)
  const inviter = peerIdFromPrivateKey(key).toString()
  return encodeToken({ peer: inviter, sign: async (bytes) => key.sign(bytes) }, {
    federation: FEDERATION,
    inviter,
    jti: new Uint8Array(16).fill(1),
    secret: new Uint8Array(32).fill(2),
    // a free port of nobody: refused at once
    addresses: [`/ip4/127.0.0.1/tcp/9/p2p/${inviter}`],
    issuedAt: Date.now() - 7_200_000,
    expiresAt: Date.now() + 86_400_000,
    approve: false,
    ...more
  })
}

function stdinOf (...pieces: string[]): NodeJS.ReadStream {
  const stream = new PassThrough()
  pieces.forEach((piece) => stream.write(piece))
  return stream as unknown as NodeJS.ReadStream
}

describe('a token', () => {
  it('is read from an argument with a warning, from a file, or from a line of standard input that need not end', async () => {
    const text = await token()
    const warned: string[] = []
    expect(await tokenText(text, { terminal: { ...QUIET, warn: (line: string) => { warned.push(line) } } })).toBe(text)
    expect(warned).toEqual([expect.stringContaining('list of processes')])
    await writeFile(join(folder, 'clinic.invite'), `\n  ${text} \r\n`)
    expect(await tokenText(join(folder, 'clinic.invite'), { terminal: QUIET })).toBe(text)
    // as a mail wraps it
    await writeFile(join(folder, 'wrapped.invite'), text.replace(/.{76}/g, '$&\r\n'))
    const wrapped = await tokenText(join(folder, 'wrapped.invite'), { terminal: QUIET })
    expect(await checkedInvitation(wrapped!, { home, federationId: undefined, nowMs: Date.now() })).toMatchObject({ token: { federation: FEDERATION } })
    expect(await tokenText('-', { terminal: QUIET, stdin: stdinOf('\n', text.slice(0, 30), text.slice(30), '\nmore') })).toBe(text)
  })

  it.each(['/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ', '/dns4/site.example/tcp/1', 'nonsense', '/tmp'])('is none where %s is given', async (argument) => {
    expect(await tokenText(argument, { terminal: QUIET })).toBeUndefined()
  })

  it.each([['nothing', ''], ['other words', 'invite me'], ['the JSON line of invite', '{"token":"gv1_x"}'], ['a film', 'x'.repeat(100_000)]])('is not found in a file that holds %s', async (_, text) => {
    const file = join(folder, 'file')
    await writeFile(file, text)
    await expect(tokenText(file, { terminal: QUIET })).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining('no token') as string })
  })

  it('is checked against the home and the wanted federation', async () => {
    const nowMs = Date.now()
    const { token: read } = await checkedInvitation(await token(), { home, federationId: FEDERATION, nowMs })
    expect(read).toMatchObject({ federation: FEDERATION, approve: false })
    await expect(checkedInvitation(await token(), { home, federationId: 'bafyother', nowMs })).rejects.toMatchObject({ name: 'InvitationError', reason: 'wrong-federation' })
    await expect(checkedInvitation(await token({}, home), { home, federationId: undefined, nowMs })).rejects.toMatchObject({ name: 'InvitationError', reason: 'own' })
  })
})

describe('grapevine join', () => {
  async function joined (argument: string, ...flags: string[]): Promise<Outcome> {
    return run(['join', argument, '--home', home, '--data', 'digits', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm', ...flags])
  }

  function expectRefused ({ exit, stderr, stdout }: Outcome, code: string, expected: number): void {
    expect(stderr).toContain(`error GRAPEVINE_E_${code}: `)
    expect(exit).toBe(expected)
    expect(stdout).toBe('')
    expect(existsSync(home)).toBe(false)
  }

  it('makes no home for a token that lost a character or swapped two, or ran out', async () => {
    const text = await token()
    const middle = text.length >> 1
    for (const broken of [text.slice(0, -1), text.slice(0, middle) + text.slice(middle + 1), text.slice(0, middle) + text[middle + 1]! + text[middle]! + text.slice(middle + 2), 'gv1_', 'gv1_nonsense']) {
      expectRefused(await joined(broken), 'TOKEN_INVALID', 2)
    }
    expectRefused(await joined(await token({ expiresAt: Date.now() - 3_600_000 })), 'TOKEN_EXPIRED', 6)
    expectRefused(await joined(await token({ issuedAt: Date.now() + 43_200_000 })), 'CLOCK', 3)
    expectRefused(await joined(text, '--federation-id', FEDERATION.replace(/54$/, '55')), 'TOKEN_OTHER_FEDERATION', 13)
  })

  it('leaves no home behind where the inviter cannot be asked', async () => {
    const outcome = await joined(await token())
    expectRefused(outcome, 'BOOTSTRAP_REFUSED', 5)
    expect(outcome.stderr).toContain('warning: others on this machine can read a token')
  })

  it('refuses what is neither a token nor an address nor a file', async () => {
    for (const argument of ['clinic.invite', 'nonsense']) {
      expectRefused(await joined(argument), 'BAD_ADDRESS', 2)
    }
    await writeFile(join(folder, 'empty'), '')
    expectRefused(await joined(join(folder, 'empty')), 'USAGE', 2)
  })

  it('reads a token from standard input', async () => {
    const text = await token({ expiresAt: Date.now() - 3_600_000 })
    const child = spawn(process.execPath, [PROGRAM, 'join', '-', '--home', home], { env: cleanEnvironment(), stdio: ['pipe', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (piece: string) => { stderr += piece })
    const exit = new Promise((resolve) => { child.once('exit', resolve) })
    child.stdin.write(`${text}\n`)
    expect(await exit).toBe(6)
    expect(stderr).toMatch(/^error GRAPEVINE_E_TOKEN_EXPIRED: .*\n$/)
  })

  it('refuses a token to another federation than the one of the home', async () => {
    expect((await run(['init', '--home', home, '--preset', 'digits', '--backend', 'wasm'])).exit).toBe(0)
    const before = await readdir(home)
    const outcome = await joined(await token())
    expect(outcome.stderr).toContain('error GRAPEVINE_E_FEDERATION_MISMATCH: ')
    expect(outcome.exit).toBe(13)
    expect(await readdir(home)).toEqual(expect.arrayContaining(before))
    expect(JSON.parse(await readFile(join(home, 'federation.json'), 'utf8'))).toMatchObject({ name: 'digits' })
  })
})

describe('what whoever joins is told', () => {
  function captured (json: boolean): { terminal: Terminal, text: () => string } {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const stream = (one: PassThrough): NodeJS.WriteStream => Object.assign(one, { isTTY: false, columns: 80 }) as unknown as NodeJS.WriteStream
    return { terminal: new Terminal({ json, quiet: false, verbose: false, colour: false, environment: {}, stdout: stream(stdout), stderr: stream(stderr) }), text: () => [stdout, stderr].map((one) => String(one.read() as Buffer | null ?? '')).join('') }
  }

  function governedNode (): FakeNode {
    const node = new FakeNode()
    const governance = new FakeGovernance()
    governance.decided = [decision(0, { do: 'admit', peer: GUEST }, [SELF])]
    node.governed = governance
    const voter = { peer: '12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ', votingKey: 'ab'.repeat(32) }
    node.document = parseFederation({ ...presetDocument('digits'), format: 2, membership: { admission: 'invited', voters: [voter], guestsPerMember: 2, certificateDays: 9 } })
    return node
  }

  it('is what it trusts: federation, founders, decisions and who signed them', () => {
    const { terminal, text } = captured(false)
    const node = governedNode()
    logNode(node, terminal)
    node.say('joined', { federation: FEDERATION, name: 'digits', how: 'joined', round: 0, backend: 'wasm' })
    const shown = text()
    for (const part of ['What you trust', FEDERATION, '12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ', 'decision 0 of epoch 0: admit 12D3KooW…Guest, signed by 12D3KooW…Self1']) {
      expect(shown).toContain(part)
    }
    node.say('joined', { federation: FEDERATION, name: 'digits', how: 'resumed', round: 0, backend: 'wasm' })
    expect(text()).not.toContain('What you trust')
  })

  it('is how to let others in, and not how whoever likes joins', () => {
    const { terminal, text } = captured(false)
    const node = governedNode()
    logNode(node, terminal)
    node.say('listening', { peer: SELF, addresses: ['/ip4/192.0.2.1/tcp/1'] })
    expect(text()).toContain('Let another machine in: grapevine invite;')
    node.governed = undefined
    node.say('listening', { peer: SELF, addresses: ['/ip4/192.0.2.1/tcp/1'] })
    expect(text()).toContain('Join from another machine:\n  grapevine join /ip4/192.0.2.1/tcp/1\n')
  })

  it('is a line of its own for programs, and nothing else beside the events', () => {
    const { terminal, text } = captured(true)
    const node = governedNode()
    logNode(node, terminal)
    node.say('joined', { federation: FEDERATION, name: 'digits', how: 'joined', round: 0, backend: 'wasm' })
    node.say('governance:decision', { slot: 1, act: { do: 'admit', peer: GUEST } })
    const lines = text().trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ type }) => type).toSorted()).toEqual(['governance:decision', 'joined', 'trust'])
    expect(lines.find(({ type }) => type === 'trust')).toMatchObject({ federation: FEDERATION, founders: [expect.any(String)], decisions: [{ slot: 0, endorsedBy: [SELF] }] })
  })

  it('is while it waits whom to tell what, with the whole ids', () => {
    const { terminal, text } = captured(false)
    const node = governedNode()
    logNode(node, terminal)
    node.say('admission:waiting', { peer: GUEST, federation: FEDERATION, address: '/ip4/192.0.2.1/tcp/1' })
    const shown = text()
    expect(shown).toContain(`grapevine members approve ${GUEST}`)
    expect(shown).toContain(FEDERATION)
    expect(shown).toContain('the same command goes on waiting')
  })
})
