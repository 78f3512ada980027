/**
 * `grapevine invite` and `grapevine members` against the control endpoint of a node that is none
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readControlFile } from '../../peer/control/control-file.ts'
import { ControlServer } from '../../peer/control/control-server.ts'
import { MAX_BODY_BYTES } from '../../peer/control/request-body.ts'
import { Terminal } from '../../peer/terminal.ts'
import { invite } from '../../peer/verbs/invite.ts'
import { members } from '../../peer/verbs/members.ts'
import { status } from '../../peer/verbs/status.ts'
import { GovernanceError } from '../../src/errors.ts'
import { hostileText, steering } from '../hostile-text.ts'
import { decision, FakeGovernance, GUEST, openAct, peerName, SELF, STRANGER } from './fake-governance.ts'
import { FakeNode } from './fake-node.ts'
import { run } from './program.ts'
import type { RunVerb } from '../../peer/context.ts'
import type { Settings } from '../../peer/settings.ts'

let home: string
let server: ControlServer
let node: FakeNode
let governance: FakeGovernance

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gv-members-'))
  await writeFile(join(home, 'grapevine.toml'), '')
  node = new FakeNode()
  node.addresses = ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWself', '/ip4/192.168.1.2/tcp/1/p2p/12D3KooWself']
  governance = new FakeGovernance()
  node.governed = governance
  server = new ControlServer({ home, node, dataSettings: {} })
  await server.start()
})

afterEach(async () => {
  server.stop()
  await rm(home, { recursive: true })
})

interface Shown { stdout: string, stderr: string, events: Array<Record<string, unknown>> }

/** In this process, as the program would run it */
async function call (verb: RunVerb, args: readonly string[], settings: Settings = {}, { screen = false } = {}): Promise<Shown> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const stream = (one: PassThrough): NodeJS.WriteStream => Object.assign(one, { isTTY: screen, columns: 80 }) as unknown as NodeJS.WriteStream
  const terminal = new Terminal({ json: settings.json ?? false, quiet: settings.quiet ?? false, verbose: false, colour: false, environment: { CI: '1' }, stdout: stream(stdout), stderr: stream(stderr) })
  const origins = Object.fromEntries(Object.keys(settings).map((name) => [name, 'flag' as const]))
  await verb({ home, settings, origins, terminal, args })
  const text = String(stdout.read() as Buffer | null ?? '')
  return { stdout: text, stderr: String(stderr.read() as Buffer | null ?? ''), events: settings.json === true ? text.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) : [] }
}

