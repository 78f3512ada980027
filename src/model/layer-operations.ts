/**
 * Forward and backward passes of the layers, as tensor operations
 *
 * Written out by hand instead of recorded on a tape: one product gives a kernel's gradient, every activation's
 * derivative comes from its output, and nothing is computed that no parameter needs (the gradient of the batch itself).
 */
import { tf } from './tensors.ts'
import { embeddingPass } from './embedding.ts'
import { ACTIVATIONS, activationGradient, fusable } from './layer-activations.ts'
import { elements } from './layer.ts'
import { recurrentPass } from './recurrent.ts'
import { kernel, shaped } from './tensor-helpers.ts'
import { convolutionAttributes, runWindow } from './window-operations.ts'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Random } from '../interface.ts'
import type { Backend } from './backend.ts'
import type { Factors, Pass, Weights } from './layer-pass.ts'
import type { ActivationLayer, DenseLayer, DropoutLayer, LeakyReluLayer, ProductLayer, TrainableActivation, TrainableLayer } from './layer.ts'

export interface ParameterGradients {
  kernel: Tensor
  bias: Tensor | undefined
}

export interface PassContext {
  backend: Backend
  /** Draws dropout masks; undefined when evaluating */
  random: Random | undefined
}

/** Runs one layer. `weights` is given exactly when the layer has parameters. Tensors belong to the surrounding tidy */
export function runLayer (layer: TrainableLayer, x: Tensor, weights: Weights | undefined, context: PassContext): Pass {
  switch (layer.kind) {
    case 'dense': return dense(layer, x, weights!, context.backend)
    case 'embedding': return embeddingPass(layer, x, weights!, context.backend)
    case 'lstm':
    case 'gru': return recurrentPass(layer, x, weights!, context.backend)
    case 'reshape': return reshape(x, layer.output)
    case 'activation': return activation(layer, x, context.backend)
    case 'leaky-relu': return leakyRelu(layer, x)
    case 'dropout': return dropout(layer, x, context)
    default: return runWindow(layer, x, weights, context.backend)
  }
}

function dense (layer: DenseLayer<TrainableActivation>, x: Tensor, weights: Weights, backend: Backend): Pass {
  const rows = shaped(x, [elements(x.shape) / layer.input.at(-1)!, layer.input.at(-1)!])
  const product = kernel('_FusedMatMul', { a: rows, b: weights.kernel, ...withBias(weights) }, { transposeA: false, transposeB: false, activation: fusable(layer.activation) })
  const y = layer.activation === 'relu' ? product : ACTIVATIONS[layer.activation](product)
  return {
    output: shaped(y, [...x.shape.slice(0, -1), layer.units]),
    backward: (dy, wantInput) => {
      const dz = activationGradient(layer.activation, shaped(dy, y.shape), y, backend)
      return {
        input: wantInput ? shaped(tf.matMul(dz, weights.kernel, false, true), x.shape) : undefined,
        factors: [{ x: rows, dz }]
      }
    }
  }
}

function withBias ({ bias }: Weights): { bias?: Tensor } {
  return bias === undefined ? {} : { bias }
}

/** Sums over the batch. Tensors belong to the surrounding tidy */
export function parameterGradients (layer: ProductLayer, { x, dz }: Factors, backend: Backend): ParameterGradients {
  const outputs = dz.shape.at(-1)!
  return {
    kernel: layer.kind === 'dense'
      ? tf.matMul(x, dz, true, false)
      : kernel('Conv2DBackpropFilter', { x, dy: dz }, { ...convolutionAttributes(layer), filterShape: [...layer.window.size, x.shape.at(-1), layer.filters] }),
    bias: layer.useBias ? backend.columnSums(shaped(dz, [elements(dz.shape) / outputs, outputs])) : undefined
  }
}

function reshape (x: Tensor, output: readonly number[]): Pass {
  return { output: shaped(x, [x.shape[0], ...output]), backward: (dy) => ({ input: shaped(dy, x.shape) }) }
}

function activation (layer: ActivationLayer<TrainableActivation>, x: Tensor, backend: Backend): Pass {
  const output = ACTIVATIONS[layer.activation](x)
  return { output, backward: (dy) => ({ input: activationGradient(layer.activation, dy, output, backend) }) }
}

function leakyRelu (layer: LeakyReluLayer, x: Tensor): Pass {
  return { output: tf.leakyRelu(x, layer.alpha), backward: (dy) => ({ input: tf.mul(dy, tf.step(x, layer.alpha)) }) }
}

/** What is kept is scaled up, so that evaluation needs no correction */
function dropout (layer: DropoutLayer, x: Tensor, { random, backend }: PassContext): Pass {
  if (random === undefined || layer.rate === 0) {
    return { output: x, backward: (dy) => ({ input: dy }) }
  }
  const scale = 1 / (1 - layer.rate)
  const values = new Float32Array(elements(x.shape))
  for (let i = 0; i < values.length; i++) {
    values[i] = random() < layer.rate ? 0 : scale
  }
  const mask = backend.upload(values, x.shape)
  return { output: tf.mul(x, mask), backward: (dy) => ({ input: tf.mul(dy, mask) }) }
}
