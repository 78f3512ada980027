/**
 * What a layer is run with, and what its forward and backward passes give
 */
import type { Tensor } from '@tensorflow/tfjs-core'

export interface Weights {
  /** Of an embedding, its table */
  kernel: Tensor
  bias: Tensor | undefined
  /** Of a recurrent layer */
  recurrentKernel?: Tensor | undefined
}

/**
 * The two sides of the gradients of a kernel and its bias: the kernel's is the sum, over examples and positions, of x
 * times dz, and the bias's the sum of dz. Kept apart because clipping needs them example by example
 */
export interface Factors {
  /**
   * What the layer took: examples and positions x inputs for dense layers, images for convolutions, examples x ids for
   * embeddings
   */
  x: Tensor
  /** d(loss)/d(product plus bias), before the activation: as many rows, or images */
  dz: Tensor
}

export interface Gradients {
  /** With respect to the layer's input; undefined when it was not asked for */
  input: Tensor | undefined
  /** Given exactly when the layer has parameters: one pair for each of its kernels, as in kernel-parts.ts */
  factors?: readonly Factors[]
}

export interface Pass {
  output: Tensor
  /** `wantInput` is false for the first layers with parameters: nothing before them learns */
  backward: (dy: Tensor, wantInput: boolean) => Gradients
}
