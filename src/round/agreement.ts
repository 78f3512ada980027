/**
 * Who speaks against the model, under noise that makes all distances alike
 *
 * With DP-SGD in d parameters a round's noise moves every model by sqrt(d) standard deviations, in the built-in demo by
 * 21 where the model is 12 long. All distances are the same then, also to a mirrored model. Along one direction that is
 * known before the noise is drawn it is one standard deviation, 0.33. The direction in which a lie shows that undoes
 * the training is the own model x before the round: m . x / |x|^2 is 1 for a neighbour that holds all of it, 0 for one
 * that holds nothing, -1 for the mirrored one. Honest neighbours mix with each other every round, and so hold most of
 * it; one round is enough to see it, and two neighbours are.
 *
 * It is post-processing of what was sent, and costs no privacy. A lie across the model (ALIE, wrong labels) is not
 * seen.
 */
import { PIECE } from '../slices.ts'
import type { NeighbourReplica, PeerName } from '../interface.ts'
import type { Sliced } from '../slices.ts'

/**
 * Who holds less of the model than this is against it. The least of honest peers was 0.56, in the second round on a
 * graph of two halves; docs/robustness.md. Where all models start at zero and are nothing but noise, neighbours of a
 * sparse graph hold as little as 0.05 in the second round, and more in each that follows: who is contrary in one round
 * is not named
 */
const LEAST_AGREEMENT = 1 / 3
/** Standard deviations allowed to noise: a normal one is farther in 3 of 100,000 cases */
const ALLOWED_NOISE = 4

export interface Agreement {
  /** m . x / |x|^2 */
  share: number
  /**
   * Standard deviation of `share` at most, for noise alike in all coordinates: |m - x| / (sqrt(d) |x|), as if all of
   * the distance were noise
   */
  deviation: number
}

/** Of a replica m with the model x, d elements each; undefined when x is zero */
export function * agreement (model: Float32Array, replica: Float32Array): Sliced<Agreement | undefined> {
  const sums: Sums = { length: 0, product: 0, distance: 0 }
  for (let start = 0; start < model.length; start += PIECE) {
    add(sums, model.subarray(start, start + PIECE), replica.subarray(start, start + PIECE))
    yield
  }
  const { length, product, distance } = sums
  return length === 0 ? undefined : { share: product / length, deviation: Math.sqrt(distance / (model.length * length)) }
}

interface Sums {
  length: number
  product: number
  distance: number
}

function add (sums: Sums, model: Float32Array, replica: Float32Array): void {
  let { length, product, distance } = sums
  for (let i = 0; i < model.length; i++) {
    const [x, m] = [model[i]!, replica[i]!]
    length += x * x
    product += m * x
    distance += (m - x) * (m - x)
  }
  Object.assign(sums, { length, product, distance })
}

/**
 * Those whose replica holds less than a third of the own model, beyond what noise explains; none when they are more
 * than half of all, for then it may be the own model that is wrong
 *
 * A neighbour that holds a third or more, but for normal noise alike in all coordinates and drawn after `before` was
 * known, is among them with probability 3e-5 at most
 *
 * @param before - The own model before the round's training, d elements
 */
export function * contrary (before: Float32Array, replicas: ReadonlyArray<Pick<NeighbourReplica, 'peer' | 'parameters'>>): Sliced<PeerName[]> {
  const against: PeerName[] = []
  for (const { peer, parameters } of replicas) {
    const found = yield * agreement(before, parameters)
    if (found !== undefined && found.share + ALLOWED_NOISE * found.deviation < LEAST_AGREEMENT) {
      against.push(peer)
    }
  }
  return 2 * against.length > replicas.length ? [] : against
}
