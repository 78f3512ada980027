/**
 * The common starting point of a federation: Glorot and Bengio 2010, uniform variant
 *
 * A pure function of the federation document, from a generator of our own, so that all machines and backends start
 * equal.
 */
import { seededRandom } from '../seeded-random.ts'
import { elements } from './layer.ts'
import { planModel } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'

/** Rows of an embedding are uniform in ± this, as in Keras */
const EMBEDDING_LIMIT = 0.05

/**
 * Kernels are uniform in ±sqrt(6 / (fanIn + fanOut)), recurrent ones too (Keras has orthogonal ones); biases are zero,
 * but for 1 of the forget gates of an LSTM with unit_forget_bias. Throws InvalidFederationError as planModel does
 */
export function initialParameters (model: FederationDocument['model']): Float32Array {
  const { layers, layout, parameterCount } = planModel(model)
  const parameters = new Float32Array(parameterCount)
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
