/**
 * Clocks that are wrong for a while, with a restart, a crash or an outage on top. npm run verify:pairs
 */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLevelStore } from '../../../src/store/level-store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { MAX_LONELY, Mesh, elapse, report, returned } from './mesh.ts'
import type { Site } from './site.ts'

const SHIFT_MS = 100 * 86_400_000
const AWAY_MS = 30_000

/** Ids whose addresses a stopped peer remembers */
async function remembered (peers: PeerSet, { name }: Site): Promise<string[]> {
  const store = createLevelStore({ location: join(peers.home(name), 'db'), clock: systemClock })
  await store.open()
  try {
    return (await store.peers()).map(({ peer }) => peer).sort()
  } finally {
    await store.close()
  }
}

describe('a clock that is 100 days ahead', () => {
  it('at one start, then a crash and a return with the right one: all mix again in time, with nobody banned or forgotten', async () => {
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 3 })
    await mesh.start()
    await mesh.mixed()
    const victim = mesh.sites[2]!
    const others = await Promise.all(mesh.sites.slice(0, 2).map(async (site) => site.id()))
    const beganMs = performance.now()
    await victim.goodbye()
    mesh.restart(victim, { shiftMs: SHIFT_MS })
    const ahead = await mesh.regained(await returned([victim]))
    await victim.kill()
    expect.soft(await remembered(peers, victim)).toEqual(expect.arrayContaining(others))
    mesh.restart(victim)
    const right = await mesh.regained(await returned([victim]))
    const unmixed = mesh.sites.map((site) => site.spent(beganMs).unmixed)
    report({ clock: 'restart', ahead, right, unmixed })
    // an end in the middle of a round may cost a round, and there were two
    expect.soft(Math.max(...unmixed)).toBeLessThanOrEqual(2 * MAX_LONELY)
    await mesh.expectNobodyBanned()
    await mesh.stop()
    expect.soft(await remembered(peers, victim)).toEqual(expect.arrayContaining(others))
  }, 400_000)

  it('in a running peer whose neighbours are away: it waits as cheaply, all mix again in time, also after its crash and return with the right one', async () => {
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: 3 })
    const [left, ...away] = mesh.sites as [Site, Site, Site]
    await mesh.start({ shiftMs: SHIFT_MS, later: true })
    await mesh.mixed()
    const outageMs = performance.now()
    await Promise.all(away.map(async (site) => site.kill()))
    await elapse(AWAY_MS / 2)
    left.jumpClock()
    await elapse(AWAY_MS / 2)
    away.forEach((site) => { mesh.restart(site) })
    const back = await mesh.regained(await returned(away))
    const unmixed = left.spent(outageMs).unmixed
    await left.kill()
    mesh.restart(left)
    const right = await mesh.regained(await returned([left]))
    report({ clock: 'outage', back, right, unmixed, all: mesh.sites.map((site) => site.spent(outageMs).unmixed) })
    expect.soft(Date.parse(left.lives[0]!.lines.at(-1)!.time) - Date.now()).toBeGreaterThan(SHIFT_MS / 2)
    expect.soft(unmixed).toBeLessThanOrEqual(MAX_LONELY)
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)
})
