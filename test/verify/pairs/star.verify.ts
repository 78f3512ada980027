/**
 * Private peers around one that all dial, and that alone they reach. npm run verify:pairs
 */
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PeerSet } from '../../e2e/peer-driver.ts'
import { createVirtualNetwork, whyNoVirtualHosts } from '../../e2e/virtual-hosts.ts'
import { MAX_LONELY, Mesh, elapse, report } from './mesh.ts'

const SPOKES = 4
const STILL_MS = 30_000
const PROGRAM = resolve(import.meta.dirname, '../../../dist/peer/main.js')

const reason = whyNoVirtualHosts()
describe.skipIf(reason !== undefined)(reason === undefined ? 'a star of private peers' : `a star of private peers (skipped: ${reason})`, () => {
  it('mixes all, wastes two rounds of each at most while its hub stands still, and goes on when it is back', async () => {
    using network = createVirtualNetwork('star', Array.from({ length: SPOKES + 1 }, (_, i) => [{ address: `10.78.${i + 1}.1` }]))
    const [, ...spokeHosts] = network.hosts
    spokeHosts.forEach((host, i) => { spokeHosts.slice(0, i).forEach((other) => { network.between(host, other, 'dropped') }) })
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: SPOKES + 1, hosts: network.hosts })
    const [hub, ...spokes] = mesh.sites
    await mesh.start()
    await mesh.mixed()
    for (const [i, spoke] of spokes.entries()) {
      const [command, ...args] = [...spokeHosts[i]!.prefix, process.execPath, PROGRAM, 'status', '--home', peers.home(spoke.name)]
      const status = execFileSync(command, args, { encoding: 'utf8' })
      expect.soft(status).toContain(`${SPOKES} live of ${SPOKES} neighbours`)
      expect.soft(status).not.toContain('do not flow')
    }
    const stillMs = performance.now()
    hub!.peer.signal('SIGSTOP')
    await elapse(STILL_MS)
    hub!.peer.signal('SIGCONT')
    const result = await mesh.regained(performance.now())
    const unmixed = mesh.sites.map((site) => site.spent(stillMs).unmixed)
    report({ star: SPOKES, before: mesh.sites.map((site) => site.spent()), unmixed, ...result })
    expect.soft(Math.max(...unmixed)).toBeLessThanOrEqual(MAX_LONELY)
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)

  it('mixes all where two of the spokes are one site, which reach each other as well', async () => {
    using network = createVirtualNetwork('site', Array.from({ length: SPOKES + 1 }, (_, i) => [{ address: `10.79.${i + 1}.1` }]))
    const [, ...spokeHosts] = network.hosts
    const pairs = spokeHosts.flatMap((host, i) => spokeHosts.slice(0, i).map((other) => [host, other] as const))
    // the first of them is the site
    pairs.slice(1).forEach(([host, other]) => { network.between(host, other, 'dropped') })
    await using peers = await PeerSet.create()
    const mesh = await Mesh.create(peers, { count: SPOKES + 1, hosts: network.hosts })
    await mesh.start()
    await mesh.mixed()
    // longer than anybody keeps a place for whom too few vouch
    await elapse(STILL_MS)
    const result = await mesh.regained(performance.now())
    report({ site: 2, of: SPOKES, spent: mesh.sites.map((site) => site.spent()), ...result })
    await mesh.expectNobodyBanned()
    await mesh.stop()
  }, 400_000)
})
