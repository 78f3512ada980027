/**
 * Longer trials of the network on virtual hosts: npm run verify:network. Needs root on Linux
 */
import { describe, expect, it } from 'vitest'
import { PeerSet } from '../e2e/peer-driver.ts'
import { meet, mixAgain } from '../e2e/routed-peers.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from '../e2e/virtual-hosts.ts'
import type { HostAddresses } from '../e2e/virtual-hosts.ts'

const KINDS: Record<string, (i: number) => HostAddresses> = {
  'IPv4 only': (i) => [{ address: `45.33.${i}.1` }],
  'IPv6 only': (i) => [{ address: `2a02:6b8:${i}::1` }],
  'IPv4 and IPv6, and one of each that a firewall drops': (i) => [
    { address: `77.88.${i}.1`, dropped: true }, { address: `45.33.${i}.1` }, { address: `2a02:dead:${i}::1`, dropped: true }, { address: `2a02:6b8:${i}::1` }
  ],
  'a VPN that is not theirs before the local network': (i) => [{ address: '10.8.0.2', dropped: true }, { address: `192.168.${i}.20` }]
}

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? 'routed peers with default flags' : `routed peers (skipped: ${reason})`, () => {
  it.each(Object.entries(KINDS))('%s: three meet within 20 s, and two go on when the first is killed', async (_, addresses) => {
    using network = createVirtualNetwork('verify', [1, 2, 3].map(addresses))
    await using peers = await PeerSet.create()
    const reachable = network.hosts[0]!.addresses.find((_address, index) => addresses(1)[index]!.dropped !== true)!
    const { mesh: [first, ...others], metMs } = await meet(peers, network.hosts, reachable)
    expect(metMs).toBeLessThan(20_000)
    first.signal('SIGKILL')
    await first.exited
    await mixAgain(others)
  }, 180_000)

  it('two that restart while the one that they joined through is gone find each other by the ports that they had', async () => {
    using network = createVirtualNetwork('verify', [1, 2, 3].map((i) => [{ address: `45.33.${i}.1` }]))
    await using peers = await PeerSet.create()
    const { mesh } = await meet(peers, network.hosts, network.hosts[0]!.addresses[0]!)
    for (const peer of mesh) {
      peer.signal('SIGKILL')
      await peer.exited
    }
    const again = [2, 3].map((i) => peers.spawn(`peer-${i}`, ['start'], network.hosts[i - 1]!.prefix))
    await mixAgain(again)
  }, 180_000)
})
