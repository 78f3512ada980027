import { cp } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'
import type { PeerLine } from './peer-driver.ts'

const share = (index: number): string[] => ['--data', 'digits', '--partition', `${index}/3`, '--partition-seed', '7', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
const isInUse = ({ code }: PeerLine): boolean => code === 'identity-in-use'

describe('a home that was copied', () => {
  it('says that its id is in use elsewhere and begins no round, while the original goes on', async () => {
    await using peers = await PeerSet.create()
    const first = peers.spawn('peer-1', ['start', '--preset', 'digits', ...share(1)])
    const address = await first.address()
    const others = [2, 3].map((index) => peers.spawn(`peer-${index}`, ['join', address, ...share(index)]))
    await Promise.all([first, ...others].map(async (peer) => peer.round(1)))
    await others[1]!.stop()
    await cp(peers.home('peer-3'), peers.home('copy'), { recursive: true })
    const original = peers.spawn('peer-3', ['start', ...share(3)])
    await original.line('round:end', ({ accepted }) => (accepted as number) >= 2)

    const copy = peers.spawn('copy', ['start', ...share(3)])
    const warning = await copy.line('warning', isInUse)
    await original.line('warning', isInUse)
    expect(warning['message']).toContain(await original.address().then((full) => full.replace(/\/p2p\/.*/, '')))
    const status = peers.spawn('copy', ['status'])
    const report = await status.line('status')
    expect(report['status']).toBe('waiting')
    expect(report['identityInUse']).toMatchObject({ addresses: [expect.stringContaining('/ip4/127.0.0.1/tcp/')] })

    const last = original.rounds.at(-1)!['round'] as number
    await original.round(last + 3)
    expect(copy.rounds).toEqual([])
    expect(await copy.stop()).toMatchObject({ code: 0 })
  }, 180_000)
})
