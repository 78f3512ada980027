/**
 * Loads a tensor backend and hides what differs between them
 *
 * `tensorflow` is native code (an optional dependency), `wasm` is XNNPACK plus the kernels of this folder, `cpu` plain
 * JavaScript. Each is loaded only when asked for: the native library alone takes 400 MB of address space.
 */
import { dirname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import util from 'node:util'
import { BackendError } from '../errors.ts'
import { firstLine } from './first-line.ts'
import { elements } from './layer.ts'
import { convolutionInfo, imagePatches } from './patches.ts'
import { requirePackage, tf } from './tensors.ts'
import { columnSums, mendWasmKernels, patches, WasmHeap } from './wasm-kernels.ts'
import type { Tensor } from '@tensorflow/tfjs-core'
import type * as WasmBackend from '@tensorflow/tfjs-backend-wasm'
import type { BackendName } from '../interface.ts'
import type { Window } from './layer.ts'
import type { ImageShape } from './patches.ts'

/** Tensor operations whose best form depends on the backend. Tensors belong to the surrounding tidy */
export interface Backend {
  readonly name: BackendName
  upload: (values: Float32Array, shape: readonly number[]) => Tensor
  /** Copies all elements to target[0 .. size) */
  download: (tensor: Tensor, target: Float32Array | Float64Array) => void
  /** y > 0 ? dy : 0 */
  reluGradient: (dy: Tensor, y: Tensor) => Tensor
  /** Sums over the rows of each matrix: [..., rows, columns] to [..., columns] */
  columnSums: (matrices: Tensor) => Tensor
  /** `count` entries of the first axis, from `first` on */
  part: (tensor: Tensor, first: number, count: number) => Tensor
  /**
   * What each position of a convolution's window sees: images [n, height, width, channels] to [n, positions, window
   * size x channels]
   */
  patches: (images: Tensor, window: Window) => Tensor
}

const common = {
  upload: (values: Float32Array, shape: readonly number[]): Tensor => tf.tensor(values, [...shape], 'float32'),
  download: (tensor: Tensor, target: Float32Array | Float64Array): void => { target.set(tensor.dataSync()) },
  reluGradient: (dy: Tensor, y: Tensor): Tensor => tf.mul(dy, tf.step(y)),
  columnSums: (matrices: Tensor): Tensor => tf.sum(matrices, -2),
  part: (tensor: Tensor, first: number, count: number): Tensor => tf.slice(tensor, first, count)
}

/** Matrices of patches, one for each image */
function patchesShape (images: Tensor, window: Window): [number, number, number] {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels } = convolutionInfo(images.shape as ImageShape, window)
  return [batchSize, outHeight * outWidth, filterHeight * filterWidth * inChannels]
}

const ready = new Map<BackendName, Promise<Backend>>()

/** Loads a backend once for each thread, and makes it the current one. Throws BackendError */
export async function loadBackend (name: BackendName): Promise<Backend> {
  const loading = ready.get(name) ?? LOADERS[name]()
  ready.set(name, loading)
  // without this the cpu backend prints a banner that recommends another one
  tf.enableProdMode()
  let backend
  try {
    backend = await loading
    await tf.setBackend(name)
  } catch (err) {
    ready.delete(name)
    throw err instanceof BackendError ? err : new BackendError(`backend ${name} cannot be loaded: ${firstLine(err)}`, { cause: err })
  }
  return backend
}

/** Gives back a backend that will not be used in this thread any more */
export function unloadBackend (name: BackendName): void {
  ready.delete(name)
  tf.removeBackend(name)
}

const LOADERS: Record<BackendName, () => Promise<Backend>> = { wasm: loadWasm, tensorflow: loadTensorflow, cpu: loadCpu }

async function loadCpu (): Promise<Backend> {
  requirePackage('@tensorflow/tfjs-backend-cpu')
  await tf.setBackend('cpu')
  return {
    name: 'cpu',
    ...common,
    patches: (images, window) => tf.tensor(imagePatches(images.dataSync<'float32'>(), images.shape as ImageShape, window), patchesShape(images, window))
  }
}

