/**
 * Exported models of texts, given tokens as docs/data.md makes them: they say what the predictor says
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import * as ort from 'onnxruntime-web'
import { describe, expect, it } from 'vitest'
import { readInputs } from '../../src/data/input-formats.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { exportLayersModel } from '../../src/model/export.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { encodeOnnx } from '../../src/model/onnx/encode-onnx.ts'
import { createPredictor } from '../../src/model/predictor.ts'
import { inspectTopology, textTopology } from '../../src/model/topology.ts'
import { federation, largestDifference } from './models.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

const LENGTH = 12
const TEXT = '  A na\u00efve film,\r\nfine\n'

function documentOf (vocabulary?: string[]): FederationDocument {
  const document = federation({ shape: [LENGTH], classes: 2, topology: textTopology({ length: LENGTH, vocabulary: vocabulary === undefined ? 257 : vocabulary.length + 2, classes: 2, width: 4, filters: 6 }) })
  return { ...document, format: 2, model: { ...document.model, labels: ['bad', 'good'], input: { kind: 'text', length: LENGTH, tokens: vocabulary === undefined ? 'bytes' : 'words', ...(vocabulary === undefined ? {} : { vocabulary }) } } }
}

/** The lines of docs/data.md */
const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text.replace(/\r\n?/g, '\n').trim())].map((byte) => byte + 1)
const tokens = (ids: number[], length: number): number[] => [...ids, ...Array<number>(length).fill(0)].slice(0, length)

describe.each([
  ['bytes', undefined, tokens(bytesOf(TEXT), LENGTH)],
  ['words', ['film', 'fine', 'na\u00efve'], tokens([1, 4, 2, 3], LENGTH)]
] as const)('a model of %s', (_, vocabulary, ids) => {
  it('says the same of a text as ONNX, as a LayersModel, and to whoever reads the text', async () => {
    const document = documentOf(vocabulary === undefined ? undefined : [...vocabulary])
    const parameters = initialParameters(document.model).map((value, i) => value + Math.sin(i) / 4)
    const predictor = await createPredictor({ document, parameters })
    let expected: Float32Array = new Float32Array()
    await readInputs({ path: 'a text', bytes: Readable.from([Buffer.from(TEXT)]) }, document.model, ({ inputs, count }) => {
      expect([...inputs.subarray(0, LENGTH)]).toEqual(ids)
      expected = predictor.predict(inputs, count).outputs
      return undefined
    })
    expect(Math.abs(expected[0]! - expected[1]!)).toBeGreaterThan(0.01)

    const session = await ort.InferenceSession.create(encodeOnnx({ document, parameters }))
    const { probabilities } = await session.run({ tokens: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, LENGTH]) })
    expect(largestDifference(probabilities!.data as Float32Array, expected)).toBeLessThan(1e-5)

    await loadBackend('cpu')
    const directory = await mkdtemp(join(tmpdir(), 'grapevine-text-export-'))
    try {
      await exportLayersModel({ document, parameters, directory })
      const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8')) as { modelTopology: object, weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }] }
      const model = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData: Uint8Array.from(await readFile(join(directory, 'weights.bin'))).buffer }))
      const output = model.predict(tf.tensor2d([...ids], [1, LENGTH])) as tf.Tensor
      expect(largestDifference(output.dataSync<'float32'>(), expected)).toBeLessThan(1e-5)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

it('an embedding with fewer rows than there are tokens is refused with the document', () => {
  const { model } = documentOf()
  const topology = textTopology({ length: LENGTH, vocabulary: 256, classes: 2 })
  expect(() => inspectTopology({ ...model, topology })).toThrow('layer "embedding" has a vocabulary of 256 (input_dim), but texts have 257 different tokens by model.input, padding included')
})
