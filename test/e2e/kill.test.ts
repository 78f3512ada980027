import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']

function share (index: number): string[] {
  return ['--data', 'digits', '--partition', `${index}/4`, '--partition-seed', '7', ...LOOPBACK]
}

describe('a peer that is killed in the middle of a round', () => {
  it('delays nobody past the deadline, and comes back at its last committed version within 15 s', async () => {
    await using peers = await PeerSet.create()
    const first = peers.spawn('peer-1', ['start', '--preset', 'digits', ...share(1), '--min-members', '4'])
    const address = await first.address()
    const others = [2, 3, 4].map((i) => peers.spawn(`peer-${i}`, ['join', address, ...share(i), '--min-members', '4']))
    const victim = others[2]!
    await victim.line('round:phase', ({ round, phase }) => round === 3 && phase === 'train')
    victim.signal('SIGKILL')
    await victim.exited
    const committed = victim.lines.filter(({ type }) => type === 'version:commit').at(-1)!['round'] as number

    const survivors = [first, ...others.slice(0, 2)]
    for (const peer of survivors) {
      const third = await peer.round(3)
      expect(third['durationMs']).toBeLessThan(15_000)
      await peer.round(8)
      const later = peer.rounds.filter(({ round }) => (round as number) >= 4)
      // none of the later rounds waits for the dead one
      expect(later.every(({ late }) => late === 0)).toBe(true)
    }

    const back = peers.spawn('peer-4', ['start', '--bootstrap', address, ...share(4)])
    expect(await back.line('joined')).toMatchObject({ how: 'resumed' })
    expect((await back.line('joined'))['round']).toBeGreaterThanOrEqual(committed)
    const mixed = await back.line('round:end', ({ accepted }) => (accepted as number) >= 2, { timeoutMs: 15_000 })
    expect(mixed['round']).toBeGreaterThan(committed)
  }, 120_000)
})
