/**
 * Whether bytes are CBOR of a small, flat value, before a decoder makes anything of them
 *
 * A decoder recurses into lists and makes objects of what it reads: sixty thousand nested lists fit into a record. One
 * pass over the headers costs nothing but time in proportion to the bytes, and refuses what no record holds: tags,
 * numbers with a fraction, lengths that are not written down.
 */

export interface CborBounds {
  /** Lists and maps inside each other */
  maxDepth: number
  /** Values in all, keys among them */
  maxValues: number
}

const BYTES = 2
const TEXT = 3
const LIST = 4
const MAP = 5
const TAG = 6
const SIMPLE = 7

const TRUE_OR_FALSE = [20, 21]

interface Header { major: number, value: number, next: number }

/** Undefined where the bytes end too early, or a length takes more than 32 bits */
function headerAt (bytes: Uint8Array, offset: number): Header | undefined {
  const first = bytes[offset]
  if (first === undefined) {
    return undefined
  }
  const major = first >> 5
  const info = first & 0x1f
  if (info < 24) {
    return { major, value: info, next: offset + 1 }
  }
  const width = info > 27 ? 0 : 1 << (info - 24)
  const next = offset + 1 + width
  if (width === 0 || next > bytes.byteLength) {
    return undefined
  }
  const value = bytes.subarray(offset + 1, next).reduce((sum, byte) => sum * 256 + byte, 0)
  return { major, value, next }
}

/** How many values follow that belong to this one; undefined for what no record holds */
function childrenOf ({ major, value, next }: Header, length: number): number | undefined {
  switch (major) {
    case BYTES:
    case TEXT:
      return next + value <= length ? 0 : undefined
    case LIST:
      return value
    case MAP:
      return 2 * value
    case TAG:
      return undefined
    case SIMPLE:
      return TRUE_OR_FALSE.includes(value) ? 0 : undefined
    default:
      return 0
  }
}

function contentBytes ({ major, value }: Header): number {
  return major === BYTES || major === TEXT ? value : 0
}

/** True for exactly one value within the bounds and nothing after it. Never throws */
export function isBoundedCbor (bytes: Uint8Array, { maxDepth, maxValues }: CborBounds): boolean {
  /** How many values are still to come in each list or map that is open */
  const open = [1]
  let values = 0
  let offset = 0
  while (open.length > 0) {
    const header = headerAt(bytes, offset)
    const children = header === undefined ? undefined : childrenOf(header, bytes.byteLength)
    values++
    if (header === undefined || children === undefined || values + children > maxValues) {
      return false
    }
    offset = header.next + contentBytes(header)
    open[open.length - 1]!--
    if (children > 0) {
      open.push(children)
    }
    if (open.length - 1 > maxDepth) {
      return false
    }
    while (open.at(-1) === 0) {
      open.pop()
    }
  }
  return offset === bytes.byteLength
}
