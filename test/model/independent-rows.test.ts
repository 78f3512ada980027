/**
 * What the bound on the rounding of a clipped sum needs: an example's gradient is the same to the last bit in whatever
 * batch, whatever the layers
 */
import { describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { LayerGraph } from '../../src/model/layer-graph.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { planModel } from '../../src/model/topology.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { availableBackends, entry, federation, KERAS_SEQUENCES, randomBatch, SEQUENCES, sequential } from './models.ts'
import type { Batch } from '../../src/model/layer-graph.ts'
import type { DocumentInit } from './models.ts'

type Entry = ReturnType<typeof entry>

/** No multiple of any width of a vector */
const COUNT = 37

const exact = (await availableBackends()).filter((name) => name !== 'tensorflow')

const output = entry('Dense', 'output', { units: 3, activation: 'softmax' })
const flatten = entry('Flatten', 'flatten')
const convolution = (name: string, config: object): Entry => entry('Conv2D', name, { filters: 5, kernel_size: [3, 3], ...config })
const model = (shape: [number, number, number], layers: readonly Entry[]): DocumentInit => ({ shape, classes: 3, topology: sequential(shape, [...layers, output]) })

const MODELS: Record<string, DocumentInit> = {
  ...Object.fromEntries(['linear', 'relu', 'sigmoid', 'tanh', 'elu'].flatMap((activation) => [
    [`dense, ${activation}`, model([3, 3, 1], [flatten, entry('Dense', 'a', { units: 7, activation }), entry('Dense', 'b', { units: 13, activation })])],
    [`convolutions and poolings, ${activation}`, model([7, 7, 3], [
      convolution('a', { activation, padding: 'same' }), entry('MaxPooling2D', 'b', { pool_size: [2, 2] }),
      convolution('c', { activation, padding: 'same', filters: 9 }), entry('AveragePooling2D', 'd', { pool_size: [2, 2] }), flatten
    ])]
  ])),
  ...SEQUENCES,
  ...KERAS_SEQUENCES,
  'leaky rectifiers': model([3, 3, 1], [flatten, entry('Dense', 'a', { units: 7 }), entry('LeakyReLU', 'b', { alpha: 0.3 })]),
  'a mean over all pixels': model([7, 7, 3], [convolution('a', { activation: 'tanh' }), entry('GlobalAveragePooling2D', 'b')]),
  'a convolution with strides': model([9, 8, 2], [convolution('a', { strides: [2, 2], activation: 'elu', padding: 'same' }), flatten])
}

function select (batch: Batch, indices: readonly number[]): Batch {
  const features = batch.inputs.length / COUNT
  const rows = indices.flatMap((index) => [...batch.inputs.subarray(index * features, (index + 1) * features)])
  return { inputs: Float32Array.from(rows), labels: Uint16Array.from(indices, (index) => batch.labels[index]!), count: indices.length }
}

describe.each(exact)('the gradient of an example on %s', (backendName) => {
  it.each(Object.keys(MODELS))('does not depend on the others, nor on its place among them: %s', async (name) => {
    const { model } = federation(MODELS[name]!)
    const plan = planModel(model)
    const graph = new LayerGraph(plan, model.loss, await loadBackend(backendName))
    const parameters = initialParameters(model).map((value, i) => value + 0.05 * Math.sin(i))
    const batch = randomBatch(model, COUNT)
    const normsOf = (indices: readonly number[]): number[] =>
      [...graph.clippedGradientSum(parameters, select(batch, indices), new Float64Array(plan.parameterCount), { clipNorm: 0.1, random: seededRandom(1) }).norms]
    const all = Array.from({ length: COUNT }, (_, i) => i)
    const alone = all.flatMap((index) => normsOf([index]))
    for (const indices of [all, all.toReversed(), ...[2, 3, 7, 16, 17].map((size) => all.slice(5, 5 + size).reverse())]) {
      expect(normsOf(indices)).toEqual(indices.map((index) => alone[index]))
    }
  })
})
