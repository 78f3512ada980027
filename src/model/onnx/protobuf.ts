/**
 * Writes protobuf messages (https://protobuf.dev/programming-guides/encoding), as far as ONNX needs it
 *
 * A message is the list of its pieces, so that a large tensor is copied once, at the end.
 */

const VARINT = 0
const BYTES = 2
const FIXED32 = 5

export type Message = readonly Uint8Array[]

function varint (value: number): Uint8Array {
  // negative ones as two's complement of 64 bits
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Uint8Array.from(bytes)
}

function tag (field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType)
}

/** A whole number, |value| below 2^53 */
export function integer (field: number, value: number): Message {
  return [tag(field, VARINT), varint(value)]
}

/** Whole numbers of a repeated field, packed */
export function integers (field: number, values: readonly number[]): Message {
  return nested(field, values.map(varint))
}

export function float (field: number, value: number): Message {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return [tag(field, FIXED32), bytes]
}

export function bytes (field: number, value: Uint8Array): Message {
  return nested(field, [value])
}

export function text (field: number, value: string): Message {
  return bytes(field, new TextEncoder().encode(value))
}

/** A message as a field of another one */
export function nested (field: number, message: Message): Message {
  return [tag(field, BYTES), varint(message.reduce((sum, piece) => sum + piece.byteLength, 0)), ...message]
}
