/**
 * Attacks that publish what was honest once, or somewhere else: `mimic` and `stale`
 */
import { checkedStrength } from './checked-strength.ts'
import type { Attack } from './attack.ts'

/**
 * `mimic`: always the model of the same neighbour, which so counts twice
 *
 * Karimireddy, He, Jaggi 2022, section 3.2, in its simplest form
 */
export function mimic (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack mimic: takes no strength, got ${strength}`)
  }
  return { name: 'mimic', corrupt: ({ own, observed }) => (observed[0] ?? own).slice() }
}

/** `stale[:rounds]`: the own model of so many rounds ago, 5 by default, signed as if it were new */
export function stale (rounds: number = 5): Attack {
  checkedStrength('stale', rounds, { above: 0, atMost: 100 })
  if (!Number.isInteger(rounds)) {
    throw new RangeError(`attack stale: the strength is a whole number of rounds, not ${rounds}`)
  }
  const past: Float32Array[] = []
  return {
    name: 'stale',
    corrupt: ({ own }) => {
      past.push(own.slice())
      if (past.length > rounds + 1) {
        past.shift()
      }
      return past[0]!.slice()
    }
  }
}
