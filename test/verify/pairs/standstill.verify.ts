/**
 * A peer that stands still for some seconds, for so long or so shortly that its connections may or may not survive it.
 * npm run verify:pairs
 */
import { expect, it } from 'vitest'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { MAX_LONELY, Mesh, elapse, report } from './mesh.ts'

/** Connections are given up after 12 s without a byte; a peer is left out as slow after three deadlines of a second */
const STANDSTILLS_MS = [4_000, 7_000, 10_000, 12_000, 13_000]

it('takes part again in time, however long it stood still', async () => {
  await using peers = await PeerSet.create()
  const mesh = await Mesh.create(peers, { count: 4 })
  await mesh.start()
  await mesh.mixed()
  for (const durationMs of STANDSTILLS_MS) {
    const victim = mesh.sites.at(-1)!
    const fromMs = performance.now()
    victim.peer.signal('SIGSTOP')
    await elapse(durationMs)
    victim.peer.signal('SIGCONT')
    const result = await mesh.regained(performance.now())
    const unmixed = mesh.sites.map((site) => site.spent(fromMs).unmixed)
    report({ stoodStillMs: durationMs, unmixed, ...result })
    expect.soft(Math.max(...unmixed)).toBeLessThanOrEqual(MAX_LONELY)
  }
  await mesh.expectNobodyBanned()
  await mesh.stop()
}, 400_000)
