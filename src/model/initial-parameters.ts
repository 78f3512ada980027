/**
 * The common starting point of a federation: Glorot and Bengio 2010, uniform variant
 *
 * A pure function of the federation document, from a generator of our own, so that all machines and backends start
 * equal.
 */
import { seededRandom } from '../seeded-random.ts'
import { elements } from './layer.ts'
import { inspectTopology } from './topology.ts'
import type { FederationDocument } from '../federation/document.ts'

/**
 * Kernels are uniform in ±sqrt(6 / (fanIn + fanOut)); biases are zero. Throws InvalidFederationError as inspectTopology
 * does
 */
export function initialParameters (model: FederationDocument['model']): Float32Array {
  const { layout, parameterCount } = inspectTopology(model)
  const parameters = new Float32Array(parameterCount)
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
