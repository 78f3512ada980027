/**
 * The preparation of examples as a part of the graph: it takes what a table or a picture holds, not what a model eats
 *
 * The counterparts in training are data/table-values.ts with data/table-examples.ts, and `imageExamples`.
 */
import { ML } from './onnx-messages.ts'
import type { ModelInput } from '../../federation/document.ts'
import type { OnnxGraph, Value } from './onnx-graph.ts'

type TableInput = Extract<ModelInput, { kind: 'table' }>
type ImageInput = Extract<ModelInput, { kind: 'image' }>
type TextInput = Extract<ModelInput, { kind: 'text' }>
type NumericColumn = Extract<TableInput['columns'][number], { kind: 'numeric' }>
type CategoricalColumn = Extract<TableInput['columns'][number], { kind: 'categorical' }>

export const IMAGE_INPUT = 'image'
export const TEXT_INPUT = 'tokens'

/** What the graph takes, in order */
export function inputNames (input: ModelInput): string[] {
  return input.kind === 'table' ? input.columns.map(({ name }) => name) : [input.kind === 'text' ? TEXT_INPUT : IMAGE_INPUT]
}

/** Adds the inputs, and what prepares them. Pictures come out as height, width, channels */
export function prepared (graph: OnnxGraph, input: ModelInput): Value {
  switch (input.kind) {
    case 'table': return preparedTable(graph, input)
    case 'image': return preparedImage(graph, input)
    case 'text': return preparedText(graph, input)
  }
}

/** int64, examples x length: numbers of tokens, which whoever calls makes (docs/data.md). Floats, as all layers take */
function preparedText (graph: OnnxGraph, { length }: TextInput): Value {
  const tokens = graph.input(TEXT_INPUT, 'int64', [length])
  return { name: graph.add('tokens/float', { operator: 'Cast', inputs: [tokens], attributes: { to: 1 } }), shape: [length] }
}

/** uint8 or uint16, examples x height x width x channels */
function preparedImage (graph: OnnxGraph, { shape, mean, stdDev, bits }: ImageInput): Value {
  const pixels = graph.input(IMAGE_INPUT, bits === 16 ? 'uint16' : 'uint8', shape)
  const scalar = (name: string, value: number): string => graph.constant(name, [], { type: 'float', values: Float32Array.of(value) })
  const floats = graph.add('image/float', { operator: 'Cast', inputs: [pixels], attributes: { to: 1 } })
  const scaled = graph.add('image/scaled', { operator: 'Div', inputs: [floats, scalar('image/largest', bits === 16 ? 65_535 : 255)] })
  const centred = graph.add('image/centred', { operator: 'Sub', inputs: [scaled, scalar('image/mean', mean)] })
  return { name: graph.add('image/standardised', { operator: 'Div', inputs: [centred, scalar('image/std_dev', stdDev)] }), shape }
}

/** One input of examples x 1 for each column: double, or string */
function preparedTable (graph: OnnxGraph, { columns }: TableInput): Value {
  const parts: Value[] = []
  let numbers: NumericColumn[] = []
  const flush = (): void => {
    if (numbers.length > 0) {
      parts.push(standardised(graph, numbers))
    }
    numbers = []
  }
  for (const column of columns) {
    if (column.kind === 'numeric') {
      // its indicator follows it
      if (column.missing?.indicator === true) {
        flush()
      }
      numbers.push(column)
      if (column.missing?.indicator === true) {
        flush()
      }
    } else {
      flush()
      parts.push(categories(graph, column))
    }
  }
  flush()
  const width = parts.reduce((sum, { shape }) => sum + shape[0]!, 0)
  return { name: joined(graph, 'table', parts.map(({ name }) => name)), shape: [width] }
}

/**
 * In double precision, as in training: of a date in seconds a float has no day left. NaN becomes the mean, or the
 * document's constant; what lies outside of a declared range becomes its end. A column with an indicator comes alone
 */
function standardised (graph: OnnxGraph, columns: readonly NumericColumn[]): Value {
  const inputs = columns.map(({ name }) => graph.input(name, 'double', [1]))
  const vector = (name: string, values: readonly number[]): string => graph.constant(`numbers/${name}`, [values.length], { type: 'double', values })
  const all = joined(graph, 'numbers', inputs)
  const centred = graph.add('numbers/centred', { operator: 'Sub', inputs: [all, vector('mean', columns.map(({ mean }) => mean))] })
  const scaled = graph.add('numbers/scaled', { operator: 'Div', inputs: [centred, vector('std_dev', columns.map(({ stdDev }) => stdDev))] })
  const floats = graph.add('numbers/float', { operator: 'Cast', inputs: [scaled], attributes: { to: 1 } })
  const missing = graph.add('numbers/missing', { operator: 'IsNaN', inputs: [floats] })
  const floatVector = (name: string, values: readonly number[]): string => graph.constant(`numbers/${name}`, [values.length], { type: 'float', values: Float32Array.from(values) })
  const imputed = floatVector('imputed', columns.map(({ missing, mean, stdDev }) => missing?.constant === undefined ? 0 : (missing.constant - mean) / stdDev))
  const filled = graph.add('numbers/filled', { operator: 'Where', inputs: [missing, imputed, ranged(graph, floats, columns, floatVector)] })
  if (columns[0]!.missing?.indicator !== true) {
    return { name: filled, shape: [columns.length] }
  }
  const indicator = graph.add('numbers/indicator', { operator: 'Cast', inputs: [missing], attributes: { to: 1 } })
  return { name: joined(graph, 'numbers/with_indicator', [filled, indicator]), shape: [2] }
}

function ranged (graph: OnnxGraph, floats: string, columns: readonly NumericColumn[], vector: (name: string, values: readonly number[]) => string): string {
  if (columns.every(({ min, max }) => min === undefined && max === undefined)) {
    return floats
  }
  const ends = columns.map(({ min = -Infinity, max = Infinity, mean, stdDev }) => [(min - mean) / stdDev, (max - mean) / stdDev] as const)
  const above = graph.add('numbers/above', { operator: 'Max', inputs: [floats, vector('lowest', ends.map(([lowest]) => lowest))] })
  return graph.add('numbers/ranged', { operator: 'Min', inputs: [above, vector('highest', ends.map(([, highest]) => highest))] })
}

/**
 * A value that the document does not name is all zeros, or an error where the document has no place for it. Where a
 * missing value is a category of its own, the empty text is that
 */
function categories (graph: OnnxGraph, { name, values: named, other, missing }: CategoricalColumn): Value {
  const values = missing === true ? [...named, ''] : named
  const input = graph.input(name, 'string', [1])
  const hot = graph.add('category/one_hot', { operator: 'OneHotEncoder', domain: ML, inputs: [input], attributes: { cats_strings: values, zeros: other === true } })
  const shape = graph.integers('category/shape', [0, values.length])
  return { name: graph.add('category', { operator: 'Reshape', inputs: [hot, shape] }), shape: [values.length] }
}

function joined (graph: OnnxGraph, name: string, inputs: readonly string[]): string {
  return inputs.length === 1 ? inputs[0]! : graph.add(name, { operator: 'Concat', inputs, attributes: { axis: 1 } })
}
