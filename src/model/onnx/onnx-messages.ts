/**
 * The messages of ONNX files (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), by their field numbers there
 */
import { littleEndian } from '../tensor-bytes.ts'
import { bytes, float, integer, integers, nested, text } from './protobuf.ts'
import type { Message } from './protobuf.ts'

/** ONNX 1.12, of 2022: what onnxruntime 1.12 and all later ones read */
const IR_VERSION = 8
const OPSET = 17
const ML_OPSET = 3

/** The domain of operators on text and columns */
export const ML = 'ai.onnx.ml'

export const ELEMENT_TYPES = { float: 1, uint8: 2, uint16: 4, int64: 7, string: 8, double: 11 } as const

export type ElementType = keyof typeof ELEMENT_TYPES

/** `true` and `false` are 1 and 0 there; whole numbers are integers, others must be wrapped */
export type Attribute = number | boolean | { float: number } | readonly number[] | readonly string[]

const ATTRIBUTE_TYPES = { float: 1, integer: 2, integers: 7, strings: 8 } as const

function attribute (name: string, value: Attribute): Message {
  const typed = (type: keyof typeof ATTRIBUTE_TYPES, message: Message): Message => nested(5, [...text(1, name), ...message, ...integer(20, ATTRIBUTE_TYPES[type])])
  if (typeof value === 'number' || typeof value === 'boolean') {
    return typed('integer', integer(3, Number(value)))
  }
  if ('float' in value) {
    return typed('float', float(2, value.float))
  }
  return isTexts(value) ? typed('strings', value.flatMap((each) => text(9, each))) : typed('integers', value.flatMap((each) => integer(8, each)))
}

function isTexts (values: readonly number[] | readonly string[]): values is readonly string[] {
  return typeof values[0] === 'string'
}

export interface NodeInit {
  operator: string
  domain?: typeof ML
  inputs: readonly string[]
  output: string
  attributes?: Readonly<Record<string, Attribute>>
}

/** One operation, as a field of a graph */
export function node ({ operator, domain, inputs, output, attributes = {} }: NodeInit): Message {
  return nested(1, [
    ...inputs.flatMap((input) => text(1, input)),
    ...text(2, output),
    ...text(3, output),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([name, value]) => attribute(name, value)),
    ...domain === undefined ? [] : text(7, domain)
  ])
}

export type TensorValues =
  | { type: 'float', values: Float32Array }
  | { type: 'double' | 'int64', values: readonly number[] }
  | { type: 'string', values: readonly string[] }

function contents (tensor: TensorValues): Message {
  switch (tensor.type) {
    case 'float':
      return bytes(9, littleEndian([tensor.values]))
    case 'double': {
      const view = new DataView(new ArrayBuffer(8 * tensor.values.length))
      tensor.values.forEach((value, i) => { view.setFloat64(8 * i, value, true) })
      return bytes(9, new Uint8Array(view.buffer))
    }
    case 'int64':
      return integers(7, tensor.values)
    case 'string':
      return tensor.values.flatMap((value) => text(6, value))
  }
}

/** A constant, as a field of a graph */
export function initializer (name: string, shape: readonly number[], tensor: TensorValues): Message {
  return nested(5, [...integers(1, shape), ...integer(2, ELEMENT_TYPES[tensor.type]), ...text(8, name), ...contents(tensor)])
}

export interface Port {
  name: string
  type: ElementType
  /** Behind the number of examples */
  shape: readonly number[]
}

function port (field: 11 | 12, { name, type, shape }: Port): Message {
  const dimensions = [nested(1, text(2, 'examples')), ...shape.map((side) => nested(1, integer(1, side)))]
  const tensorType = [...integer(1, ELEMENT_TYPES[type]), ...nested(2, dimensions.flat())]
  return nested(field, [...text(1, name), ...nested(2, nested(1, tensorType))])
}

export interface GraphInit {
  name: string
  nodes: readonly Message[]
  initializers: readonly Message[]
  inputs: readonly Port[]
  outputs: readonly Port[]
  metadata: Readonly<Record<string, string>>
}

/** The bytes of a whole file */
export function onnxFile ({ name, nodes, initializers, inputs, outputs, metadata }: GraphInit): Uint8Array {
  const graph = [
    ...nodes.flat(),
    ...text(2, name),
    ...initializers.flat(),
    ...inputs.flatMap((each) => port(11, each)),
    ...outputs.flatMap((each) => port(12, each))
  ]
  return Buffer.concat([
    ...integer(1, IR_VERSION),
    ...text(2, 'grapevine'),
    ...nested(7, graph),
    ...nested(8, [...text(1, ''), ...integer(2, OPSET)]),
    ...nested(8, [...text(1, ML), ...integer(2, ML_OPSET)]),
    ...Object.entries(metadata).flatMap(([key, value]) => nested(14, [...text(1, key), ...text(2, value)]))
  ])
}
