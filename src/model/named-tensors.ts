/**
 * Every weight of a model by its name, as exports carry them
 */
import { weightShapes } from './layer.ts'
import type { NamedTensor } from './tensor-bytes.ts'
import type { ModelPlan } from './topology.ts'

/**
 * Layer by layer, the frozen ones among them: a reader knows nothing of the document. Throws RangeError when the
 * parameters have another length than the model
 */
export function tensorsOf ({ layers, layout, frozen, parameterCount }: ModelPlan, parameters: Float32Array): NamedTensor[] {
  if (parameters.length !== parameterCount) {
    throw new RangeError(`${parameters.length} parameters do not fit a model of ${parameterCount}`)
  }
  const slots = new Map(layout.map((slot) => [slot.name, slot]))
  return layers.flatMap((layer) => weightShapes(layer).map(({ name: tensor, shape }) => {
    const name = `${layer.name}/${tensor}`
    const slot = slots.get(name)
    return { name, shape, values: slot === undefined ? frozen.get(name)! : parameters.subarray(slot.offset, slot.offset + slot.size) }
  }))
}
