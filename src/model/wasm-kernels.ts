/**
 * Kernels that the stock wasm backend lacks, or runs slowly, for training
 *
 * Conv2DBackpropFilter is missing; transposed products, Conv2DBackpropInput and MaxPoolGrad are slow loops; every
 * product repacks its right-hand side. Products are those of matrix-kernels.ts, convolutions become products of patches
 * (im2col, Chellapilla et al. 2006), a few images at a time so that the patches stay in cache and memory stays bounded.
 */
import { BackendError } from '../errors.ts'
import { elements } from './layer.ts'
import { MatrixKernels } from './matrix-kernels.ts'
import { tf } from './tensors.ts'
import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import type { MatrixView } from './matrix-kernels.ts'
import type { Window } from './layer.ts'
import type { WasmMemory } from './wasm-assembler.ts'

const { _FusedMatMul, backend_util: shapes, BatchMatMul, Conv2DBackpropFilter, Conv2DBackpropInput, getKernel, MaxPoolGrad, registerKernel, unregisterKernel } = tf

const FLOAT = 4
/** Floats of patches at a time: 1 MiB */
const PATCH_FLOATS = 262_144

type Call = Parameters<KernelFunc>[0]

/** What is used of the backend beyond its public types */
interface WasmModule {
  asm?: { memory?: WasmMemory }
  _malloc: (bytes: number) => number
  _free: (address: number) => void
}

/** The wasm backend with its memory open to the matrix kernels */
export class WasmHeap {
  readonly kernels: MatrixKernels
  private readonly backend: BackendWasm
  private readonly module: WasmModule

  /** Throws BackendError when the memory is not reachable */
  constructor (backend: BackendWasm) {
    this.backend = backend
    this.module = backend.wasm as unknown as WasmModule
    const memory = this.module.asm?.memory
    if (memory === undefined) {
      throw new BackendError('the memory of the wasm backend is not reachable: this version of @tensorflow/tfjs-backend-wasm is not supported')
    }
    this.kernels = new MatrixKernels({ memory, allocate: (bytes) => this.allocate(bytes) })
  }

  address (tensor: Pick<TensorInfo, 'dataId'>): number {
    return this.backend.getMemoryOffset(tensor.dataId)
  }

  /** The elements of a tensor, until the memory grows */
  floats (tensor: TensorInfo): Float32Array {
    const start = this.address(tensor) / FLOAT
    return this.kernels.floats().subarray(start, start + elements(tensor.shape))
  }

  output (shape: number[]): TensorInfo {
    return this.backend.makeOutput(shape, 'float32')
  }

  allocate (bytes: number): number {
    const address = this.module._malloc(bytes) >>> 0
    if (address === 0) {
      throw new BackendError(`backend wasm has no room for ${bytes} bytes more; use a smaller training.batchSize`)
    }
    return address
  }

  /** Lends scratch memory for the time of a call */
  borrow (floats: number, use: (address: number) => void): void {
    const address = this.allocate(floats * FLOAT)
    try {
      use(address)
    } finally {
      this.module._free(address)
    }
  }
}

/** Replaces the kernels of the wasm backend, which must be ready */
export function mendWasmKernels (heap: WasmHeap): void {
  const stockFusedMatMul = getKernel(_FusedMatMul, 'wasm').kernelFunc
  replace(BatchMatMul, (call) => matMul(heap, call))
  replace(_FusedMatMul, (call) => isPlain(call) ? matMul(heap, call) : stockFusedMatMul(call))
  replace(Conv2DBackpropFilter, (call) => filterGradient(heap, call))
  replace(Conv2DBackpropInput, (call) => inputGradient(heap, call))
  replace(MaxPoolGrad, (call) => maxPoolGradient(heap, call))
}

function replace (kernelName: string, kernelFunc: KernelFunc): void {
  if (getKernel(kernelName, 'wasm') !== undefined) {
    unregisterKernel(kernelName, 'wasm')
  }
  registerKernel({ kernelName, backendName: 'wasm', kernelFunc })
}

/** Bias of rank 1 or none, then nothing or a relu: the rest is left to the stock kernel */
function isPlain ({ inputs, attrs }: Call): boolean {
  const { activation } = attrs as { activation?: string }
  return (activation === 'linear' || activation === 'relu' || activation === null) && (inputs.bias?.shape.length ?? 1) === 1 && inputs.preluActivationWeights === undefined
}

interface MatMulAttributes { transposeA: boolean, transposeB: boolean, activation?: string }

