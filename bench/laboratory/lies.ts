/**
 * What the Byzantine neighbours of a target say in a laboratory: they know everything, and may tell each target something else
 */
import { deviationOf, meanOf, plus } from '../../src/attacks/statistics.ts'
import { spectralDirection } from '../../src/attacks/directions.ts'
import type { GridAttack } from './cell.ts'

export interface Target {
  index: number
  /** All honest models of this round, the target's included */
  models: readonly Float32Array[]
  /** Indices of the target's honest neighbours */
  neighbours: readonly number[]
  byzantine: number
  fiedler: Float64Array
  /** Models trained on wrong labels; empty unless the attack is label-flip */
  poisoned: readonly Float32Array[]
  round: number
}

/** From where a lie starts and which way it goes; how far is chosen for each target */
export interface Direction {
  base: Float32Array
  direction: Float32Array
}

/** Undefined for attacks that have no strength */
export function directionOf (attack: GridAttack, target: Target): Direction | undefined {
  const { index, models, neighbours, byzantine, fiedler } = target
  const own = models[index]!
  const known = [own, ...neighbours.map((j) => models[j]!)]
  switch (attack) {
    case 'alie*': return { base: meanOf(known), direction: deviationOf(known).map((value) => -value) }
    case 'foe*': return { base: own, direction: meanOf(known).map((value) => -value) }
    case 'dissensus*': {
      // equal weights: sum_j w_ij (x_j - x_i) / sum_b w_ib
      const pull = plus(meanOf(known.slice(1)), -1, own)
      return { base: own, direction: pull.map((value) => -value * neighbours.length / byzantine) }
    }
    case 'spectral*': {
      const sum = spectralDirection(models, fiedler)
      return { base: own, direction: sum.map((value) => value * fiedler[index]!) }
    }
    default: return undefined
  }
}

/** One message for each Byzantine neighbour, for attacks without a strength */
export function fixedLies (attack: GridAttack, { index, models, neighbours, byzantine, poisoned, round }: Target): Float32Array[] {
  const each = (lie: (b: number) => Float32Array): Float32Array[] => Array.from({ length: byzantine }, (_, b) => lie(b))
  switch (attack) {
    case 'sign-flip': {
      const flipped = meanOf([models[index]!, ...neighbours.map((j) => models[j]!)]).map((value) => -value)
      return each(() => flipped)
    }
    case 'label-flip':
    case 'backdoor': return each((b) => poisoned[b % poisoned.length]!)
    // model replacement (Bagdasaryan et al. 2020): as much farther as its weight in a mean would shrink it
    case 'backdoor-boosted': return each((b) => {
      const own = models[index]!
      return plus(own, (neighbours.length + byzantine + 1) / byzantine, plus(poisoned[b % poisoned.length]!, -1, own))
    })
    // no attack: the extra neighbours send copies of honest models
    default: return each((b) => models[(index + 1 + b + round) % models.length]!)
  }
}
