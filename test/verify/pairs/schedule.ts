/**
 * What befalls a mesh in a long trial: one event after another, from a seed
 */
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { PeerProcess } from '../../../testnet/peer-process.ts'
import { returned } from './mesh.ts'
import type { Random } from '../../../src/interface.ts'
import type { VirtualHost, VirtualNetwork } from '../../e2e/virtual-hosts.ts'
import type { Mesh } from './mesh.ts'
import type { Site } from './site.ts'

const DAY_MS = 86_400_000
const GHOSTS = 200
const SWARM = resolve(import.meta.dirname, '../../../dist/bench/ghost-swarm.js')

export interface Scene {
  mesh: Mesh
  network: VirtualNetwork
  /** Where the stranger is */
  strangerHost: VirtualHost
}

export interface Happening {
  kind: keyof typeof EVENTS
  victim: Site
  durationMs: number
}

/** Each resolves when everything is reachable again, with the time at which it was, as performance.now() has it */
const EVENTS = {
  'kill and return': async ({ mesh }: Scene, victim: Site, durationMs: number) => {
    await victim.kill()
    await setTimeout(durationMs)
    mesh.restart(victim)
    return returned([victim])
  },
  standstill: async (_: Scene, victim: Site, durationMs: number) => {
    victim.peer.signal('SIGSTOP')
    await setTimeout(durationMs)
    victim.peer.signal('SIGCONT')
    return performance.now()
  },
  'goodbye and return': async ({ mesh }: Scene, victim: Site, durationMs: number) => {
    await victim.goodbye()
    await setTimeout(durationMs)
    mesh.restart(victim)
    return returned([victim])
  },
  'pulled link': async ({ mesh, network }: Scene, victim: Site, durationMs: number) => {
    const host = network.hosts[mesh.sites.indexOf(victim)]!
    network.cable(host, 'down')
    await setTimeout(durationMs)
    network.cable(host, 'up')
    return performance.now()
  },
  'ghost flood': async ({ mesh, strangerHost }: Scene, victim: Site, durationMs: number) => {
    const target = ['--federation', await mesh.federation(), '--address', await mesh.address(victim), '--ghosts', String(GHOSTS), '--poses']
    const swarm = new PeerProcess({ command: [...strangerHost.prefix, process.execPath, SWARM, ...target], environment: process.env, onLine: () => {} })
    try {
      await setTimeout(durationMs)
    } finally {
      swarm.signal('SIGKILL')
    }
    const { error, code } = await swarm.exited
    if (error !== undefined || code !== null) {
      throw new Error(`the swarm ended by itself: ${swarm.stderr().join('\n')}`)
    }
    return performance.now()
  },
  'clock jump at a restart': async ({ mesh }: Scene, victim: Site, durationMs: number) => {
    await victim.kill()
    mesh.restart(victim, { shiftMs: 100 * DAY_MS })
    await returned([victim])
    await setTimeout(durationMs)
    await victim.kill()
    mesh.restart(victim)
    return returned([victim])
  }
}

/** 10 to 40 s of something for somebody; each kind comes before any comes again */
export function * happenings (sites: readonly Site[], random: Random): Generator<Happening, never> {
  const kinds = Object.keys(EVENTS) as Array<keyof typeof EVENTS>
  for (;;) {
    const order = kinds.map((kind) => ({ kind, at: random() })).sort((a, b) => a.at - b.at)
    for (const { kind } of order) {
      yield { kind, victim: sites[Math.floor(random() * sites.length)]!, durationMs: Math.round(10_000 + 30_000 * random()) }
    }
  }
}

/** Resolves with the time from which on everything is reachable again */
export async function happen (scene: Scene, { kind, victim, durationMs }: Happening): Promise<number> {
  return EVENTS[kind](scene, victim, durationMs)
}
