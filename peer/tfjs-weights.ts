/**
 * Weights of a model that TensorFlow.js saved: `model.json` names the tensors and the files beside it that hold them
 *
 * https://www.tensorflow.org/js/guide/save_load: each group of the weightsManifest is the bytes of its files, one after
 * the other, and these are its tensors without gaps, little-endian.
 */
import { readFile, stat } from 'node:fs/promises'
import { endianness } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { ConfigurationError } from './errors.ts'
import { MAX_WEIGHTS_BYTES } from '../src/limits.ts'
import { quoted } from '../src/quoted.ts'
import type { NamedTensor } from '../src/model/tensor-bytes.ts'

interface Group {
  paths: readonly string[]
  weights: ReadonlyArray<{ name: string, shape: readonly number[], dtype: string, quantization?: unknown }>
}

/**
 * Throws ConfigurationError, with the file and the tensor, for what is no such model, lacks a file, was cut off, or is
 * not of float32
 *
 * @param value - What `file` holds
 */
export async function tfjsTensors (file: string, value: unknown): Promise<NamedTensor[]> {
  const manifest = (value as { weightsManifest?: unknown } | null)?.weightsManifest
  if (!Array.isArray(manifest) || !manifest.every(isGroup)) {
    throw new ConfigurationError(`${file} names no weights (weightsManifest): save the model with model.save() of TensorFlow.js, or give a safetensors file`)
  }
  const tensors: NamedTensor[] = []
  await requireRoom(file, manifest)
  for (const group of manifest) {
    tensors.push(...groupTensors(file, group, await groupBytes(file, group)))
  }
  return tensors
}

function isGroup (value: unknown): value is Group {
  const { paths, weights } = (value ?? {}) as { paths?: unknown, weights?: unknown }
  return Array.isArray(paths) && paths.every((path) => typeof path === 'string') && Array.isArray(weights) && weights.every((weight: unknown) => {
    const { name, shape, dtype } = (weight ?? {}) as { name?: unknown, shape?: unknown, dtype?: unknown }
    return typeof name === 'string' && typeof dtype === 'string' && Array.isArray(shape) && shape.every((side) => Number.isSafeInteger(side) && side >= 0)
  })
}

/** A file may come from a stranger: what it names is added up before any of it is read */
async function requireRoom (file: string, manifest: readonly Group[]): Promise<void> {
  const seen = new Set<string>()
  let bytes = 0
  for (const path of manifest.flatMap(({ paths }) => paths)) {
    const place = besides(file, path)
    if (seen.has(place)) {
      throw new ConfigurationError(`${file} names the weights ${quoted(path)} twice: every file has tensors of its own`)
    }
    seen.add(place)
    bytes += await readable(file, path, async () => (await stat(place)).size)
    if (bytes > MAX_WEIGHTS_BYTES) {
      throw new ConfigurationError(`${file} names weights of ${bytes} bytes or more: they may have ${MAX_WEIGHTS_BYTES}`)
    }
  }
}

function besides (file: string, path: string): string {
  const plain = normalize(path)
  if (plain.startsWith('..') || plain.startsWith('/')) {
    throw new ConfigurationError(`${file} names weights outside of its folder (${quoted(path)}): they are not read`)
  }
  return join(dirname(file), plain)
}

async function readable<T> (file: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    throw new ConfigurationError(`${file} names the weights ${quoted(path)}, which cannot be read beside it: ${code === 'ENOENT' ? 'there is no such file' : message}`, { cause: err })
  }
}

async function groupBytes (file: string, { paths }: Group): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (const path of paths) {
    pieces.push(await readable(file, path, async () => readFile(besides(file, path))))
  }
  return Buffer.concat(pieces)
}

function groupTensors (file: string, { weights }: Group, bytes: Buffer): NamedTensor[] {
  let offset = 0
  const tensors = weights.map(({ name, shape, dtype, quantization }) => {
    if (dtype !== 'float32' || quantization !== undefined) {
      throw new ConfigurationError(`${file}: tensor ${quoted(name)} is ${quantization === undefined ? `of dtype ${quoted(dtype)}` : 'quantised'}: save weights as float32`)
    }
    const begin = offset
    offset += 4 * shape.reduce((product, side) => product * side, 1)
    if (offset > bytes.byteLength) {
      throw new ConfigurationError(`${file}: tensor ${quoted(name)} ends at byte ${offset} of ${bytes.byteLength}: its files were cut off`)
    }
    const copy = Buffer.from(new Uint8Array(bytes.subarray(begin, offset)).buffer)
    return { name, shape: [...shape], values: new Float32Array((endianness() === 'LE' ? copy : copy.swap32()).buffer) }
  })
  if (offset !== bytes.byteLength) {
    throw new ConfigurationError(`${file}: its tensors have ${offset} bytes, and their files ${bytes.byteLength}`)
  }
  return tensors
}
