import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { presetDocument } from '../../src/presets.ts'
import { PeerSet } from './peer-driver.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from './virtual-hosts.ts'
import type { PeerDriver, PeerLine } from './peer-driver.ts'

const isFull = ({ neighbours }: PeerLine): boolean => (neighbours as Array<{ live: boolean }>).filter(({ live }) => live).length === 2

async function identity (peer: PeerDriver): Promise<string> {
  return (await peer.line('listening'))['peer'] as string
}

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? 'peers with public addresses' : `peers with public addresses (skipped: ${reason})`, () => {
  it('find each other by default flags although each has an address that a firewall drops, and go on when the first is killed', async () => {
    // the silent address is the first of its kind on each host
    using network = createVirtualNetwork('pub', [1, 2, 3].map((i) => [{ address: `77.88.${i}.1`, dropped: true }, { address: `45.33.${i}.1` }]))
    await using peers = await PeerSet.create()
    const spawn = (i: number, verb: string[]): PeerDriver =>
      peers.spawn(`peer-${i}`, [...verb, '--data', 'digits', '--partition', `${i}/3`, '--partition-seed', '7', '--backend', 'wasm'], network.hosts[i - 1]!.prefix)
    // a rule that still works when two are left
    const document = join(peers.folder, 'federation.json')
    await writeFile(document, JSON.stringify({ ...presetDocument('digits'), aggregation: { rule: 'mean', f: 0 } }))
    const first = spawn(1, ['start', '--federation', document])
    const address = await first.address(network.hosts[0]!.addresses[1])
    const others = [2, 3].map((i) => spawn(i, ['join', address]))
    const mesh = [first, ...others]
    await Promise.all(mesh.map(identity))
    const allUpAt = Date.now()
    await Promise.all(mesh.map((peer) => peer.line('neighbours:change', isFull)))
    expect(Date.now() - allUpAt).toBeLessThan(20_000)

    first.signal('SIGKILL')
    const killedAt = Date.now()
    const together = others.map((peer) => peer.line('round:end', ({ accepted, time }) => (accepted as number) >= 1 && Date.parse(time) > killedAt + 1_000))
    await Promise.all(together)
  }, 120_000)
})
