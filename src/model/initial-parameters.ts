/**
 * The common starting point of a federation: Glorot and Bengio 2010, uniform variant, or the weights that it brings
 * along
 *
 * A pure function of the federation document and its weights, from a generator of our own, so that all machines and
 * backends start equal.
 */
import { seededRandom } from '../seeded-random.ts'
import { elements } from './layer.ts'
import { planModel } from './topology.ts'
import type { ParameterSlot } from '../interface.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { ModelWeights } from './canonical-weights.ts'

/** Rows of an embedding are uniform in ± this, as in Keras */
const EMBEDDING_LIMIT = 0.05

/**
 * Kernels are uniform in ±sqrt(6 / (fanIn + fanOut)), recurrent ones too (Keras has orthogonal ones); biases are zero,
 * but for 1 of the forget gates of an LSTM with unit_forget_bias. With `model.weights`: those of the layers that learn
 *
 * Throws InvalidFederationError as planModel does, WeightsError where weights are needed and not given
 */
export function initialParameters (model: FederationDocument['model'], weights?: ModelWeights): Float32Array {
  const { layers, layout, parameterCount } = planModel(model, weights)
  const parameters = new Float32Array(parameterCount)
  if (model.weights !== undefined && weights !== undefined) {
    return filled(parameters, layout, weights)
  }
  const random = seededRandom(model.seed)
  const forgetting = new Map(layers.map((layer) => [`${layer.name}/bias`, layer.kind === 'lstm' && layer.unitForgetBias ? layer.units : 0]))
  for (const { name, shape, offset, size } of layout) {
    if (name.endsWith('/bias')) {
      const units = forgetting.get(name)!
      parameters.fill(1, offset + units, offset + 2 * units)
      continue
    }
    const receptiveField = elements(shape.slice(0, -2))
    const limit = name.endsWith('/embeddings') ? EMBEDDING_LIMIT : Math.sqrt(6 / (receptiveField * (shape.at(-2)! + shape.at(-1)!)))
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
