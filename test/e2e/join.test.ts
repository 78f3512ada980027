import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'
import type { PeerDriver, PeerLine } from './peer-driver.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']

function share (index: number, count: number): string[] {
  return ['--data', 'digits', '--partition', `${index}/${count}`, '--dirichlet', '0.5', '--partition-seed', '7', ...LOOPBACK]
}

async function meshOf4 (peers: PeerSet): Promise<PeerDriver[]> {
  const first = peers.spawn('peer-1', ['start', '--preset', 'digits', ...share(1, 5), '--min-members', '4'])
  const address = await first.address()
  const others = [2, 3, 4].map((i) => peers.spawn(`peer-${i}`, ['join', address, ...share(i, 5), '--min-members', '4']))
  return [first, ...others]
}

const accuracy = (line: PeerLine): number => line['accuracy'] as number

describe('joining by address', () => {
  it('gives a newcomer the document and the current model, and the mesh outlives its bootstrap peer', async () => {
    await using peers = await PeerSet.create()
    const mesh = await meshOf4(peers)
    await Promise.all(mesh.map((peer) => peer.round(8)))

    const newcomer = peers.spawn('peer-5', ['join', await mesh[0]!.address(), ...share(5, 5)])
    const jump = await newcomer.line('round:jump')
    expect(jump['sources']).toBeGreaterThanOrEqual(2)
    const joinedAt = jump['to'] as number
    const second = await newcomer.round(joinedAt + 2)
    const others = await Promise.all(mesh.map((peer) => peer.round(second['round'] as number)))
    const mean = others.reduce((sum, line) => sum + accuracy(line), 0) / others.length
    expect(accuracy(second)).toBeGreaterThan(mean - 0.02)

    // the bootstrap peer dies; the others and the newcomer go on
    mesh[0]!.signal('SIGKILL')
    await mesh[0]!.exited
    const survivors = [...mesh.slice(1), newcomer]
    const before = newcomer.lines.length
    const later = await Promise.all(survivors.map(async (peer) => {
      const last = peer.rounds.at(-1)!['round'] as number
      return peer.round(last + 3)
    }))
    expect(later.every((line) => (line['accepted'] as number) >= 2)).toBe(true)
    expect(newcomer.lines.length).toBeGreaterThan(before)

    // a peer that restarts finds the mesh by the addresses it remembers: nobody tells it one
    expect(await mesh[1]!.stop()).toMatchObject({ code: 0 })
    const back = peers.spawn('peer-2', ['start', ...share(2, 5)])
    const joined = await back.line('joined')
    expect(joined).toMatchObject({ how: 'resumed' })
    expect(joined['round']).toBeGreaterThan(0)
    const mixed = await back.line('round:end', (line) => (line['accepted'] as number) >= 2, { timeoutMs: 30_000 })
    expect(mixed['round']).toBeGreaterThan(joined['round'] as number)

    for (const peer of [back, newcomer, ...mesh.slice(2)]) {
      expect(await peer.stop()).toMatchObject({ code: 0 })
    }
  }, 180_000)
})
