/**
 * Attack `sign-flip[:strength]`: publishes -strength * x, the own honest model turned round
 *
 * For a single liar that knows no one else's model, as bit flipping in Karimireddy, He, Jaggi 2021.
 */
import { checkedStrength } from './checked-strength.ts'
import type { Attack } from './attack.ts'

/** @param strength 1 publishes the mirrored model, more amplifies it */
export function signFlip (strength: number = 1): Attack {
  const factor = -checkedStrength('sign-flip', strength, { above: 0, atMost: 1e6 })
  return {
    name: 'sign-flip',
    corrupt: (parameters) => parameters.map((parameter) => factor * parameter)
  }
}
