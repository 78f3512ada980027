/**
 * All weights of a model in one file of which equal weights make equal bytes, whatever file they came from
 *
 * A safetensors file without metadata: the tensors of all layers, frozen or not, as float32, in the order of the
 * layers, under the names of a model's layout (`dense_1/kernel`). Its SHA-256 and its length stand in the document.
 */
import { MAX_MAGNITUDE } from '../codec/frame.ts'
import { InvalidFederationError, WeightsError } from '../errors.ts'
import { quoted, quotedList } from '../quoted.ts'
import { elements, isFrozen, weightShapes } from './layer.ts'
import { tensorsHeader } from './safetensors-file.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Layer } from './layer.ts'
import type { NamedTensor } from './tensor-bytes.ts'

/** Values by name, such as `dense_1/kernel`: row-major, of all layers */
export type ModelWeights = ReadonlyMap<string, Float32Array>

/** Names that a message lists */
const MAX_LISTED = 6

interface Wanted {
  name: string
  shape: number[]
}

function fail (message: string): never {
  throw new WeightsError(message, 'unfit')
}

function wantedTensors (layers: readonly Layer[]): Wanted[] {
  return layers.flatMap((layer) => weightShapes(layer).map(({ name, shape }) => ({ name: `${layer.name}/${name}`, shape })))
}

/** Throws InvalidFederationError when the file that a document speaks of cannot be that of its layers */
export function requireWeightsSize (layers: readonly Layer[], { bytes }: NonNullable<FederationDocument['model']['weights']>): void {
  const wanted = wantedTensors(layers)
  const needed = tensorsHeader(wanted).byteLength + 4 * wanted.reduce((sum, { shape }) => sum + elements(shape), 0)
  if (bytes !== needed) {
    throw new InvalidFederationError(`model.weights.bytes: is ${bytes}, but the weights of these layers have ${needed} bytes`)
  }
}

/**
 * Tensors of any file, put under the names of the layers and in their order
 *
 * A tensor is taken by its very name, or else by the end of a longer one (`model/dense_1/kernel:0`, `dense_1.kernel`)
 * that no other tensor shares. Throws WeightsError, with one line, when one is missing, needless or ambiguous, has
 * another shape, or a number that is not finite or beyond what models carry
 */
export function namedAsLayers (layers: readonly Layer[], tensors: readonly NamedTensor[]): NamedTensor[] {
  const found = wantedTensors(layers).map((wanted) => ({ wanted, tensor: tensorFor(wanted, tensors) }))
  const used = new Set(found.map(({ tensor }) => tensor))
  const needless = tensors.find((tensor) => !used.has(tensor))
  if (needless !== undefined) {
    fail(`tensor ${quoted(needless.name)} belongs to no layer of the model, which takes ${quotedList(found.map(({ wanted }) => wanted.name), MAX_LISTED)}`)
  }
  return found.map(({ wanted: { name, shape }, tensor }) => ({ name, shape, values: checkedValues(name, shape, tensor) }))
}

function tensorFor ({ name, shape }: Wanted, tensors: readonly NamedTensor[]): NamedTensor {
  const exact = tensors.find((tensor) => tensor.name === name)
  if (exact !== undefined) {
    return exact
  }
  const candidates = tensors.filter((tensor) => endsIn(tensor.name, name))
  if (candidates.length > 1) {
    fail(`tensors ${quotedList(candidates.map((tensor) => tensor.name), MAX_LISTED)} could all be "${name}": give that name to one of them`)
  }
  return candidates[0] ?? fail(`"${name}", of shape [${shape.join(', ')}], is missing: the file has ${tensors.length === 0 ? 'no tensor' : quotedList(tensors.map((tensor) => tensor.name), MAX_LISTED)}`)
}

/**
 * Keras puts models in front of a name, and the cell of a recurrent layer into it (`lstm/lstm_cell/kernel`), TensorFlow
 * `:0` behind it, and others a dot before the tensor
 */
function endsIn (given: string, name: string): boolean {
  const path = given.replace(/:\d+$/, '').replace(/\/(lstm|gru)_cell(_\d+)?(?=\/[^/]*$)/, '')
  return [path, path.replace(/\.(?=[^./]*$)/, '/')].some((each) => each === name || each.endsWith(`/${name}`))
}

function checkedValues (name: string, shape: readonly number[], { shape: given, values }: NamedTensor): Float32Array {
  if (given.length !== shape.length || given.some((side, axis) => side !== shape[axis])) {
    fail(`"${name}" has shape [${given.join(', ')}], but the layer takes [${shape.join(', ')}]`)
  }
  const excessive = values.findIndex((value) => !(Math.abs(value) <= MAX_MAGNITUDE))
  return excessive === -1 ? values : fail(`"${name}" has ${values[excessive]} at index ${excessive}: weights are finite numbers of at most ${MAX_MAGNITUDE}`)
}

/** The values of the frozen layers' tensors among all */
export function frozenAmong (layers: readonly Layer[], weights: ModelWeights): Map<string, Float32Array> {
  return new Map(wantedTensors(layers.filter(isFrozen)).map(({ name }) => [name, weights.get(name)!]))
}
