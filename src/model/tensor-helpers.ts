/**
 * What operations on tensors share. Tensors belong to the surrounding tidy
 */
import { elements } from './layer.ts'
import { tf } from './tensors.ts'
import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'

/** Runs an operation of the backend, past the tape */
export function kernel (name: string, inputs: Record<string, Tensor>, attributes: Record<string, unknown>): Tensor {
  return tf.engine().runKernel(name, inputs, attributes as NamedAttrMap)
}

/** Even a reshape that changes nothing costs an operation */
export function shaped (x: Tensor, shape: readonly number[]): Tensor {
  return x.shape.length === shape.length && x.shape.every((dimension, i) => dimension === shape[i]) ? x : tf.reshape(x, [...shape])
}

export function toHost (tensor: Tensor, backend: Backend): Float32Array {
  const values = new Float32Array(elements(tensor.shape))
  backend.download(tensor, values)
  return values
}
