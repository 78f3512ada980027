/**
 * Activations as tensor operations, and their derivatives
 */
import { kernel } from './tensor-helpers.ts'
import { tf } from './tensors.ts'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Backend } from './backend.ts'
import type { TrainableActivation } from './layer.ts'

export const ACTIVATIONS: Readonly<Record<TrainableActivation, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: (x) => tf.relu(x),
  sigmoid: (x) => tf.sigmoid(x),
  tanh: (x) => tf.tanh(x),
  elu: (x) => tf.elu(x)
}

/** d(loss)/d(input of the activation), from its output y */
export function activationGradient (name: TrainableActivation, dy: Tensor, y: Tensor, backend: Backend): Tensor {
  switch (name) {
    case 'linear': return dy
    case 'relu': return backend.reluGradient(dy, y)
    case 'sigmoid': return tf.mul(dy, tf.mul(y, tf.sub(1, y)))
    case 'tanh': return tf.mul(dy, tf.sub(1, tf.square(y)))
    case 'elu': return kernel('EluGrad', { dy, y }, {})
  }
}

/** A relu runs inside the product that precedes it; other activations after it */
export function fusable (name: TrainableActivation): 'relu' | 'linear' {
  return name === 'relu' ? 'relu' : 'linear'
}