function matMul (heap: WasmHeap, { inputs, attrs }: Call): TensorInfo {
  const { a, b, bias } = inputs as { a: TensorInfo, b: TensorInfo, bias?: TensorInfo }
  const { transposeA, transposeB, activation } = attrs as unknown as MatMulAttributes
  const [rows, columns] = ends(a, transposeA)
  const [, width] = ends(b, transposeB)
  const batch = shapes.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const out = heap.output([...batch, rows, width])
  const address = heap.address(out)
  const count = elements(batch)
  if (bias !== undefined) {
    heap.kernels.moveRuns({ address, stride: width * FLOAT }, { address: heap.address(bias), stride: 0 }, { count: count * rows, words: width })
  }
  // a batch of one side only, as in [n, r, k] x [k, w], is what broadcasting is limited to
  const strideA = elements(a.shape.slice(0, -2)) === 1 ? 0 : rows * columns * FLOAT
  const strideB = elements(b.shape.slice(0, -2)) === 1 ? 0 : columns * width * FLOAT
  for (let i = 0; i < count; i++) {
    const left: MatrixView = { address: heap.address(a) + i * strideA, rows, columns, transposed: transposeA }
    const right: MatrixView = { address: heap.address(b) + i * strideB, rows: columns, columns: width, transposed: transposeB }
    heap.kernels.multiply(left, right, address + i * rows * width * FLOAT, bias !== undefined)
  }
  if (activation === 'relu') {
    heap.kernels.relu(address, count * rows * width)
  }
  return out
}

/** Rows and columns of the matrices in a tensor, as the product sees them */
function ends (tensor: TensorInfo, transposed: boolean): [number, number] {
  const [rows, columns] = [tensor.shape.at(-2)!, tensor.shape.at(-1)!]
  return transposed ? [columns, rows] : [rows, columns]
}

/** Sizes of one convolution, as numbers of floats and pixels */
interface Geometry {
  batch: number
  input: { height: number, width: number, channels: number }
  output: { height: number, width: number }
  filters: number
  kernel: { height: number, width: number }
  strides: { height: number, width: number }
  pad: { top: number, left: number }
  /** The part of the padded input that the windows cover */
  padded: { height: number, width: number }
  /** Floats of one patch */
  patch: number
  /** Images whose patches are made at a time */
  chunk: number
}

