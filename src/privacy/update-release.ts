/**
 * Update-level privacy: the change of a whole round, clipped and made noisy as one
 *
 * McMahan et al. 2018, "Learning Differentially Private Recurrent Language Models", with one client: whoever sees the
 * result can hardly tell whether this peer trained at all. Protects a data set as a whole, at a noise that few
 * federations can bear.
 */
import { addNoise } from './noisy-sum.ts'
import { sensitivityFactor } from './sum-rounding.ts'
import type { NoisySumOptions } from './noisy-sum.ts'

/**
 * `start` plus the clipped and noisy difference `trained` - `start`. d elements each; nothing is mutated. A difference
 * that is not finite counts as none
 */
export function releaseUpdate (start: Float32Array, trained: Float32Array, options: Omit<NoisySumOptions, 'sensitivityFactor'>): Float32Array {
  const change = Float64Array.from(trained, (value, i) => value - start[i]!)
  const norm = Math.sqrt(change.reduce((sum, value) => sum + value * value, 0))
  if (!Number.isFinite(norm)) {
    change.fill(0)
  } else if (norm > options.clipNorm) {
    change.forEach((value, i) => { change[i] = value * (options.clipNorm / norm) })
  }
  addNoise(change, { ...options, sensitivityFactor: sensitivityFactor({ examples: 1, parameterCount: change.length }) })
  return start.map((value, i) => value + change[i]!)
}