describe('grapevine invite', () => {
  it('prints the token alone on standard output, and around it what it gives', async () => {
    const { stdout, stderr } = await call(invite, [], { name: 'clinic-b', expires: 43_200_000, approve: true })
    expect(stdout).toMatch(/^gv1_\S+\n$/)
    expect(stderr).toMatch(/Invitation 3f3f3f3f "clinic-b": 1 peer may redeem it until \d{4}-\d\d-\d\d \d\d:\d\d UTC/)
    expect(stderr).toContain('It is a secret')
    expect(stderr).toContain('waits until the voters decide')
    expect(stderr).not.toContain('loopback')
    // where another machine can reach it first
    expect(governance.asked).toEqual([['invite', { name: 'clinic-b', lifeMs: 43_200_000, approve: true, addresses: [...node.addresses].reverse() }]])
  })

  it('shows a QR code on a screen, or where it is asked for, and never with --quiet', async () => {
    expect((await call(invite, [], {}, { screen: true })).stdout).toMatch(/^gv1_\S+\n(.*[█▀▄].*\n){20}/)
    expect((await call(invite, [], { qr: true })).stdout).toContain('█')
    const quiet = await call(invite, [], { quiet: true }, { screen: true })
    expect(quiet.stdout).toMatch(/^gv1_\S+\n$/)
    expect(quiet.stderr).toBe('')
  })

  it('tells programs the token, and never the secret', async () => {
    const { events: [event] } = await call(invite, [], { json: true })
    expect(event).toMatchObject({ type: 'invitation', token: expect.stringMatching(/^gv1_/) as string, uses: 1, approve: false })
    for (const { stdout } of [await call(invite, [], { json: true }), await call(invite, ['ls'], { json: true })]) {
      expect(stdout).not.toContain('5e5e')
    }
  })

  it('writes the token to a file that only its owner can read, and not to the screen', async () => {
    const output = join(home, 'clinic.invite')
    const { stdout } = await call(invite, [], { output }, { screen: true })
    expect(stdout).toBe('')
    expect(await readFile(output, 'utf8')).toMatch(/^gv1_\S+\n$/)
    expect((await stat(output)).mode & 0o777).toBe(0o600)
  })

  it('takes back what it could not write down', async () => {
    await expect(call(invite, [], { output: join(home, 'none', 'file') })).rejects.toMatchObject({ code: 'ENOENT' })
    expect(governance.asked.at(-1)).toEqual(['cancel', '3f'.repeat(16)])
  })

  it('warns where nobody elsewhere could redeem the token', async () => {
    node.addresses = ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWself']
    expect((await call(invite, [])).stderr).toContain('nobody elsewhere can redeem')
  })

  it('lists invitations with who redeemed them, and cancels one by the beginning of its id', async () => {
    await call(invite, [], { name: 'clinic-b' })
    governance.made[0]!.guests.push({ peer: GUEST, number: 1 })
    const { stdout } = await call(invite, ['ls'])
    expect(stdout).toContain('1 of 1 used  used up "clinic-b"')
    expect(stdout).toContain(`  ${GUEST}, guest 1`)
    const { stdout: cancelled, stderr } = await call(invite, ['cancel', '3f3f'])
    expect(cancelled).toContain('is cancelled')
    expect(stderr).toContain('1 peer redeemed it before, and stays')
    await expect(call(invite, ['cancel', 'abcd'])).rejects.toThrow('made no invitation "abcd"')
  })

  it.each<[string, readonly string[], Settings, string]>([
    ['an unknown action', ['lst'], {}, 'did you mean ls?'],
    ['a cancellation of nothing', ['cancel'], {}, 'nothing follows on cancel'],
    ['a flag of another action', ['ls'], { uses: 3 }, 'grapevine invite ls does not take --uses']
  ])('%s is a wrong command line', async (_, args, settings, says) => {
    await expect(call(invite, args, settings)).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining(says) as string })
  })
})