async function loadWasm (): Promise<Backend> {
  const { setWasmPaths } = requirePackage('@tensorflow/tfjs-backend-wasm') as typeof WasmBackend
  // the loader's own guess fails where the package is linked
  const entry = requirePackage.resolve('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(dirname(entry) + sep)
  if (!await tf.setBackend('wasm')) {
    throw new BackendError(`backend wasm cannot start from ${dirname(entry)}`)
  }
  const heap = new WasmHeap(tf.backend() as WasmBackend.BackendWasm)
  mendWasmKernels(heap)
  return {
    name: 'wasm',
    ...common,
    download: (tensor, target) => { target.set(heap.floats(tensor)) },
    reluGradient: (dy, y) => {
      const out = heap.output(dy.shape)
      heap.kernels.reluGradient(heap.address(dy), heap.address(y), heap.address(out), elements(dy.shape))
      return tf.engine().makeTensorFromTensorInfo(out)
    },
    columnSums: (matrices) => tf.engine().makeTensorFromTensorInfo(columnSums(heap, matrices)),
    // the stock kernel copies the whole tensor for each slice of it
    part: (tensor, first, count) => {
      const out = heap.output([count, ...tensor.shape.slice(1)])
      const start = first * elements(tensor.shape.slice(1))
      heap.floats(out).set(heap.floats(tensor).subarray(start, start + elements(out.shape)))
      return tf.engine().makeTensorFromTensorInfo(out)
    },
    patches: (images, window) => tf.reshape(tf.engine().makeTensorFromTensorInfo(patches(heap, images, window)), patchesShape(images, window))
  }
}

/** What is used of tfjs-node's backend beyond the public interface */
interface NativeBackend {
  binding: Record<'TF_ATTR_TYPE' | 'TF_ATTR_INT' | 'TF_ATTR_STRING' | 'TF_FLOAT', number>
  executeSingleOutput: (name: string, attributes: ReadonlyArray<{ name: string, type: number, value: number | string | number[] }>, inputs: readonly Tensor[]) => Tensor
}

/** Beside `src` in a clone, and beside `dist` in an installed package, which has no scripts of npm's to run */
const SETUP = fileURLToPath(new URL(import.meta.url.includes('/dist/src/') ? '../../../scripts/setup-tensorflow.mjs' : '../../scripts/setup-tensorflow.mjs', import.meta.url))

async function loadTensorflow (): Promise<Backend> {
  // tfjs-node 4 calls a function that Node 23 removed
  if (!('isNullOrUndefined' in util)) {
    Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined })
  }
  let entry
  try {
    entry = requirePackage.resolve('@tensorflow/tfjs-node')
  } catch (err) {
    throw new BackendError(`backend tensorflow is not installed: run "node ${SETUP}", or choose another one`, { cause: err })
  }
  requirePackage(entry)
  if (!await tf.setBackend('tensorflow')) {
    throw new BackendError(`backend tensorflow was loaded from ${entry} but does not start; is @tensorflow/tfjs-core installed twice (${fileURLToPath(import.meta.resolve('@tensorflow/tfjs-core'))})?`)
  }
  const native = tf.backend() as unknown as NativeBackend
  const attributes = [{ name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT }]
  return {
    name: 'tensorflow',
    ...common,
    // one operation of the library, where tfjs would make eight
    reluGradient: (dy, y) => native.executeSingleOutput('ReluGrad', attributes, [dy, y]),
    patches: (images, window) => {
      const list = (name: string, [height, width]: readonly [number, number]): { name: string, type: number, value: number[] } =>
        ({ name, type: native.binding.TF_ATTR_INT, value: [1, height, width, 1] })
      const padding = { name: 'padding', type: native.binding.TF_ATTR_STRING, value: window.padding.toUpperCase() }
      const options = [...attributes, list('ksizes', window.size), list('strides', window.strides), list('rates', [1, 1]), padding]
      return tf.reshape(native.executeSingleOutput('ExtractImagePatches', options, [images]), patchesShape(images, window))
    }
  }
}
