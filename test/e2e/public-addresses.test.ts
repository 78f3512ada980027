import { spawn as spawnProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { PeerSet } from './peer-driver.ts'
import { meet, mixAgain } from './routed-peers.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from './virtual-hosts.ts'
import type { PeerLine } from './peer-driver.ts'
import type { VirtualHost } from './virtual-hosts.ts'

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? 'peers with public addresses' : `peers with public addresses (skipped: ${reason})`, () => {
  it('find each other by default flags although each has an address that a firewall drops, and go on when the first is killed', async () => {
    // the silent address is the first of its kind on each host
    using network = createVirtualNetwork('pub', [1, 2, 3].map((i) => [{ address: `77.88.${i}.1`, dropped: true }, { address: `45.33.${i}.1` }]))
    await using peers = await PeerSet.create()
    const { mesh: [first, ...others], metMs } = await meet(peers, network.hosts, network.hosts[0]!.addresses[1]!)
    expect(metMs).toBeLessThan(20_000)
    // whoever of the two dialled the other says which address is silent
    const isSilent = ({ code, message }: PeerLine): boolean => code === 'silent-address' && /cannot be reached at \/ip4\/77\.88\.[23]\.1\//.test(message as string)
    await Promise.any(others.map(async (peer) => peer.line('warning', isSilent)))

    first.signal('SIGKILL')
    await first.exited
    await mixAgain(others)
  }, 120_000)

  it('may be many behind one address: all of them hear gossip', async () => {
    using network = createVirtualNetwork('one', [[{ address: '45.33.1.1' }], [{ address: '45.33.2.1' }]])
    const [hub, laboratory] = network.hosts as [VirtualHost, VirtualHost]
    const script = resolve(import.meta.dirname, '../fixtures/gossip-hub.mjs')
    const start = ({ prefix }: VirtualHost, args: string[]): ReturnType<typeof spawnProcess> =>
      spawnProcess(prefix[0]!, [...prefix.slice(1), process.execPath, script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    const server = start(hub, ['hub', '/ip4/45.33.1.1/tcp/22101', '14'])
    const lines = createInterface({ input: server.stdout! })[Symbol.asyncIterator]()
    try {
      const { value: address } = await lines.next() as { value: string }
      const peers = start(laboratory, ['peers', address, '14'])
      try {
        expect(JSON.parse((await lines.next() as { value: string }).value)).toEqual({ recipients: 14, heard: 14, lowestScore: 0 })
      } finally {
        peers.kill('SIGKILL')
      }
    } finally {
      server.kill('SIGKILL')
    }
  }, 60_000)
})
