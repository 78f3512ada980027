/**
 * The common starting point of a federation: Glorot and Bengio 2010, uniform variant, or the weights that it brings
 * along
 *
 * A pure function of the federation document and its weights, from a generator of our own, so that all machines and
 * backends start equal.
 */
import { WeightsError } from '../errors.ts'
import { seededRandom } from '../seeded-random.ts'
import { elements } from './layer.ts'
import { inspectTopology } from './topology.ts'
import type { ParameterSlot } from '../interface.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { ModelWeights } from './canonical-weights.ts'

/**
 * Kernels are uniform in ±sqrt(6 / (fanIn + fanOut)); biases are zero. With `model.weights`: those of the layers that
 * learn
 *
 * Throws InvalidFederationError as inspectTopology does, WeightsError where weights are needed and not given
 */
export function initialParameters (model: FederationDocument['model'], weights?: ModelWeights): Float32Array {
  const { layout, parameterCount } = inspectTopology(model)
  const parameters = new Float32Array(parameterCount)
  if (model.weights !== undefined) {
    return filled(parameters, layout, weights ?? missing(model.weights))
  }
  const random = seededRandom(model.seed)
  for (const { shape, offset, size } of layout) {
    if (shape.length < 2) {
      continue
    }
    const receptiveField = elements(shape.slice(0, -2))
    const limit = Math.sqrt(6 / (receptiveField * (shape.at(-2)! + shape.at(-1)!)))
    for (let i = offset; i < offset + size; i++) {
      parameters[i] = limit * (2 * random() - 1)
    }
  }
  return parameters
}

function filled (parameters: Float32Array, layout: readonly ParameterSlot[], weights: ModelWeights): Float32Array {
  for (const { name, offset } of layout) {
    parameters.set(weights.get(name)!, offset)
  }
  return parameters
}

function missing ({ sha256 }: NonNullable<FederationDocument['model']['weights']>): never {
  throw new WeightsError(`the weights of SHA-256 ${sha256} are needed, which the federation starts from`, 'missing')
}
