/**
 * The weights of layers that do not learn, from the document
 *
 * A frozen layer turns inputs into features that all peers agree on. Features that need no training cost no privacy,
 * which lets small models reach further under DP-SGD (Tramèr and Boneh 2021, "Differentially Private Learning Needs
 * Better Features").
 */
import { MAX_MAGNITUDE } from '../codec/frame.ts'
import { InvalidFederationError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import { elements, isFrozen, weightShapes } from './layer.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Layer } from './layer.ts'

type Constants = NonNullable<FederationDocument['model']['constants']>

function fail (message: string): never {
  throw new InvalidFederationError(`model.constants: ${message}`)
}

/**
 * Values of all tensors of the frozen layers, row-major, by name such as `features/kernel`, rounded to float32
 *
 * Throws InvalidFederationError, with one line, when a frozen layer's tensor is missing, has another number of elements
 * or one that is beyond what models carry, and when there is one that no frozen layer takes
 */
export function frozenWeights (layers: readonly Layer[], constants: Constants = {}): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  for (const layer of layers.filter(isFrozen)) {
    for (const { name, shape } of weightShapes(layer)) {
      const key = `${layer.name}/${name}`
      weights.set(key, checkedValues(key, shape, Object.hasOwn(constants, key) ? constants[key] : undefined))
    }
  }
  const needless = Object.keys(constants).find((key) => !weights.has(key))
  if (needless !== undefined) {
    fail(`${quoted(needless)} ${whyNeedless(needless, layers)}`)
  }
  return weights
}

function checkedValues (key: string, shape: readonly number[], values: readonly number[] | undefined): Float32Array {
  const size = elements(shape)
  if (values === undefined) {
    return fail(`"${key}" is missing: a layer with trainable false needs its ${size} numbers, of shape [${shape.join(', ')}], there`)
  }
  if (values.length !== size) {
    return fail(`"${key}" has ${values.length} numbers, but the layer takes ${size}, of shape [${shape.join(', ')}]`)
  }
  const excessive = values.findIndex((value) => !(Math.abs(value) <= MAX_MAGNITUDE))
  return excessive === -1 ? Float32Array.from(values) : fail(`"${key}" has ${values[excessive]} at index ${excessive}, beyond ${MAX_MAGNITUDE}`)
}

function whyNeedless (key: string, layers: readonly Layer[]): string {
  const owner = layers.find((layer) => weightShapes(layer).some(({ name }) => `${layer.name}/${name}` === key))
  return owner !== undefined && !isFrozen(owner)
    ? 'belongs to a layer that learns: give the layer trainable false, or leave the constant out'
    : 'is no tensor of a layer with trainable false'
}