interface ConvolutionAttributes {
  strides: [number, number] | number
  pad: 'valid' | 'same' | number
  dataFormat: 'NHWC' | 'NCHW'
  dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

type Shape4D = [number, number, number, number]

function geometry (inputShape: number[], filterShape: number[], attrs: NamedAttrMap): Geometry {
  const { strides, pad, dataFormat, dimRoundingMode } = attrs as unknown as ConvolutionAttributes
  if (dataFormat !== 'NHWC') {
    throw new BackendError(`convolutions of data format ${dataFormat} cannot be trained on wasm, only NHWC`)
  }
  const info = shapes.computeConv2DInfo(inputShape as Shape4D, filterShape as Shape4D, strides, 1, pad, dimRoundingMode)
  const patch = info.filterHeight * info.filterWidth * info.inChannels
  return {
    batch: info.batchSize,
    input: { height: info.inHeight, width: info.inWidth, channels: info.inChannels },
    output: { height: info.outHeight, width: info.outWidth },
    filters: info.outChannels,
    kernel: { height: info.filterHeight, width: info.filterWidth },
    strides: { height: info.strideHeight, width: info.strideWidth },
    pad: { top: info.padInfo.top, left: info.padInfo.left },
    padded: {
      height: (info.outHeight - 1) * info.strideHeight + info.filterHeight,
      width: (info.outWidth - 1) * info.strideWidth + info.filterWidth
    },
    patch,
    chunk: Math.max(1, Math.min(info.batchSize, Math.floor(PATCH_FLOATS / (info.outHeight * info.outWidth * patch))))
  }
}

/** Calls `work` for each chunk of images, with scratch for the padded images and for the patches */
function inChunks (heap: WasmHeap, shape: Geometry, work: (chunk: Chunk) => void): void {
  const paddedFloats = shape.padded.height * shape.padded.width * shape.input.channels
  const positions = shape.output.height * shape.output.width
  heap.borrow(shape.chunk * (paddedFloats + positions * shape.patch), (padded) => {
    const patches = padded + shape.chunk * paddedFloats * FLOAT
    const start = padded / FLOAT
    heap.kernels.floats().fill(0, start, start + shape.chunk * paddedFloats)
    for (let first = 0; first < shape.batch; first += shape.chunk) {
      const count = Math.min(shape.chunk, shape.batch - first)
      work({ first, count, positions: count * positions, padded, paddedFloats: count * paddedFloats, patches })
    }
  })
}

interface Chunk { first: number, count: number, positions: number, padded: number, paddedFloats: number, patches: number }

/** Between the images at `images` and their padded copies, row by row; what lies outside the windows is left alone */
function movePadded (heap: WasmHeap, shape: Geometry, move: { images: number, chunk: Chunk, intoPadded: boolean }): void {
  const { input, padded, pad } = shape
  const rows = Math.min(input.height, padded.height - pad.top)
  const words = Math.min(input.width, padded.width - pad.left) * input.channels
  const imageStride = input.width * input.channels * FLOAT
  const paddedStride = padded.width * input.channels * FLOAT
  for (let i = 0; i < move.chunk.count; i++) {
    const image = { address: move.images + i * input.height * imageStride, stride: imageStride }
    const copy = { address: move.chunk.padded + (i * padded.height + pad.top) * paddedStride + pad.left * input.channels * FLOAT, stride: paddedStride }
    heap.kernels.moveRuns(move.intoPadded ? copy : image, move.intoPadded ? image : copy, { count: rows, words })
  }
}

/** Between padded images and patches; towards the images, overlapping patches add up */
function movePatches (heap: WasmHeap, shape: Geometry, chunk: Chunk, intoPatches: boolean): void {
  const { input, output, padded, kernel, strides, patch } = shape
  const run = { count: output.width, words: kernel.width * input.channels, add: !intoPatches }
  const imageStep = strides.width * input.channels * FLOAT
  const row = padded.width * input.channels * FLOAT
  for (let i = 0; i < chunk.count * output.height; i++) {
    const [image, y] = [Math.floor(i / output.height), i % output.height]
    for (let k = 0; k < kernel.height; k++) {
      const inImage = { address: chunk.padded + (image * padded.height + y * strides.height + k) * row, stride: imageStep }
      const inPatches = { address: chunk.patches + (i * output.width * patch + k * run.words) * FLOAT, stride: patch * FLOAT }
      heap.kernels.moveRuns(intoPatches ? inPatches : inImage, intoPatches ? inImage : inPatches, run)
    }
  }
}

/** The patches of each image, one after the other: [images, positions, patch]. Every pixel moves once */
export function patches (heap: WasmHeap, images: TensorInfo, { size, strides, padding }: Window): TensorInfo {
  const channels = images.shape.at(-1)!
  const shape = geometry(images.shape, [...size, channels, 1], { strides: [...strides], pad: padding, dataFormat: 'NHWC' })
  const positions = shape.output.height * shape.output.width
  const out = heap.output([shape.batch, positions, shape.patch])
  const paddedFloats = shape.padded.height * shape.padded.width * channels
  heap.borrow(shape.batch * paddedFloats, (padded) => {
    heap.kernels.floats().fill(0, padded / FLOAT, padded / FLOAT + shape.batch * paddedFloats)
    const chunk = { first: 0, count: shape.batch, positions: shape.batch * positions, padded, paddedFloats: shape.batch * paddedFloats, patches: heap.address(out) }
    movePadded(heap, shape, { images: heap.address(images), chunk, intoPadded: true })
    movePatches(heap, shape, chunk, true)
  })
  return out
}

/** Sums over the rows of each matrix: [..., rows, columns] to [..., columns] */
export function columnSums (heap: WasmHeap, matrices: TensorInfo): TensorInfo {
  const [rows, columns] = ends(matrices, false)
  const out = heap.output([...matrices.shape.slice(0, -2), columns])
  heap.floats(out).fill(0)
  const stride = columns * FLOAT
  for (let i = 0; i < elements(matrices.shape.slice(0, -2)); i++) {
    const from = { address: heap.address(matrices) + i * rows * stride, stride }
    heap.kernels.moveRuns({ address: heap.address(out) + i * stride, stride: 0 }, from, { count: rows, words: columns, add: true })
  }
  return out
}

/** d(loss)/d(filter) = patches of x, transposed, times dy */
function filterGradient (heap: WasmHeap, { inputs, attrs }: Call): TensorInfo {
  const { x, dy } = inputs as { x: TensorInfo, dy: TensorInfo }
  const { filterShape } = attrs as unknown as { filterShape: number[] }
  const shape = geometry(x.shape, filterShape, attrs!)
  const out = heap.output(filterShape)
  const imageBytes = elements(x.shape.slice(1)) * FLOAT
  const outputBytes = elements(dy.shape.slice(1)) * FLOAT
  inChunks(heap, shape, (chunk) => {
    movePadded(heap, shape, { images: heap.address(x) + chunk.first * imageBytes, chunk, intoPadded: true })
    movePatches(heap, shape, chunk, true)
    const patches = { address: chunk.patches, rows: shape.patch, columns: chunk.positions, transposed: true }
    const gradients = { address: heap.address(dy) + chunk.first * outputBytes, rows: chunk.positions, columns: shape.filters, transposed: false }
    heap.kernels.multiply(patches, gradients, heap.address(out), chunk.first > 0)
  })
  return out
}

/** d(loss)/d(x): dy times the filter, transposed, gives patches; overlapping patches are added up */
function inputGradient (heap: WasmHeap, { inputs, attrs }: Call): TensorInfo {
  const { dy, filter } = inputs as { dy: TensorInfo, filter: TensorInfo }
  const { inputShape } = attrs as unknown as { inputShape: number[] }
  const shape = geometry(inputShape, filter.shape, attrs!)
  const out = heap.output(inputShape)
  // pixels that no window reaches get no gradient
  heap.floats(out).fill(0)
  const imageBytes = elements(inputShape.slice(1)) * FLOAT
  const outputBytes = elements(dy.shape.slice(1)) * FLOAT
  inChunks(heap, shape, (chunk) => {
    heap.kernels.floats().fill(0, chunk.padded / FLOAT, chunk.padded / FLOAT + chunk.paddedFloats)
    const gradients = { address: heap.address(dy) + chunk.first * outputBytes, rows: chunk.positions, columns: shape.filters, transposed: false }
    const weights = { address: heap.address(filter), rows: shape.filters, columns: shape.patch, transposed: true }
    heap.kernels.multiply(gradients, weights, chunk.patches)
    movePatches(heap, shape, chunk, false)
    movePadded(heap, shape, { images: heap.address(out) + chunk.first * imageBytes, chunk, intoPadded: false })
  })
  return out
}

interface PoolAttributes {
  filterSize: [number, number] | number
  strides: [number, number] | number
  pad: 'valid' | 'same' | number
  dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

/** Each output's gradient goes to the first largest input of its window */
function maxPoolGradient (heap: WasmHeap, { inputs, attrs }: Call): TensorInfo {
  const { dy, input } = inputs as { dy: TensorInfo, input: TensorInfo }
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes
  const info = shapes.computePool2DInfo(input.shape as Shape4D, filterSize, strides, 1, pad, dimRoundingMode)
  const out = heap.output(input.shape)
  const pool = { info, x: heap.floats(input), dy: heap.floats(dy), dx: heap.floats(out) }
  pool.dx.fill(0)
  for (let image = 0; image < info.batchSize; image++) {
    for (let y = 0; y < info.outHeight; y++) {
      for (let x = 0; x < info.outWidth; x++) {
        spreadWindow(pool, image, y, x)
      }
    }
  }
  return out
}

interface Pool {
  info: ReturnType<typeof shapes.computePool2DInfo>
  x: Float32Array
  dy: Float32Array
  dx: Float32Array
}

function spreadWindow ({ info, x, dy, dx }: Pool, image: number, outY: number, outX: number): void {
  const { inChannels: channels, inWidth, inHeight, outWidth, outHeight } = info
  const top = outY * info.strideHeight - info.padInfo.top
  const left = outX * info.strideWidth - info.padInfo.left
  const [fromY, toY] = [Math.max(top, 0), Math.min(top + info.filterHeight, inHeight)]
  const [fromX, toX] = [Math.max(left, 0), Math.min(left + info.filterWidth, inWidth)]
  const outStart = ((image * outHeight + outY) * outWidth + outX) * channels
  for (let channel = 0; channel < channels; channel++) {
    let best = -1
    let largest = -Infinity
    for (let y = fromY; y < toY; y++) {
      let at = ((image * inHeight + y) * inWidth + fromX) * channels + channel
      for (let column = fromX; column < toX; column++, at += channels) {
        const value = x[at]!
        best = value > largest || best === -1 ? at : best
        largest = value > largest ? value : largest
      }
    }
    dx[best] = dx[best]! + dy[outStart + channel]!
  }
}
