/**
 * Attacks `min-max` and `min-sum`: as far as possible while no farther than honest models are from each other
 *
 * Shejwalkar, Houmansadr 2021, "Manipulating the Byzantine": mu + g * p with p = -sd, the largest g such that the
 * largest distance to an honest model is at most the largest between two (min-max), or that the sum of squared
 * distances is at most the largest such sum of an honest one (min-sum). For a liar that knows two models at least;
 * before that it is honest.
 */
import { deviationOf, meanOf, plus, squaredDistance } from './statistics.ts'
import type { Attack } from './attack.ts'

const TOLERANCE = 1e-5
const START = 10

type Reach = (candidate: Float32Array) => number

/** Largest g >= 0 with reach(mu + g p) <= limit; reach grows with g */
function largestScale (mean: Float32Array, direction: Float32Array, reach: Reach, limit: number): number {
  let low = 0
  let high = START
  for (let step = 0; step < 60 && reach(plus(mean, high, direction)) <= limit; step++) {
    low = high
    high *= 2
  }
  while (high - low > TOLERANCE * Math.max(1, low)) {
    const middle = (low + high) / 2
    if (reach(plus(mean, middle, direction)) <= limit) {
      low = middle
    } else {
      high = middle
    }
  }
  return low
}

function within (name: string, reachOf: (distances: readonly number[]) => number): (strength?: number) => Attack {
  return (strength) => {
    if (strength !== undefined) {
      throw new RangeError(`attack ${name}: takes no strength, got ${strength}; it goes as far as it can`)
    }
    return {
      name,
      corrupt: ({ own, observed }) => {
        const models = [own, ...observed]
        const direction = deviationOf(models).map((value) => -value)
        if (direction.every((value) => value === 0)) {
          return own.slice()
        }
        const reach = (candidate: Float32Array): number => reachOf(models.map((model) => squaredDistance(candidate, model)))
        const limit = Math.max(...models.map(reach))
        const mean = meanOf(models)
        return plus(mean, largestScale(mean, direction, reach, limit), direction)
      }
    }
  }
}

export const minMax = within('min-max', (distances) => Math.max(...distances))

export const minSum = within('min-sum', (distances) => distances.reduce((sum, distance) => sum + distance, 0))
