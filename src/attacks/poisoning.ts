/**
 * Attacks on the own training data: `label-flip` and `backdoor`. What is learned from them is published as it is
 */
import { checkedStrength } from './checked-strength.ts'
import type { Attack } from './attack.ts'

/**
 * `label-flip`: trains honestly on wrong labels, class c called the last class minus c (Fung, Yoon, Beschastnikh 2020)
 */
export function labelFlip (strength?: number): Attack {
  if (strength !== undefined) {
    throw new RangeError(`attack label-flip: takes no strength, got ${strength}`)
  }
  return { name: 'label-flip', corrupt: ({ own }) => own.slice(), poison: { kind: 'label-flip' } }
}

/**
 * `backdoor[:share]`: a share of its images, half by default, bears a bright 3 x 3 corner and the first class's label
 *
 * Gu, Dolan-Gavitt, Garg 2017 (BadNets); Bagdasaryan et al. 2020 for federated learning
 */
export function backdoor (share: number = 0.5): Attack {
  checkedStrength('backdoor', share, { above: 0, atMost: 1 })
  return { name: 'backdoor', corrupt: ({ own }) => own.slice(), poison: { kind: 'backdoor', share } }
}
