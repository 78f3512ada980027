/**
 * An invited federation as people run it: a token, a request that is approved, a stranger, a revocation
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../data/write-idx.ts'
import { run } from '../peer/program.ts'
import { PeerSet } from './peer-driver.ts'

const QUICK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']

/** The one line of type `type` that a verb prints */
async function ask (type: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { exit, stdout, stderr } = await run([...args, '--json'])
  expect(exit, stderr).toBe(0)
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  return lines.find((line) => line['type'] === type)!
}

describe('an invited federation', () => {
  it('lets in whom a member invites or voters approve, nobody else, and shuts out whom they revoke', async () => {
    const folder = await temporaryFolder()
    const data = join(folder, 'rows.csv')
    await writeFile(data, `age,ill\n${'50,no\n60,yes\n'.repeat(40)}`)
    const own = ['--data', `csv:${data}`, ...QUICK]
    await using peers = await PeerSet.create()
    const home = peers.home('founder')
    expect((await run(['init', '--home', home, ...own, '--peers', '2', '--rounds', '100000'])).exit).toBe(0)
    const founder = peers.spawn('founder', ['start'])
    const address = await founder.address()
    await founder.line('joined')

    // a token, which one peer redeems, and its home again
    const file = join(folder, 'clinic.invite')
    await ask('invitation', ['invite', '--home', home, '--name', 'clinic-b', '--output', file])
    const guest = peers.spawn('guest', ['join', file, ...own])
    expect(await guest.line('trust')).toMatchObject({ founders: [(await founder.line('listening'))['peer']], decisions: [] })
    await Promise.all([founder.round(2), guest.round(2)])
    const guestId = (await guest.line('listening'))['peer'] as string
    expect(await ask('members', ['members', '--home', home])).toMatchObject({ members: expect.arrayContaining([expect.objectContaining({ peer: guestId, role: 'member', name: 'clinic-b' })]) as unknown })
    const second = await run(['join', file, '--home', peers.home('second'), ...own])
    expect(second.stderr).toContain('error GRAPEVINE_E_TOKEN_USED: ')
    expect(second.exit).toBe(6)

    // a request, which people approve
    const asking = peers.spawn('asking', ['join', address, '--name', 'clinic-c', ...own])
    const { peer } = await asking.line('admission:waiting')
    await founder.line('governance:request', (line) => line['peer'] === peer)
    expect(await ask('members:requests', ['members', 'requests', '--home', home])).toMatchObject({ requests: [{ peer, name: 'clinic-c' }] })
    await ask('members:act', ['members', 'approve', (peer as string).slice(-8), '--home', home])
    await asking.line('joined')
    await founder.line('governance:decision')

    // for ever
    await ask('members:act', ['members', 'revoke', guestId, '--reason', 'left', '--home', home])
    await guest.line('governance:standing', (line) => line['standing'] === 'revoked')
    expect((await ask('status', ['status', '--home', home]))['membership']).toMatchObject({ standing: 'member', revoked: [{ peer: guestId, reason: 'left' }] })
    const again = await run(['join', file, '--home', peers.home('third'), ...own])
    expect(again.exit).toBe(6)
    for (const one of [founder, asking]) {
      expect(await one.stop()).toMatchObject({ code: 0 })
    }
  }, 180_000)
})
