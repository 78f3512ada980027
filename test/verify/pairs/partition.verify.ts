/**
 * Links that break between private peers: each on a host of its own. npm run verify:pairs
 */
import { describe, expect, it } from 'vitest'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from '../../e2e/virtual-hosts.ts'
import { MAX_LONELY, Mesh, elapse, report } from './mesh.ts'
import type { VirtualNetwork } from '../../e2e/virtual-hosts.ts'

const AWAY_MS = 60_000

function hosts (count: number): VirtualNetwork {
  return createVirtualNetwork('pairs', Array.from({ length: count }, (_, i) => [{ address: `10.77.${i + 1}.1` }]))
}

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? 'private peers on hosts of their own' : `private peers on hosts of their own (skipped: ${reason})`, () => {
  it.each([1, 2])('a link of %d of three that is pulled costs each of them two rounds at most, and all mix again in time', async (count) => {
    using network = hosts(3)
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 3, hosts: network.hosts })
    await mesh.start()
    await mesh.mixed()
    const pulled = network.hosts.slice(-count)
    const pulledMs = performance.now()
    pulled.forEach((host) => { network.cable(host, 'down') })
    await elapse(AWAY_MS)
    const lonely = mesh.sites.map((site) => site.spent(pulledMs))
    pulled.forEach((host) => { network.cable(host, 'up') })
    const result = await mesh.regained(performance.now())
    const unmixed = mesh.sites.map((site) => site.spent(pulledMs).unmixed)
    report({ pulled: count, lonely, unmixed, ...result })
    expect.soft(Math.max(...unmixed)).toBeLessThanOrEqual(MAX_LONELY)
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)

  // the usual rule needs two neighbours: neither half can go on. With the mean both do, and their numbers part
  it.each([{ rule: 'gated-geometric-median', f: 1 }, { rule: 'mean', f: 0 }] as const)('a split of four in two halves wastes two rounds of each at most, and all mix again in time ($rule)', async (aggregation) => {
    using network = hosts(4)
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 4, hosts: network.hosts, aggregation })
    await mesh.start()
    await mesh.mixed()
    const [east, west] = [network.hosts.slice(0, 2), network.hosts.slice(2)]
    const across = (state: 'dropped' | 'passed'): void => { east.forEach((a) => { west.forEach((b) => { network.between(a, b, state) }) }) }
    const splitMs = performance.now()
    across('dropped')
    await elapse(AWAY_MS)
    const apart = mesh.sites.map((site) => site.spent(splitMs))
    across('passed')
    const result = await mesh.regained(performance.now())
    const unmixed = mesh.sites.map((site) => site.spent(splitMs).unmixed)
    report({ rule: aggregation.rule, apart, unmixed, ...result })
    expect.soft(Math.max(...unmixed)).toBeLessThanOrEqual(MAX_LONELY)
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)
})
