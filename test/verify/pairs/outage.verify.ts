/**
 * A to D of what broke in use, two at a time: real processes. npm run verify:pairs
 */
import { describe, expect, it } from 'vitest'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { Swarm } from '../../../bench/attacks/ghosts.ts'
import { MAX_LONELY, Mesh, elapse, report, returned } from './mesh.ts'
import type { Site } from './site.ts'

const AWAY_MS = 60_000

const now = (): number => performance.now()

/** Who of these was ever among the neighbours of a peer */
function placesOf (site: Site, names: ReadonlySet<string>): string[] {
  const all = site.lines.filter(({ type }) => type === 'neighbours:change').flatMap((line) => (line['neighbours'] as Array<{ peer: string }>).map(({ peer }) => peer))
  return [...new Set(all.filter((peer) => names.has(peer)))]
}

describe('an outage and a swarm', () => {
  it.each([false, true])('cost the peer that is left two rounds at most, and give ghosts no place (stranger poses as their hub: %s)', async (poses) => {
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 3 })
    await mesh.start()
    await mesh.mixed()
    const [left, ...away] = mesh.sites as [Site, Site, Site]
    const outageMs = now()
    await using swarm = await Swarm.begin({ federation: await mesh.federation(), addresses: [await mesh.address(left)], ghosts: 1_300, poses })
    await Promise.all(away.map(async (site) => site.kill()))
    await elapse(AWAY_MS)
    const lonely = left.spent(outageMs)
    away.forEach((site) => { mesh.restart(site) })
    const result = await mesh.regained(await returned(away))
    const ghosts = placesOf(left, swarm.names)
    report({ poses, lonely, result, ghosts: ghosts.length })
    expect.soft(lonely.unmixed).toBeLessThanOrEqual(MAX_LONELY)
    expect.soft(left.spent(outageMs).unmixed).toBeLessThanOrEqual(MAX_LONELY)
    expect.soft(ghosts.length).toBe(0)
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)
})
