/**
 * Which kills there are, in what order
 */
import { shuffle } from '../../src/seeded-random.ts'
import { STOPS } from './phases.ts'
import type { Random } from '../../src/interface.ts'
import type { MeshName } from './documents.ts'
import type { Stop } from './phases.ts'
import type { KillPlan } from './victim.ts'

/** 55 of 1,000 for each phase; a prune is a removal or a compaction */
const SHARES: Readonly<Record<Stop, number>> = { charge: 0.055, number: 0.055, publish: 0.055, commit: 0.055, removal: 0.055, compaction: 0.005 }

/** Where only one kind of mesh comes to it, or to it alone */
const ONLY: Readonly<Partial<Record<Stop, MeshName>>> = { commit: 'gossiped', removal: 'pulled', compaction: 'large' }

/** Of the kills at random, so many fall into the start */
const START_SHARE = 0.4

/** The large mesh is slow: it is killed where no other can be, and nowhere else */
function fits (plan: KillPlan, mesh: MeshName): boolean {
  return mesh === 'large' ? plan.kind === 'stop' && ONLY[plan.stop] === mesh : plan.kind !== 'stop' || (ONLY[plan.stop] ?? mesh) === mesh
}

export interface KillQueue {
  readonly left: number
  /** Undefined when there is none left for this mesh */
  next: (mesh: MeshName) => KillPlan | undefined
  /** The kill missed its phase */
  again: (plan: KillPlan) => void
}

/**
 * At least one stop in each phase that these meshes come to, a third as many random kills among them, and the rest of
 * these after them
 */
export function planKills (kills: number, random: Random, meshes: readonly MeshName[]): KillQueue {
  const wanted = STOPS.filter((stop) => meshes.some((mesh) => fits({ kind: 'stop', stop }, mesh)))
  const stops = wanted.flatMap((stop) => Array.from({ length: Math.max(1, Math.round(SHARES[stop] * kills)) }, (): KillPlan => ({ kind: 'stop', stop })))
  const others = Array.from({ length: Math.max(0, kills - stops.length) }, (): KillPlan => ({ kind: random() < START_SHARE ? 'start' : 'work' }))
  const among = Math.round(stops.length / 3)
  const plans = [...shuffle([...stops, ...others.slice(0, among)], random), ...others.slice(among)]
  return {
    get left () { return plans.length },
    next: (mesh) => {
      const index = plans.findIndex((plan) => fits(plan, mesh))
      return index < 0 ? undefined : plans.splice(index, 1)[0]
    },
    again: (plan) => { plans.push(plan) }
  }
}
