/**
 * A model as an ONNX file that takes rows of a table or pictures as they are and answers with labels and probabilities
 */
import { openWeights } from '../initial-weights.ts'
import { planModel, modelLayers } from '../topology.ts'
import { tensorsOf } from '../named-tensors.ts'
import { modelMetadata } from '../safetensors.ts'
import { OnnxGraph } from './onnx-graph.ts'
import { inputNames, prepared } from './onnx-inputs.ts'
import { runLayers } from './onnx-layers.ts'
import type { EncodeModelInit } from '../safetensors.ts'
import type { FederationDocument } from '../../federation/document.ts'
import type { Value } from './onnx-graph.ts'

/**
 * The bytes of the file
 *
 * A table has one input for each column, examples x 1, by its name: double (NaN where it is missing), or string. A
 * picture is `image`, uint8 (uint16 where the document keeps 16 bits), examples x height x width x channels. Outputs
 * are `label`, string, examples, and `probabilities`, float, examples x labels, or `value`, double, examples x 1; where
 * a column has such a name, with a number behind it.
 *
 * Throws InvalidFederationError, WeightsError, RangeError when the parameters have another length than the model
 */
export function encodeOnnx ({ document, parameters, weights, metadata = {} }: EncodeModelInit): Uint8Array {
  const { model } = document
  const tensors = tensorsOf(planModel(model, openWeights(model, weights)), parameters)
  const graph = new OnnxGraph(inputNames(model.input))
  const outputs = runLayers(graph, modelLayers(model), tensors, prepared(graph, model.input))
  answer(graph, outputs, model)
  return graph.file('grapevine', { ...modelMetadata(document), ...metadata })
}

function answer (graph: OnnxGraph, output: Value, { labels, target }: FederationDocument['model']): void {
  if (target === undefined) {
    answerLabels(graph, output, labels)
  } else {
    answerValue(graph, output, target)
  }
}

/** In the unit of the target: float64, examples x 1 */
function answerValue (graph: OnnxGraph, { name }: Value, { mean, stdDev }: { mean: number, stdDev: number }): void {
  const scalar = (of: string, value: number): string => graph.constant(`value/${of}`, [], { type: 'double', values: [value] })
  const doubles = graph.add('value/double', { operator: 'Cast', inputs: [name], attributes: { to: 11 } })
  const scaled = graph.add('value/scaled', { operator: 'Mul', inputs: [doubles, scalar('std_dev', stdDev)] })
  graph.output(graph.add('value', { operator: 'Add', inputs: [scaled, scalar('mean', mean)] }), 'double', [1])
}

function answerLabels (graph: OnnxGraph, { name, shape }: Value, labels: readonly string[]): void {
  const probabilities = shape[0] === 1 ? bothShares(graph, name) : graph.add('probabilities', { operator: 'Identity', inputs: [name] })
  const likeliest = graph.add('label/index', { operator: 'ArgMax', inputs: [probabilities], attributes: { axis: 1, keepdims: false } })
  const names = graph.constant('label/names', [labels.length], { type: 'string', values: labels })
  const label = graph.add('label', { operator: 'Gather', inputs: [names, likeliest], attributes: { axis: 0 } })
  graph.output(label, 'string', [])
  graph.output(probabilities, 'float', [labels.length])
}

/** A single output is the probability of the second label */
function bothShares (graph: OnnxGraph, second: string): string {
  const one = graph.constant('probabilities/one', [], { type: 'float', values: Float32Array.of(1) })
  const first = graph.add('probabilities/first', { operator: 'Sub', inputs: [one, second] })
  return graph.add('probabilities', { operator: 'Concat', inputs: [first, second], attributes: { axis: 1 } })
}
