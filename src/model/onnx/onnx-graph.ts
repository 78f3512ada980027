/**
 * A graph in the making: operations and constants, under names that nothing else has
 */
import { initializer, node, onnxFile } from './onnx-messages.ts'
import type { ElementType, NodeInit, Port, TensorValues } from './onnx-messages.ts'
import type { Message } from './protobuf.ts'

/** A value between two operations: its shape leaves out the examples */
export interface Value {
  name: string
  shape: readonly number[]
}

export class OnnxGraph {
  private readonly nodes: Message[] = []
  private readonly initializers: Message[] = []
  private readonly inputs: Port[] = []
  private readonly outputs: Port[] = []
  private readonly names: Set<string>

  /** `inputNames` are others': they come first, and all other names keep away from them */
  constructor (inputNames: readonly string[]) {
    this.names = new Set(inputNames)
  }

  input (name: string, type: ElementType, shape: readonly number[]): string {
    this.inputs.push({ name, type, shape })
    return name
  }

  constant (name: string, shape: readonly number[], tensor: TensorValues): string {
    const own = this.unused(name)
    this.initializers.push(initializer(own, shape, tensor))
    return own
  }

  /** Numbers that are part of a shape or the like */
  integers (name: string, values: readonly number[]): string {
    return this.constant(name, [values.length], { type: 'int64', values })
  }

  /** Returns the name of the output, which begins with `name` */
  add (name: string, { operator, inputs, domain, attributes }: Omit<NodeInit, 'output'>): string {
    const output = this.unused(name)
    this.nodes.push(node({ operator, inputs, output, ...(domain === undefined ? {} : { domain }), ...(attributes === undefined ? {} : { attributes }) }))
    return output
  }

  /** Declares the output of an operation as one of the whole graph */
  output (name: string, type: ElementType, shape: readonly number[]): void {
    this.outputs.push({ name, type, shape })
  }

  file (name: string, metadata: Readonly<Record<string, string>>): Uint8Array {
    return onnxFile({ name, nodes: this.nodes, initializers: this.initializers, inputs: this.inputs, outputs: this.outputs, metadata })
  }

  private unused (name: string): string {
    let own = name
    for (let number = 2; this.names.has(own); number++) {
      own = `${name}_${number}`
    }
    this.names.add(own)
    return own
  }
}
