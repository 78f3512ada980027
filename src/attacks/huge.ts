/**
 * Attack `huge[:magnitude]`: every parameter keeps its sign and takes the same enormous magnitude
 *
 * The largest magnitude that decoders let pass is the default: it is stopped by the bound on a model's norm, before any
 * aggregation rule. Codecs of less range saturate it.
 */
import { MAX_MAGNITUDE } from '../codec/frame.ts'
import { checkedStrength } from './checked-strength.ts'
import type { Attack } from './attack.ts'

export function huge (magnitude: number = MAX_MAGNITUDE): Attack {
  checkedStrength('huge', magnitude, { above: 0, atMost: MAX_MAGNITUDE })
  return {
    name: 'huge',
    corrupt: ({ own }) => own.map((parameter) => parameter < 0 ? -magnitude : magnitude)
  }
}