describe('grapevine members', () => {
  it('shows who belongs, from where, and until when', async () => {
    governance.state = { ...governance.state, revoked: [{ peer: STRANGER, slot: 0, lastSequence: 4, reason: 'lost key' }], slot: 1, openActs: 1 }
    const { stdout, stderr } = await call(members, [])
    expect(stdout).toContain('2 members; 1 voter, who decides alone; epoch 0, next decision 1')
    expect(stdout).toContain(`${SELF}  voter   founder (this peer)`)
    expect(stdout).toContain(`${GUEST}  member  invited by 12D3KooW…Self1, holds until 2096-10-02 07:06 UTC "clinic-b"`)
    expect(stdout).toContain(`${STRANGER}  revoked by decision 0: "lost key"`)
    expect(stderr).toContain('1 act proposed and not decided')
  })

  it('shows requests, acts with who endorsed them, and decisions with who signed them', async () => {
    governance.waiting = [{ peer: STRANGER, name: 'clinic-c', at: 1_700_000_000_000, missing: 5 }]
    expect((await call(members, ['requests'])).stdout).toBe(`${STRANGER}  since 2023-11-14 22:13 UTC, 5 approvals missing "clinic-c"\n`)
    governance.open = [openAct({ do: 'revoke', peer: GUEST, lastSequence: 7, reason: 'left' }, { endorsedBy: [SELF, STRANGER], missing: 3, objectedBy: [GUEST] })]
    const { stdout } = await call(members, ['acts'])
    expect(stdout).toContain('abababababab  revoke 12D3KooW…Guest for ever, because "left": 2 of 5, 3 missing; 1 objection')
    expect(stdout).toContain('endorsed by 12D3KooW…Self1, 12D3KooW…Stran')
    governance.decided = [decision(0, { do: 'admit', peer: GUEST }, [SELF])]
    expect((await call(members, ['log'])).stdout).toBe('decision 0 of epoch 0: admit 12D3KooW…Guest, signed by 12D3KooW…Self1\n')
    expect((await call(members, ['log'], { json: true })).events[0]).toMatchObject({ decisions: [{ slot: 0, endorsedBy: [SELF] }] })
  })

  it('approves what is meant, by the end of its id, and says what is missing', async () => {
    governance.waiting = [{ peer: STRANGER, at: 0, missing: 5 }]
    const { stdout, stderr } = await call(members, ['approve', 'Stran'])
    expect(governance.asked).toEqual([['approve', STRANGER]])
    expect(stdout).toContain('1 of 5, 4 missing')
    expect(stderr).toContain('Other voters: grapevine members approve abababababab')
    expect(stderr).not.toContain('for ever')
    governance.outcome = decision(3, { do: 'admit', peer: STRANGER }, [SELF])
    expect((await call(members, ['approve', STRANGER])).stdout).toContain('decided: decision 3 of epoch 0')
  })

  it('says that a revocation is for ever, to whoever proposes and to whoever approves it', async () => {
    const proposed = await call(members, ['revoke', 'Guest'], { reason: 'stolen laptop' })
    expect(proposed.stderr).toContain('for ever')
    expect(proposed.stderr).toContain('stays in the models of all')
    expect(governance.asked).toEqual([['propose', { do: 'revoke', peer: GUEST, reason: 'stolen laptop' }]])
    governance.open = [openAct({ do: 'revoke', peer: GUEST, lastSequence: 7 })]
    expect((await call(members, ['approve', 'abababab'])).stderr).toContain('for ever')
    expect(governance.asked.at(-1)).toEqual(['approve', 'ab'.repeat(32)])
  })

  it('proposes what else there is', async () => {
    await call(members, ['appoint', 'Guest'])
    await call(members, ['dismiss', '12D3KooW…Self1'])
    await call(members, ['limit', 'Guest', '20'])
    await call(members, ['admit', STRANGER], { name: 'clinic-c' })
    await call(members, ['reject', STRANGER])
    expect(governance.asked).toEqual([
      ['propose', { do: 'appoint', peer: GUEST }], ['propose', { do: 'dismiss', peer: SELF }],
      ['propose', { do: 'raise-limit', peer: GUEST, guests: 20 }], ['propose', { do: 'admit', peer: STRANGER, name: 'clinic-c' }], ['reject', STRANGER]
    ])
  })

  it.each<[string, readonly string[], string]>([
    ['two members', ['revoke', 'xxGuest'], 'fits 2 members'],
    ['nobody', ['revoke', 'Nobody'], 'no member\'s id'],
    ['too few characters', ['revoke', 'st'], 'no member\'s id'],
    ['what all ids begin with', ['revoke', '12D3KooW'], 'no member\'s id'],
    ['nothing proposed', ['approve', 'Nobody'], 'nothing that is asked or proposed'],
    ['no number', ['limit', 'Self1', 'many'], 'is no number of guests'],
    ['no subject', ['revoke'], 'it is grapevine members revoke PEER']
  ])('an id that means %s is a wrong command line, and nothing is done', async (_, args, says) => {
    // two that end alike, as far as was typed
    governance.state = { ...governance.state, members: [...governance.state.members, { peer: `12D3KooWy${'x'.repeat(38)}Guest`, role: 'member', name: 'twin' }] }
    await expect(call(members, args)).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining(says) as string })
    expect(governance.asked).toEqual([])
  })

  it('hands over what the node says, with its reason', async () => {
    governance.failure = new GovernanceError('this peer is no voter of epoch 2', 'not-a-voter')
    await expect(call(members, ['approve', STRANGER])).rejects.toMatchObject({ name: 'GovernanceError', reason: 'not-a-voter', message: 'this peer is no voter of epoch 2' })
    node.governed = undefined
    await expect(call(members, [])).rejects.toMatchObject({ name: 'GovernanceError', reason: 'open-federation', message: expect.stringContaining('open') as string })
  })

  it('needs the running peer', async () => {
    server.stop()
    for (const args of [['members'], ['invite']]) {
      const { exit, stderr } = await run([...args, '--home', home])
      expect(exit).toBe(4)
      expect(stderr).toMatch(/^error GRAPEVINE_E_NOT_RUNNING: .*\n$/)
    }
  })

  it('lets no name steer the terminal', async () => {
    await fc.assert(fc.asyncProperty(hostileText, async (words) => {
      governance.waiting = [{ peer: STRANGER, name: words, at: 0, missing: 1 }]
      governance.open = [openAct({ do: 'revoke', peer: GUEST, lastSequence: 7, reason: words })]
      governance.made = [{ jti: '3f'.repeat(16), secret: '', uses: 1, createdAt: 0, expiresAt: 0, approve: false, guests: [], name: words }]
      governance.state = { ...governance.state, paused: words, abstains: words, members: [{ peer: GUEST, role: 'member', name: words }, { peer: peerName('2Guest'), role: 'member', name: words }], revoked: [{ peer: STRANGER, slot: 1, lastSequence: 0, reason: words }] }
      for (const shown of [await call(members, []), await call(members, ['requests']), await call(members, ['acts']), await call(invite, ['ls']), await call(status, [])]) {
        expect(steering(shown.stdout + shown.stderr)).toBeUndefined()
      }
    }), { numRuns: 20 })
  })
})

