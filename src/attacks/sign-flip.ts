/**
 * Attack `sign-flip[:strength]`: publishes -strength * mu, mu the mean of all honest models that it knows
 *
 * A liar that knows no one else's model turns its own round: bit flipping in Karimireddy, He, Jaggi 2021.
 */
import { checkedStrength } from './checked-strength.ts'
import { meanOf } from './statistics.ts'
import type { Attack } from './attack.ts'

/** @param strength 1 publishes the mirrored mean, more amplifies it */
export function signFlip (strength: number = 1): Attack {
  const factor = -checkedStrength('sign-flip', strength, { above: 0, atMost: 1e6 })
  return {
    name: 'sign-flip',
    corrupt: ({ own, observed }) => meanOf([own, ...observed]).map((value) => factor * value)
  }
}
