/**
 * Attack `gaussian[:stdDev]`: publishes x + N(0, stdDev^2), independent for every parameter
 *
 * The literature uses 1, and 200 for a loud liar.
 */
import { seededNormal } from '../seeded-random.ts'
import { checkedStrength } from './checked-strength.ts'
import type { Attack } from './attack.ts'

export function gaussian (stdDev: number = 1): Attack {
  checkedStrength('gaussian', stdDev, { above: 0, atMost: 1e6 })
  return {
    name: 'gaussian',
    corrupt: ({ own, random }) => {
      const normal = seededNormal(random)
      return own.map((parameter) => parameter + stdDev * normal())
    }
  }
}