describe('grapevine status', () => {
  it('says who this peer is, what decisions need, and what waits', async () => {
    const voters = Array.from({ length: 7 }, (_, i) => ({ peer: i === 0 ? SELF : peerName(`Vote${i}`), votingKey: `${i}`.repeat(64) }))
    governance.state = { ...governance.state, voters, quorum: 5, toleratedLiars: 2, reachableVoters: 4, paused: '4 of 7 voters reachable, decisions need 5; training goes on', requests: 1 }
    const { stdout } = await call(status, [])
    expect(stdout).toContain('Membership  invited; voter 1 of 7; decisions need 5 of 7 voters; 4 reachable\n')
    expect(stdout).toContain('decisions wait: 4 of 7 voters reachable')
    expect(stdout).toContain('1 request to be admitted: grapevine members requests')
  })

  it('warns of a certificate that ends soon, and of a peer that is out', async () => {
    const members = [{ peer: SELF, role: 'member' as const, inviter: GUEST, expiresAt: Date.now() + 3 * 86_400_000 }]
    governance.state = { ...governance.state, role: 'member', voters: [{ peer: GUEST, votingKey: 'b'.repeat(64) }], members }
    expect((await call(status, [])).stdout).toMatch(/the certificate of this peer holds until .*: its inviter, 12D3KooW…Guest, renews it/)
    governance.state = { ...governance.state, standing: 'revoked', role: undefined, members: [] }
    expect((await call(status, [])).stdout).toContain('invited; not a member; the only voter decides\n')
    expect((await call(status, [])).stdout).toContain('this peer was revoked')
  })

  it('says of an open federation that it is one', async () => {
    node.governed = undefined
    expect((await call(status, [])).stdout).toContain('Membership  open: whoever connects takes part\n')
  })
})

describe('the pages that change something', () => {
  async function post (page: string, body: string, headers: Record<string, string> = {}): Promise<number> {
    const { port, token } = (await readControlFile(home))!
    return new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, path: `/governance/${page}`, method: 'POST', agent: false, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers } }, (response) => {
        response.resume().on('end', () => { resolve(response.statusCode!) })
      })
      outgoing.on('error', reject).end(body)
    })
  }

  it.each([
    ['no JSON', 'invite', 'nonsense', {}],
    ['another type', 'invite', '{}', { 'content-type': 'text/plain' }],
    ['too long a body', 'invite', JSON.stringify({ name: 'n'.repeat(MAX_BODY_BYTES) }), {}],
    ['a field that there is not', 'invite', '{"secret":"x"}', {}],
    ['a list', 'invite', '[]', {}],
    ['nothing to cancel', 'cancel', '{}', {}],
    ['an act that there is not', 'propose', '{"do":"rule","peer":"p"}', {}],
    ['guests below none', 'propose', '{"do":"raise-limit","peer":"p","guests":-1}', {}]
  ])('refuse %s', async (_, page, body, headers) => {
    expect(await post(page, body, headers)).toBe(400)
    expect(governance.asked).toEqual([])
  })

  it('are for programs with the token alone, and for no web page', async () => {
    expect(await post('invite', '{}', { authorization: `Bearer ${'0'.repeat(64)}` })).toBe(401)
    expect(await post('invite', '{}', { origin: 'http://127.0.0.1' })).toBe(403)
    expect(await post('invite', '{}', { host: 'evil.example' })).toBe(403)
    expect(governance.asked).toEqual([])
    expect(await post('invite', '{}')).toBe(200)
  })

  it('are no others', async () => {
    for (const page of ['status', 'nothing', '__proto__', 'constructor']) {
      expect(await post(page, '{}')).toBe(405)
    }
  })

  it('refuse every body that is not what they take, whatever it is', async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom('invite', 'cancel', 'approve', 'reject', 'propose'), fc.jsonValue(), async (page, value) => {
      expect([200, 400]).toContain(await post(page, JSON.stringify(value)))
    }), { numRuns: 50 })
  })
})
