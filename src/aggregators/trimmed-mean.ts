/**
 * Rule `trimmed-mean`: per coordinate, without the f lowest and the f highest numbers
 *
 * Yin, Chen, Ramchandran, Bartlett 2018, definition 2; on a peer's neighbourhood it is BRIDGE-T of Fang, Yang, Bajwa
 * 2022. The own model counts as one of n = neighbours + 1 vectors. Every coordinate of the result lies between the
 * honest numbers as long as at most f neighbours lie, whatever they send.
 */
import { checkedNeighbours } from './checked-input.ts'
import { trimmedMeanOf } from './kernels/trimmed-mean.ts'
import type { Aggregator } from '../interface.ts'

const NAME = 'trimmed-mean'

/** Tolerates f liars among at least 2 f neighbours. f = 0 is the unweighted mean */
export function trimmedMean (f: number): Aggregator {
  const minimumNeighbours = Math.max(1, 2 * f)
  return {
    name: NAME,
    minimumNeighbours,
    aggregate: (input) => {
      const neighbours = checkedNeighbours(input, NAME, minimumNeighbours)
      return {
        parameters: trimmedMeanOf([input.own, ...neighbours.map(({ parameters }) => parameters)], f),
        excluded: []
      }
    }
  }
}
