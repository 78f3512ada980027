/**
 * Functional models that are chains become the Sequential ones that they are; all others are refused with the place
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tfl from '@tensorflow/tfjs-layers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readModelFile } from '../../peer/model-file.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { presetDocument } from '../../src/presets.ts'

interface GraphLayer { class_name: string, name?: string, config: Record<string, unknown>, inbound_nodes: unknown[] }
interface Graph { class_name: string, config: { name: string, layers: GraphLayer[], input_layers: unknown, output_layers: unknown } }

const FIXTURES = join(import.meta.dirname, '../fixtures')
const KERAS3 = JSON.parse(readFileSync(join(FIXTURES, 'keras3_graphs.json'), 'utf8')) as Record<string, Graph>
const SEQUENTIAL = JSON.parse(readFileSync(join(FIXTURES, 'keras-weights/model.json'), 'utf8')) as object

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-graph-'))
  await loadBackend('cpu')
})
afterAll(async () => { await rm(folder, { recursive: true }) })

async function read (value: unknown, shape = [8, 8, 1]): ReturnType<typeof readModelFile> {
  const file = join(folder, `graph-${++files}.json`)
  await writeFile(file, JSON.stringify(value))
  const { topology: _, loss: __, ...model } = presetDocument('digits').model
  return readModelFile(file, { ...model, labels: ['0', '1', '2'], input: { kind: 'image', shape, mean: 0, stdDev: 1 } })
}

/** The same graph in the words of Keras 2: calls are lists, and names of inputs and outputs lie in one more list */
function keras2 ({ config }: Graph, className = 'Functional'): Graph {
  const source = (call: unknown): unknown => {
    const tensors = [...JSON.stringify(call).matchAll(/"keras_history":\["([^"]+)",(\d+),(\d+)\]/g)]
    return tensors.map(([, name, node, tensor]) => [name, Number(node), Number(tensor), {}])
  }
  const listed = (names: unknown): unknown => Array.isArray((names as unknown[])[0]) ? names : [names]
  const layers = config.layers.map((layer) => ({ ...layer, config: { ...layer.config, dtype: 'float32' }, inbound_nodes: layer.inbound_nodes.map(source) }))
  return { class_name: className, config: { ...config, layers, input_layers: listed(config.input_layers), output_layers: listed(config.output_layers) } }
}

/** As TensorFlow.js builds and writes it */
function tfjs (): unknown {
  const input = tfl.input({ shape: [8, 8, 1], name: 'picture' })
  const layers = [
    tfl.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', name: 'features' }), tfl.layers.maxPooling2d({ poolSize: 2, name: 'pool' }), tfl.layers.flatten({ name: 'flat' }),
    tfl.layers.dense({ units: 5, activation: 'tanh', name: 'hidden' }), tfl.layers.dense({ units: 3, activation: 'softmax', name: 'output' })
  ]
  const output = layers.reduce((tensor, layer) => layer.apply(tensor) as tfl.SymbolicTensor, input)
  return { format: 'layers-model', modelTopology: tfl.model({ inputs: input, outputs: output }).toJSON(undefined, false), weightsManifest: [] }
}

describe('a functional model whose layers follow each other', () => {
  it.each<[name: string, graph: () => unknown]>([
    ['of Keras 3', () => KERAS3['chain']],
    ['of Keras 2', () => keras2(KERAS3['chain']!)],
    ['of older Keras 2', () => keras2(KERAS3['chain']!, 'Model')],
    ['of TensorFlow.js', tfjs],
    ['in another order', () => { const { class_name: name, config } = KERAS3['chain']!; return { class_name: name, config: { ...config, layers: config.layers.toReversed() } } }]
  ])('%s is the Sequential one', async (_, graph) => {
    expect(await read(graph())).toEqual(await read(SEQUENTIAL))
  })

  it('tells what is wrong with a layer at its place in the file', async () => {
    const graph = structuredClone(KERAS3['chain']!)
    graph.config.layers.find(({ config }) => config['name'] === 'hidden')!.config['activation'] = 'gelu'
    await expect(read(graph)).rejects.toThrow(/: config\.layers\[4\]: activation "gelu" is not supported$/)
    graph.config.layers.reverse()
    await expect(read(graph)).rejects.toThrow(/: config\.layers\[1\]: activation "gelu" is not supported$/)
  })
})

const ONLY = 'only models whose layers follow each other, one after the other, can be federated'

describe('a functional model that is no chain', () => {
  it.each<[name: string, message: string]>([
    ['branching', `config.layers[3] "sum" takes 2 inputs: ${ONLY}`],
    ['two_inputs', `config.layers[2] "both" takes 2 inputs: ${ONLY}`],
    ['two_outputs', `config.layers[1] "hidden" goes to 2 layers, "one", "two": ${ONLY}`],
    ['shared', `config.layers[1] "twice" is used 2 times: ${ONLY}`]
  ])('%s is refused, in the words of Keras 3 and 2', async (name, message) => {
    const graph = KERAS3[name]!
    await expect(read(graph)).rejects.toMatchObject({ name: 'ConfigurationError', message: expect.stringMatching(new RegExp(`\\.json: ${message.replace(/[.[\]]/g, '\\$&')}$`)) as string })
    await expect(read({ modelTopology: keras2(graph) })).rejects.toMatchObject({ message: expect.stringContaining(`: modelTopology.${message}`) as string })
  })

  const altered = (change: (graph: Graph) => void): Graph => {
    const graph = keras2(KERAS3['chain']!)
    change(graph)
    return graph
  }
  it.each<[name: string, graph: unknown, message: RegExp]>([
    ['a model in a model', KERAS3['nested'], /: config\.layers\[1\]: "Sequential" is not supported|config\.layers\[1\] "Sequential" is not supported/],
    ['an output in the middle', altered(({ config }) => { config.output_layers = [['flat', 0, 0]] }), /: config\.output_layers: "flat" is not the last of all 6 layers behind "picture"/],
    ['an input that is not there', altered(({ config }) => { config.input_layers = [['pictures', 0, 0]] }), /: config\.output_layers: "output" is not the last of all 6 layers behind "pictures"/],
    ['several inputs', altered(({ config }) => { config.input_layers = [['picture', 0, 0], ['other', 0, 0]] }), /: config\.input_layers names 2 layers/],
    ['a call while it trains', altered(({ config }) => { config.layers[4]!.inbound_nodes = [[['flat', 0, 0, { training: true }]]] }), /: config\.layers\[4\]\.inbound_nodes\[0\] calls its layer with "training", which is not supported$/],
    ['a circle', altered(({ config }) => { config.layers[1]!.inbound_nodes = [[['hidden', 0, 0, {}]]]; config.layers[5]!.inbound_nodes = [[['picture', 0, 0, {}]]] }), /: config\.output_layers: "output" is not the last of all/],
    ['a call of nothing', altered(({ config }) => { config.layers[1]!.inbound_nodes = [[]] }), /: config\.layers\[1\] "features" takes 0 inputs/],
    ['a call that is a number', altered(({ config }) => { config.layers[1]!.inbound_nodes = [7] }), /: config\.layers\[1\] "features" takes 0 inputs/],
    ['a layer without a name', altered(({ config }) => { config.layers[1] = { class_name: 'Dense', config: {}, inbound_nodes: [] } }), /: config\.layers\[1\] has no name or no inbound_nodes/],
    ['no layers', { class_name: 'Functional', config: { layers: [], input_layers: [['a', 0, 0]], output_layers: [['a', 0, 0]] } }, /: config\.output_layers: "a" is not the last of all 0 layers/],
    ['nothing', { class_name: 'Model', config: 3 }, /: config\.layers is not an array$/],
    ['everything frozen at once', { ...KERAS3['chain'], config: { ...KERAS3['chain']!.config, trainable: false } }, /config\.trainable is false/]
  ])('%s is refused', async (_, graph, message) => {
    await expect(read(graph)).rejects.toMatchObject({ name: 'ConfigurationError', message: expect.stringMatching(message) as string })
  })
})
