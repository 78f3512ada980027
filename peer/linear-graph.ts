/**
 * A functional model whose layers follow each other, one after the other, as the Sequential model that it is
 *
 * Keras 2 and TensorFlow.js write a call of a layer as `[[source, node, tensor, arguments]]`, Keras 3 as an object with
 * `__keras_tensor__` in it. What branches, joins, shares a layer or passes arguments is told by its path.
 */
import { quoted } from '../src/quoted.ts'

/** `Model`: TensorFlow.js, and Keras before 2.4 */
const CLASS_NAMES: readonly unknown[] = ['Functional', 'Model']

/** A tensor stands in the arguments of a call, or in a list there */
const MAX_DEPTH = 6

const ONLY = 'only models whose layers follow each other, one after the other, can be federated'

type JsonObject = Record<string, unknown>

export interface Chain {
  topology: JsonObject
  /** Place in the file of each layer of `topology` */
  places: number[]
}

interface GraphLayer {
  name: string
  index: number
  /** Undefined for the input */
  source: string | undefined
  entry: JsonObject
}

/** Not a chain. The message begins with the path in the model */
export class GraphError extends Error {
  override name = 'GraphError'
}

function fail (message: string): never {
  throw new GraphError(message)
}

function field (value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined
}

export function isGraph (topology: unknown): boolean {
  return CLASS_NAMES.includes(field(topology, 'class_name'))
}

/** Throws GraphError */
export function asSequential (topology: unknown): Chain {
  const config = field(topology, 'config')
  const entries = field(config, 'layers')
  if (!Array.isArray(entries)) {
    return fail('config.layers is not an array')
  }
  const layers = entries.map(graphLayer)
  const next = successors(layers)
  const input = onlyName(config, 'input_layers')
  const output = onlyName(config, 'output_layers')
  const chain: GraphLayer[] = []
  const byName = new Map(layers.map((layer) => [layer.name, layer]))
  // each has one source, so that a circle can only be one that the input is not in
  for (let layer = byName.get(input); layer !== undefined && chain.length < layers.length; layer = next.get(layer.name)) {
    chain.push(layer)
  }
  if (chain.length < layers.length || chain.at(-1)?.name !== output) {
    fail(`config.output_layers: "${output}" is not the last of all ${layers.length} layers behind "${input}": ${ONLY}`)
  }
  const { name, trainable } = config as JsonObject
  return {
    topology: { class_name: 'Sequential', config: { name, ...(trainable === undefined ? {} : { trainable }), layers: chain.map(({ entry }) => ({ class_name: entry['class_name'], config: entry['config'] })) } },
    places: chain.map(({ index }) => index)
  }
}

function graphLayer (entry: unknown, index: number): GraphLayer {
  const path = `config.layers[${index}]`
  const name = field(entry, 'name') ?? field(field(entry, 'config'), 'name')
  const calls = field(entry, 'inbound_nodes')
  if (typeof name !== 'string' || !Array.isArray(calls)) {
    return fail(`${path} has no name or no inbound_nodes, as layers of a functional model do`)
  }
  if (calls.length > 1) {
    fail(`${path} ${quoted(name)} is used ${calls.length} times: ${ONLY}`)
  }
  const sources = calls.length === 0 ? [] : sourcesOf(calls[0], `${path}.inbound_nodes[0]`)
  if (sources.length > 1 || (calls.length === 1 && sources.length === 0)) {
    fail(`${path} ${quoted(name)} takes ${sources.length} inputs: ${ONLY}`)
  }
  return { name, index, source: sources[0], entry: entry as JsonObject }
}

function sourcesOf (call: unknown, path: string): string[] {
  if (Array.isArray(call)) {
    return call.map((tensor: unknown) => {
      const [name, , , given] = Array.isArray(tensor) ? tensor as unknown[] : []
      requireNoArguments(given, path)
      return typeof name === 'string' ? name : fail(`${path} names no layer`)
    })
  }
  requireNoArguments(field(call, 'kwargs'), path)
  return kerasTensors(field(call, 'args'))
}

/** `training: true` would drop units when it predicts, and a mask would leave some out */
function requireNoArguments (given: unknown, path: string): void {
  const [name] = Object.entries(given ?? {}).find(([, value]) => value !== null) ?? []
  if (name !== undefined) {
    fail(`${path} calls its layer with ${quoted(name)}, which is not supported`)
  }
}

function kerasTensors (value: unknown, depth = 0): string[] {
  if (depth > MAX_DEPTH || value === null || typeof value !== 'object') {
    return []
  }
  if (field(value, 'class_name') === '__keras_tensor__') {
    const history = field(field(value, 'config'), 'keras_history')
    const [name] = Array.isArray(history) ? history as unknown[] : []
    return typeof name === 'string' ? [name] : []
  }
  return Object.values(value).flatMap((inner) => kerasTensors(inner, depth + 1))
}

/** What follows each layer. Throws for the first one, in the order of the file, that two follow */
function successors (layers: readonly GraphLayer[]): Map<string, GraphLayer> {
  const followers = new Map<string, GraphLayer[]>()
  for (const layer of layers) {
    if (layer.source !== undefined) {
      followers.set(layer.source, [...followers.get(layer.source) ?? [], layer])
    }
  }
  const next = new Map<string, GraphLayer>()
  for (const { name, index } of layers) {
    const [first, ...more] = followers.get(name) ?? []
    if (more.length > 0) {
      fail(`config.layers[${index}] ${quoted(name)} goes to ${more.length + 1} layers, ${[first!, ...more.slice(0, 2)].map((layer) => quoted(layer.name)).join(', ')}: ${ONLY}`)
    }
    if (first !== undefined) {
      next.set(name, first)
    }
  }
  return next
}

/** `[name, 0, 0]` in Keras 3, `[[name, 0, 0]]` elsewhere */
function onlyName (config: unknown, which: 'input_layers' | 'output_layers'): string {
  const value = field(config, which)
  const [first, ...more] = Array.isArray(value) ? value as unknown[] : []
  const name = Array.isArray(first) ? (first as unknown[])[0] : first
  if (Array.isArray(first) && more.length > 0) {
    return fail(`config.${which} names ${more.length + 1} layers: ${ONLY}`)
  }
  return typeof name === 'string' ? name : fail(`config.${which} names no layer`)
}
