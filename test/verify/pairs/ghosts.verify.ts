/**
 * Made-up members who say that they are ready, around one who has nobody else. npm run verify:pairs
 */
import { describe, expect, it } from 'vitest'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { Swarm } from '../../../bench/attacks/ghosts.ts'
import { Mesh, elapse, report } from './mesh.ts'
import type { Site } from './site.ts'

const GHOSTS = 200
const WATCHED_MS = 60_000

describe('a lone peer of a mesh in which nobody has published', () => {
  it('pays for nothing by the word of ghosts, and begins with the first two who are really there', async () => {
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 3 })
    const [lone, ...others] = mesh.sites as [Site, Site, Site]
    lone.start(mesh.founding)
    const address = await mesh.address(lone)
    await using swarm = await Swarm.begin({ federation: await mesh.federation(), addresses: [address], ghosts: GHOSTS })
    await elapse(WATCHED_MS)
    const alone = lone.spent()
    others.forEach((site) => { site.start(['join', address]) })
    await mesh.mixed()
    report({ ghosts: swarm.names.size, alone, after: mesh.sites.map((site) => site.spent()) })
    expect.soft(alone.paid).toBe(0)
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)

  it('pays for single rounds, ever more rarely, where a stranger poses as the hub that they are behind', async () => {
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 3 })
    const lone = mesh.sites[0]!
    lone.start(mesh.founding)
    await using swarm = await Swarm.begin({ federation: await mesh.federation(), addresses: [await mesh.address(lone)], ghosts: GHOSTS, poses: true })
    await elapse(WATCHED_MS)
    const alone = lone.spent()
    report({ ghosts: swarm.names.size, behind: 'hub', alone })
    // no spoke can tell this from a star: 0, 5, 15 and 35 s after the first
    expect.soft(alone.paid).toBeLessThanOrEqual(4)
    await lone.goodbye()
  }, 400_000)
})
