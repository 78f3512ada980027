/**
 * Three peers on hosts of their own, with default flags: they find each other, and two go on when the first is gone
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { presetDocument } from '../../src/presets.ts'
import type { PeerDriver, PeerLine, PeerSet } from './peer-driver.ts'
import type { VirtualHost } from './virtual-hosts.ts'

const isFull = ({ neighbours }: PeerLine): boolean => (neighbours as Array<{ live: boolean }>).filter(({ live }) => live).length === 2

export interface RoutedPeers {
  mesh: [PeerDriver, PeerDriver, PeerDriver]
  /** Milliseconds from the last peer's first word until all saw two live neighbours */
  metMs: number
}

/** `join`: which address of the first host the others are told */
export async function meet (peers: PeerSet, hosts: readonly VirtualHost[], joinAt: string): Promise<RoutedPeers> {
  // a rule that still works when two are left
  const document = join(peers.folder, 'federation.json')
  await writeFile(document, JSON.stringify({ ...presetDocument('digits'), aggregation: { rule: 'mean', f: 0 } }))
  const spawn = (i: number, verb: string[]): PeerDriver =>
    peers.spawn(`peer-${i}`, [...verb, '--data', 'digits', '--partition', `${i}/3`, '--partition-seed', '7', '--backend', 'wasm'], hosts[i - 1]!.prefix)
  const first = spawn(1, ['start', '--federation', document])
  const address = await first.address(joinAt)
  const mesh: RoutedPeers['mesh'] = [first, spawn(2, ['join', address]), spawn(3, ['join', address])]
  await Promise.all(mesh.map(async (peer) => peer.line('listening')))
  const startedAt = Date.now()
  await Promise.all(mesh.map(async (peer) => peer.line('neighbours:change', isFull)))
  return { mesh, metMs: Date.now() - startedAt }
}

/** Resolves when each of the peers has finished a round, begun after now, with an update of another */
export async function mixAgain (peers: readonly PeerDriver[]): Promise<void> {
  await Promise.all(peers.map(async (peer) => {
    const from = peer.lines.length
    const { round } = await peer.line('round:start', () => true, { from })
    await peer.line('round:end', (line) => (line['accepted'] as number) >= 1 && (line['round'] as number) >= (round as number), { from })
  }))
}
