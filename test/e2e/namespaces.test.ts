import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'
import type { PeerDriver } from './peer-driver.ts'

/** Two virtual hosts, joined by a cable that can be cut. Addresses exist inside the namespaces only */
const HOSTS = [{ name: 'gv-east', device: 'gv-veth-e', address: '10.77.0.1' }, { name: 'gv-west', device: 'gv-veth-w', address: '10.77.0.2' }] as const

function ip (...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function removeHosts (): void {
  for (const { name } of HOSTS) {
    spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
  }
}

function whyImpossible (): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'network namespaces need root on Linux'
  }
  const probe = spawnSync('ip', ['netns', 'add', 'gv-probe'], { encoding: 'utf8' })
  spawnSync('ip', ['netns', 'delete', 'gv-probe'], { stdio: 'ignore' })
  return probe.status === 0 ? undefined : `ip netns does not work here: ${probe.stderr ?? String(probe.error)}`
}

function createHosts (): void {
  removeHosts()
  for (const { name } of HOSTS) {
    ip('netns', 'add', name)
  }
  ip('link', 'add', HOSTS[0].device, 'netns', HOSTS[0].name, 'type', 'veth', 'peer', 'name', HOSTS[1].device, 'netns', HOSTS[1].name)
  for (const { name, device, address } of HOSTS) {
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', device)
    ip('-n', name, 'link', 'set', device, 'up')
  }
}

function cable (state: 'up' | 'down'): void {
  ip('-n', HOSTS[0].name, 'link', 'set', HOSTS[0].device, state)
}

/** Rounds that each half finishes on its own, after it has given up the other half */
const ROUNDS_APART = 3

const lastRound = (peer: PeerDriver): number => peer.rounds.at(-1)!['round'] as number

async function identity (peer: PeerDriver): Promise<string> {
  return (await peer.line('listening'))['peer'] as string
}

/** Peers that it is connected to, by its own account */
function connected (peer: PeerDriver): Set<string> {
  const peers = new Set<string>()
  for (const line of peer.lines) {
    if (line.type === 'peer:connect') {
      peers.add(line['peer'] as string)
    } else if (line.type === 'peer:disconnect') {
      peers.delete(line['peer'] as string)
    }
  }
  return peers
}

const reason = whyImpossible()
describe.skipIf(reason !== undefined)(reason === undefined ? 'peers on two hosts' : `peers on two hosts (skipped: ${reason})`, () => {
  it('learn together, go on apart while the network is split for several rounds, and mix again within 15 s', async () => {
    createHosts()
    try {
      await using peers = await PeerSet.create()
      const spawn = (i: number, verb: string[]): PeerDriver => {
        const host = HOSTS[(i - 1) % 2]!
        return peers.spawn(`peer-${i}`, [...verb, '--data', 'digits', '--partition', `${i}/6`, '--partition-seed', '7', '--backend', 'wasm',
          '--listen', `/ip4/${host.address}/tcp/0`, '--min-members', '6'], ['ip', 'netns', 'exec', host.name])
      }
      const first = spawn(1, ['start', '--preset', 'digits'])
      const address = await first.address(HOSTS[0].address)
      const mesh = [first, ...[2, 3, 4, 5, 6].map((i) => spawn(i, ['join', address]))]
      // degree 4 of 5 others: at least two of the neighbours are on the other host
      await Promise.all(mesh.map((peer) => peer.line('round:end', ({ accepted }) => (accepted as number) >= 3)))

      cable('down')
      const cutAt = Date.now()
      // each half goes on, with the neighbours it still has
      for (const peer of mesh) {
        await peer.line('round:end', ({ accepted, time }) => (accepted as number) <= 2 && Date.parse(time) > cutAt, { timeoutMs: 40_000 })
      }
      // the links across do not outlive the cut: what heals afterwards is made anew
      await Promise.all(mesh.map(async (peer, i) => {
        const across = new Set(await Promise.all(mesh.filter((_, j) => (i - j) % 2 !== 0).map(identity)))
        for (const other of [...connected(peer)].filter((name) => across.has(name))) {
          await peer.line('peer:disconnect', (line) => line['peer'] === other && Date.parse(line.time) > cutAt, { timeoutMs: 40_000 })
        }
      }))
      // a half whose members have too few neighbours in it waits until the others are dropped from the list
      await Promise.all(mesh.map((peer) => peer.round(lastRound(peer) + ROUNDS_APART, { timeoutMs: 60_000 })))
      expect(mesh.map((peer) => peer.rounds.slice(-ROUNDS_APART).every(({ accepted }) => (accepted as number) <= 2))).toEqual(mesh.map(() => true))
      cable('up')
      const healedAt = Date.now()
      await Promise.all(mesh.map((peer) => peer.line('round:end', ({ accepted, time }) => (accepted as number) >= 3 && Date.parse(time) > healedAt, { timeoutMs: 15_000 })))
      for (const peer of mesh) {
        expect(await peer.stop()).toMatchObject({ code: 0 })
      }
    } finally {
      removeHosts()
    }
  }, 180_000)
})
