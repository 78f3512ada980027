/**
 * Patches of images (im2col, Chellapilla et al. 2006), in plain code: for a backend that has no operation for it
 */
import { tf } from './tensors.ts'
import type { Window } from './layer.ts'

export type ImageShape = [count: number, height: number, width: number, channels: number]

type ConvolutionInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>

/** The sizes of a convolution's output and padding */
export function convolutionInfo (images: ImageShape, { size, strides, padding }: Window): ConvolutionInfo {
  return tf.backend_util.computeConv2DInfo(images, [...size, images[3], 1], [...strides], 1, padding)
}

/**
 * What each position of the window sees, row-major: images x positions x (window height x window width x channels),
 * zeros where the window reaches over the edge
 */
export function imagePatches (x: Float32Array, images: ImageShape, window: Window): Float32Array {
  const info = convolutionInfo(images, window)
  const run = info.filterWidth * info.inChannels
  const positions = info.batchSize * info.outHeight * info.outWidth
  const patches = new Float32Array(positions * info.filterHeight * run)
  for (let position = 0; position < positions; position++) {
    const image = Math.floor(position / (info.outHeight * info.outWidth))
    const top = Math.floor(position / info.outWidth) % info.outHeight * info.strideHeight - info.padInfo.top
    const left = position % info.outWidth * info.strideWidth - info.padInfo.left
    const from = Math.max(left, 0)
    const to = Math.min(left + info.filterWidth, info.inWidth)
    for (let row = Math.max(top, 0); row < Math.min(top + info.filterHeight, info.inHeight); row++) {
      const start = (image * info.inHeight + row) * info.inWidth
      const target = (position * info.filterHeight + row - top) * run + (from - left) * info.inChannels
      patches.set(x.subarray((start + from) * info.inChannels, (start + to) * info.inChannels), target)
    }
  }
  return patches
}
