/**
 * Rounds' parts that work in slices, at once
 */
import { mix as slicedMix } from '../../src/round/mix.ts'
import { roundPositions } from '../../src/round/round-positions.ts'
import { atOnce } from '../../src/slices.ts'
import type { Aggregator } from '../../src/interface.ts'
import type { Mixed, MixInput, MixOptions } from '../../src/round/mix.ts'
import type { RoundPositions } from '../../src/round/round-positions.ts'

interface Replica {
  peer: string
  parameters: Float32Array
}

export function placed (own: Float32Array, replicas: readonly Replica[], before?: Float32Array): RoundPositions {
  return atOnce(roundPositions(own, replicas, before))
}

/** Replicas of nobody in particular */
export function unnamed (replicas: readonly Float32Array[]): Replica[] {
  return replicas.map((parameters, j) => ({ peer: `${j}`, parameters }))
}

export function mix (input: Omit<MixInput, 'positions'>, aggregator: Aggregator, options: MixOptions): Mixed {
  const replicas = input.entries.map(({ update, parameters }) => ({ peer: update.author, parameters }))
  return atOnce(slicedMix({ ...input, positions: placed(input.own[0]!, replicas) }, aggregator, options))
}
