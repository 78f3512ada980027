/**
 * Tensors by name in a safetensors file
 *
 * https://github.com/huggingface/safetensors#format: the length of the header as uint64, the header, which is JSON,
 * padded with blanks, and the tensors without gaps, all little-endian.
 */
import { endianness } from 'node:os'
import { halfToNumber } from '../codec/half.ts'
import { WeightsError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import { elements } from './layer.ts'
import { littleEndian } from './tensor-bytes.ts'
import type { NamedTensor } from './tensor-bytes.ts'

/** Tensors begin where readers that map the file into memory want them */
const ALIGNMENT = 8
const LENGTH_BYTES = 8

/** 128 layers have some kilobytes; the format's own bound is 100 MB */
const MAX_HEADER_BYTES = 16_777_216

/** Everything before the tensors */
export function tensorsHeader (tensors: ReadonlyArray<Pick<NamedTensor, 'name' | 'shape'>>, metadata?: Readonly<Record<string, string>>): Uint8Array {
  let offset = 0
  const entries = tensors.map(({ name, shape }) => {
    const begin = offset
    offset += 4 * elements(shape)
    return [name, { dtype: 'F32', shape, data_offsets: [begin, offset] }]
  })
  const json = Buffer.from(JSON.stringify(Object.fromEntries([...metadata === undefined ? [] : [['__metadata__', metadata]], ...entries])))
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT
  const head = Buffer.alloc(LENGTH_BYTES + padded, ' ')
  head.writeBigUInt64LE(BigInt(padded))
  json.copy(head, LENGTH_BYTES)
  return head
}

/** The bytes of the file, tensors as float32 in the order given. Equal tensors give equal bytes */
export function encodeTensors (tensors: readonly NamedTensor[], metadata?: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.concat([tensorsHeader(tensors, metadata), littleEndian(tensors.map(({ values }) => values))])
}

function fail (message: string): never {
  throw new WeightsError(message, 'unfit')
}

/** By dtype: bytes of a number, and the numbers as float32. Half precisions fit into it, doubles are rounded */
const READERS: Readonly<Record<string, { size: number, read: (bytes: Uint8Array) => Float32Array }>> = {
  F32: { size: 4, read: (bytes) => new Float32Array(ownOrder(bytes, 4)) },
  F64: { size: 8, read: (bytes) => Float32Array.from(new Float64Array(ownOrder(bytes, 8))) },
  F16: { size: 2, read: (bytes) => Float32Array.from(new Uint16Array(ownOrder(bytes, 2)), fromHalf) },
  BF16: { size: 2, read: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(ownOrder(bytes, 2)), (half) => half << 16).buffer) }
}

/** What is not finite stays so, to be refused by its name */
function fromHalf (half: number): number {
  return (half & 0x7c00) !== 0x7c00 ? halfToNumber(half) : (half & 0x3ff) !== 0 ? NaN : (half & 0x8000) === 0 ? Infinity : -Infinity
}

/** A copy of little-endian numbers in the order of this machine */
function ownOrder (bytes: Uint8Array, size: 2 | 4 | 8): ArrayBuffer {
  const copy = new Uint8Array(bytes)
  if (endianness() === 'BE') {
    const buffer = Buffer.from(copy.buffer)
    size === 2 ? buffer.swap16() : size === 4 ? buffer.swap32() : buffer.swap64()
  }
  return copy.buffer
}

/**
 * All tensors of a file, as float32, in the order of its header
 *
 * Throws WeightsError, with one line, for what is no such file, was cut off, or holds a tensor of another dtype than
 * F32, F16, BF16 and F64
 */
export function decodeTensors (file: Uint8Array): NamedTensor[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const length = file.byteLength < LENGTH_BYTES ? -1 : Number(view.getBigUint64(0, true))
  if (!(length >= 2 && length <= Math.min(MAX_HEADER_BYTES, file.byteLength - LENGTH_BYTES))) {
    return fail('no safetensors file, or one that was cut off: its first bytes give no length of a header')
  }
  const body = file.subarray(LENGTH_BYTES + length)
  const header = parsedHeader(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
  const slices = Object.entries(header).filter(([name]) => name !== '__metadata__').map(([name, entry]) => sliceOf(name, entry, body.byteLength))
  const total = slices.reduce((sum, { begin, end }) => sum + end - begin, 0)
  if (total > body.byteLength) {
    fail(`its tensors have ${total} bytes, and the file ${body.byteLength} for them: some lie in each other's place`)
  }
  return slices.map(({ name, shape, begin, end, read }) => ({ name, shape, values: read(body.subarray(begin, end)) }))
}

function parsedHeader (bytes: Uint8Array): object {
  let header: unknown
  try {
    header = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (err) {
    return fail(`no safetensors file: its header is not JSON (${(err as Error).message})`)
  }
  return header !== null && typeof header === 'object' && !Array.isArray(header) ? header : fail('no safetensors file: its header is no object')
}

interface Slice extends Pick<NamedTensor, 'name' | 'shape'> {
  /** In bytes of the file's body */
  begin: number
  end: number
  read: (bytes: Uint8Array) => Float32Array
}

/** Where a tensor lies; nothing is copied before all of them are known to have room */
function sliceOf (name: string, entry: unknown, bodyBytes: number): Slice {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown, shape?: unknown, data_offsets?: unknown }
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    return fail(`tensor ${quoted(name)} has no dtype, shape and data_offsets as safetensors files do`)
  }
  const reader = Object.hasOwn(READERS, dtype) ? READERS[dtype]! : fail(`tensor ${quoted(name)} is of dtype ${quoted(dtype)}: weights must be ${Object.keys(READERS).join(', ')}`)
  const [begin, end] = offsets as [number, number]
  if (!(begin <= end && end <= bodyBytes)) {
    fail(`tensor ${quoted(name)} ends at byte ${end} of ${bodyBytes}: the file was cut off`)
  }
  if (elements(shape) * reader.size !== end - begin) {
    fail(`tensor ${quoted(name)} has ${end - begin} bytes, but shape [${shape.join(', ')}] of ${dtype} takes ${elements(shape) * reader.size}`)
  }
  return { name, shape, begin, end, read: reader.read }
}

function isCounts (value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 8 && value.every((count) => Number.isSafeInteger(count) && count >= 0)
}
