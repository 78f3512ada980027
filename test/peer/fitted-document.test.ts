/**
 * Documents without JSON: what the flags of `grapevine init` make of the data
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { founding } from '../../peer/founding.ts'
import { planModel } from '../../src/model/topology.ts'
import { writeIdxFolder } from '../data/write-idx.ts'
import type { Settings } from '../../peer/settings.ts'

interface KerasAnswers { layers: Record<string, { topology: Record<string, unknown> }> }

let folder: string
let file: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-fitted-'))
  file = join(folder, 'ward.csv')
  const rows = Array.from({ length: 60 }, (_, i) => `${(i * 7 % 11) + 0.5},${(i * 5 % 13) + 0.25},${(i * 3 % 17) / 4},${i % 6 === 0 ? 'ill' : 'well'}`)
  await writeFile(file, ['a,b,c,state', ...rows, ''].join('\n'))
})
afterAll(async () => { await rm(folder, { recursive: true }) })

const made = async (settings: Settings = {}): ReturnType<typeof founding> => founding({ data: `csv:${file}`, ...settings })

async function modelFile (value: unknown): Promise<string> {
  const path = join(folder, `model-${++files}.json`)
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

describe('flags of a document that is made to fit the data', () => {
  it('leave it as it was when none is given', async () => {
    const { document, remarks } = await made()
    expect(document).toMatchObject({ format: 1, aggregation: { rule: 'gated-geometric-median', f: 1 }, topology: { degree: 6 }, training: { epochs: 1, optimizer: { learningRate: 0.001 } } })
    expect(remarks).toEqual([])
  })

  it('say layers, learning and mixing', async () => {
    const { document } = await made({ hidden: '12,5', epochs: 3, learningRate: 0.02, rule: 'trimmed-mean', f: 2, degree: 9 })
    expect(planModel(document.model).layout.map(({ shape }) => shape.join(' x '))).toEqual(['3 x 12', '12', '12 x 5', '5', '5 x 2', '2'])
    expect(document).toMatchObject({ training: { epochs: 3, optimizer: { learningRate: 0.02 } }, aggregation: { rule: 'trimmed-mean', f: 2 }, topology: { degree: 9 } })
    expect(planModel((await made({ hidden: 'none' })).document.model).layout).toHaveLength(2)
  })

  it('weigh classes by name', async () => {
    const { document } = await made({ classWeight: ['ill=5'] })
    expect(document).toMatchObject({ format: 2, model: { labels: ['ill', 'well'], classWeights: [5, 1] } })
  })

  it('predict a number', async () => {
    const { document } = await made({ label: 'b', task: 'regression', targetRange: '-5..20', targetUnit: 'mg', loss: 'huber' })
    expect(document).toMatchObject({ format: 2, model: { loss: 'huber', labels: [], target: { mean: 7.5, stdDev: 6.25, min: -5, max: 20, unit: 'mg' } } })
    expect(planModel(document.model).outputs).toBe(1)
  })

  it('propose to two what two can have, and say what it does not withstand', async () => {
    for (const settings of [{ peers: 2 }, { degree: 1 }]) {
      const { document, remarks } = await made(settings)
      expect(document).toMatchObject({ aggregation: { rule: 'mean', f: 0 }, topology: { degree: 1 } })
      expect(remarks).toEqual(['rule mean, f = 0, 1 neighbour each, because so few peers can have no other: it withstands nobody who lies and no broken peer: what the one neighbour sends is mixed as it is. For peers that trust each other'])
    }
  })

  it('take the usual rule as soon as there are neighbours enough', async () => {
    const { document, remarks } = await made({ peers: 5 })
    expect(document).toMatchObject({ aggregation: { rule: 'gated-geometric-median', f: 1 }, topology: { degree: 4 } })
    expect(remarks).toEqual([])
  })

  it.each<[settings: Settings, message: RegExp]>([
    [{ peers: 2, rule: 'krum' }, /^aggregation: krum needs at least \d+ neighbours to withstand f = 1/],
    [{ rule: 'median-of-all' }, /^aggregation\.rule: /],
    [{ peers: 3, degree: 3 }, /--degree 3: each of 3 peers can have 2 neighbours at most/],
    [{ classWeight: ['sick=2'] }, /there is no class "sick"; classes are "ill", "well"/],
    [{ classWeight: ['ill=2', 'ill=3'] }, /a class has two weights/],
    [{ targetUnit: 'mg' }, /--target-unit is for a number to predict, and the label has classes here/],
    [{ label: 'b', task: 'regression', classWeight: ['ill=2'] }, /--class-weight is for classes, and a number is predicted here/],
    [{ label: 'b', task: 'regression', targetRange: '5..2' }, /the first number must be below the second/],
    [{ preset: 'digits', epochs: 2 }, /--epochs decides what a document that is made to fit the data says: a preset says it already/],
    [{ data: 'digits', hidden: '8' }, /--hidden decides .*: give data of your own/]
  ])('are refused where they cannot be: %o', async (settings, message) => {
    await expect(made(settings)).rejects.toThrow(message)
    await expect(made(settings)).rejects.toMatchObject({ name: 'UsageError' })
  })
})

describe('a model from a file', () => {
  const { layers } = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/keras3_layers.json'), 'utf8')) as KerasAnswers

  const keras2 = (units: number, activation: string, extra: object = {}): object => ({
    class_name: 'Sequential',
    config: {
      name: 'sequential',
      layers: [
        { class_name: 'InputLayer', config: { batch_input_shape: [null, 3], dtype: 'float32', sparse: false, ragged: false, name: 'input_1' } },
        { class_name: 'Dense', config: { name: 'dense', trainable: true, dtype: 'float32', units: 4, activation: 'relu', use_bias: true, kernel_initializer: { class_name: 'GlorotUniform', config: { seed: null } }, kernel_regularizer: null, ...extra } },
        { class_name: 'Dense', config: { name: 'out', units, activation } }
      ]
    },
    keras_version: '2.15.0',
    backend: 'tensorflow'
  })

  it('of Keras 3, whatever stands around its layers, becomes layers in the words of TensorFlow.js', async () => {
    const three = join(folder, 'three.csv')
    await writeFile(three, ['a,b,c,state', ...Array.from({ length: 30 }, (_, i) => `${(i * 7 % 11) + 0.5},${(i * 5 % 13) + 0.25},${(i % 7) / 4},k${i % 3}`), ''].join('\n'))
    const fitted = (await founding({ data: `csv:${three}`, model: await modelFile(layers['ReLU with a slope']!.topology) })).document
    expect(planModel(fitted.model).layout.map(({ name }) => name)).toEqual(['dense/kernel', 'dense/bias', 'out/kernel', 'out/bias'])
    expect(JSON.stringify(fitted)).not.toMatch(/registered_name|build_config|compile_config|initializer/)
  })

  it('of Keras 2, of TensorFlow.js and of an H5 file\'s configuration is the same', async () => {
    const shapes = await Promise.all([keras2(2, 'softmax'), { format: 'layers-model', modelTopology: { ...keras2(2, 'softmax') }, weightsManifest: [] }, { modelTopology: { model_config: keras2(2, 'softmax') } }, JSON.stringify(JSON.stringify(keras2(2, 'softmax')))]
      .map(async (value) => (await made({ model: await modelFile(value) })).document.model))
    expect(planModel(shapes[0]!).parameterCount).toBe(3 * 4 + 4 + 4 * 2 + 2)
    shapes.forEach((model) => { expect(model).toEqual(shapes[0]) })
  })

  it('says its loss by its last activation', async () => {
    expect((await made({ model: await modelFile(keras2(1, 'sigmoid')) })).document.model.loss).toBe('binaryCrossentropy')
    const wide = join(folder, 'wide.csv')
    await writeFile(wide, ['a,b,c,dose', ...Array.from({ length: 30 }, (_, i) => `${(i * 7 % 11) + 0.5},${(i * 5 % 13) + 0.25},${(i % 7) / 4},${i / 8}`), ''].join('\n'))
    const { document } = await founding({ data: `csv:${wide}`, task: 'regression', model: await modelFile(keras2(1, 'linear')) })
    expect(document.model).toMatchObject({ loss: 'meanSquaredError', labels: [] })
  })

  it('takes pictures', async () => {
    const images = await writeIdxFolder({ shape: [4, 4, 2] })
    const { document } = await founding({ data: `idx:${images}`, model: await modelFile(layers['MaxPooling2D valid, strides 1']!.topology) })
    expect(planModel(document.model).inputShape).toEqual([4, 4, 2])
  })

  it.each<[what: string, value: unknown, message: RegExp]>([
    ['an activation', keras2(2, 'softmax', { activation: 'gelu' }), /model-\w+\.json: config\.layers\[1\]: activation "gelu" is not supported$/],
    ['a regulariser', { modelTopology: keras2(2, 'softmax', { kernel_regularizer: { class_name: 'L2', config: { l2: 0.01 } } }) }, /: modelTopology\.config\.layers\[1\]: kernel_regularizer .* is not supported$/],
    ['a graph', { class_name: 'Functional', config: { layers: [] } }, /: config\.input_layers names no layer$/],
    ['other inputs', { class_name: 'Sequential', config: { layers: [{ class_name: 'Dense', config: { name: 'out', units: 2, activation: 'softmax', batch_input_shape: [null, 30] } }] } }, /: config\.layers\[0\] takes inputs of shape \[30\], but model\.input gives \[3\]$/],
    ['other outputs', keras2(5, 'softmax'), /: the model has 5 outputs, but model\.labels has 2 names$/],
    ['no last activation', keras2(2, 'linear'), /: the last layer must have the activation "softmax", because model\.loss is "categoricalCrossentropy"$/],
    ['no model', { weights: [] }, /holds no model: neither class_name, nor modelTopology/],
    ['no JSON', '{', /is not JSON: /]
  ])('is refused with its place: %s', async (_, value, message) => {
    await expect(made({ model: await modelFile(value) })).rejects.toThrow(message)
    await expect(made({ model: await modelFile(value) })).rejects.toMatchObject({ name: 'ConfigurationError' })
  })

  it('is refused beside widths, and where there is none', async () => {
    await expect(made({ model: join(folder, 'none.json') })).rejects.toThrow(/cannot read the model .*: there is no such file/)
    await expect(made({ model: await modelFile(keras2(2, 'softmax')), hidden: '8' })).rejects.toThrow(/give one of them/)
  })
})
