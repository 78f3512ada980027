/**
 * `--weights` and `--freeze`: what is read, what becomes of it in a document, and what is refused
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { founding } from '../../peer/founding.ts'
import { givenWeights, readWeightsFile } from '../../peer/weights-file.ts'
import { isFrozen } from '../../src/model/layer.ts'
import { encodeTensors } from '../../src/model/safetensors-file.ts'
import { inspectTopology, modelLayers } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import { run } from './program.ts'
import type { Settings } from '../../peer/settings.ts'
import type { NamedTensor } from '../../src/model/tensor-bytes.ts'

const TFJS = join(import.meta.dirname, '../fixtures/keras-weights/tfjs')

let folder: string
let data: string
let weights: string
let model: string
let files = 0

/** Of a table of three numbers and two classes */
const TENSORS: NamedTensor[] = [
  { name: 'first/kernel', shape: [3, 4], values: Float32Array.from({ length: 12 }, (_, i) => i / 8) },
  { name: 'first/bias', shape: [4], values: new Float32Array(4) },
  { name: 'last/kernel', shape: [4, 2], values: new Float32Array(8).fill(0.5) },
  { name: 'last/bias', shape: [2], values: new Float32Array(2) }
]
const dense = (name: string, units: number, activation: string, more: object = {}): object => ({ class_name: 'Dense', config: { name, units, activation, ...more } })
const layersOf = (more: object = {}): object => ({ class_name: 'Sequential', config: { layers: [dense('first', 4, 'tanh', more), { class_name: 'Dropout', config: { name: 'drop', rate: 0.1 } }, dense('last', 2, 'softmax')] } })

async function written (content: string | Uint8Array | object, name = `file-${++files}`): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content))
  return path
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-weights-'))
  const rows = Array.from({ length: 60 }, (_, i) => `${(i * 7 % 11) + 0.5},${(i * 5 % 13) + 0.25},${(i * 3 % 17) / 4},${i % 6 === 0 ? 'ill' : 'well'}`)
  data = `csv:${await written(['a,b,c,state', ...rows, ''].join('\n'), 'ward.csv')}`
  weights = await written(encodeTensors(TENSORS), 'weights.safetensors')
  model = await written(layersOf(), 'model.json')
})
afterAll(async () => { await rm(folder, { recursive: true }) })

type Given = { [Name in keyof Settings]?: Settings[Name] | undefined }

const made = async (given: Given = {}): ReturnType<typeof founding> => founding(Object.fromEntries(Object.entries({ data, model, weights, ...given }).filter(([, value]) => value !== undefined)))
const frozenIn = async (settings: Given): Promise<string[]> => modelLayers((await made(settings)).document.model).filter(isFrozen).map(({ name }) => name)

describe('--weights', () => {
  it('stands in the document by its hash, and goes along as it is', async () => {
    const { document, weights: bytes } = await made()
    expect(document).toMatchObject({ format: 2, model: { weights: { bytes: bytes!.byteLength } } })
    expect(inspectTopology(document.model).parameterCount).toBe(26)
    expect(await givenWeights(document, { weights })).toEqual(bytes)
  })

  it('fits layers that no file gives, too', async () => {
    const { document } = await founding({ data, hidden: '4' })
    const tensors = inspectTopology(document.model).layout.map(({ name, shape, size }) => ({ name, shape: [...shape], values: new Float32Array(size) }))
    expect((await founding({ data, hidden: '4', weights: await written(encodeTensors(tensors)) })).document.format).toBe(2)
  })

  it('under a mechanism says what the promise does not cover', async () => {
    const spoken = async (settings: Given): Promise<string> => ((await made({ publishStatistics: true, ...settings })).remarks ?? []).join('\n')
    expect(await spoken({ privacy: 'dp-sgd', model: await written({ class_name: 'Sequential', config: { layers: [dense('first', 4, 'tanh'), dense('last', 2, 'softmax')] } }) })).toMatch(/under dp-sgd the promise is of what is learnt here, not of the weights that this federation starts from: if they were learnt from private data/)
    expect(await spoken({})).toBe('')
  })

  it.each<[name: string, settings: () => Given, message: RegExp]>([
    ['layers that are frozen and have none', () => ({ weights: undefined, model: join(folder, 'frozen.json') }), /frozen\.json: "first\/kernel" is missing: a layer with trainable false needs its 12 numbers: give them with --weights FILE$/],
    ['--freeze without them', () => ({ weights: undefined, freeze: 'first' }), /^--freeze keeps layers at the weights that --weights brings: give both$/],
    ['a layer that is none', () => ({ freeze: 'frist' }), /^--freeze: there is no layer "frist" with weights \(did you mean "first"\?\); those are "first", "last"$/],
    ['a layer without weights', () => ({ freeze: 'all-but:drop' }), /^--freeze: there is no layer "drop" with weights/],
    ['everything frozen', () => ({ freeze: 'first,last' }), /the model has no parameters that learn/],
    ['another model\'s weights', () => ({ weights: join(TFJS, 'model.json') }), /tfjs\/model\.json: "first\/kernel", of shape \[3, 4\], is missing: the file has "features\/kernel", /],
    ['a preset', () => ({ preset: 'digits', data: 'digits', model: undefined, freeze: 'output' }), /--freeze decides what a document that is made to fit the data says/]
  ])('refuses %s', async (_, settings, message) => {
    await written(layersOf({ trainable: false }), 'frozen.json')
    await expect(made(settings())).rejects.toThrow(message)
  })

  it('is for a document that asks for it', async () => {
    await expect(givenWeights(presetDocument('digits'), { weights })).rejects.toThrow('--weights brings weights along, and this federation starts from a seed: leave it out')
    expect(await givenWeights(presetDocument('digits'), {})).toBeUndefined()
    expect(await run(['init', '--home', join(folder, 'later'), '--bootstrap', '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp', '--weights', weights])).toMatchObject({ exit: 2, stderr: expect.stringContaining('give it to the first grapevine start') as string })
  })
})

describe('--freeze', () => {
  it.each<[freeze: string | undefined, expected: string[]]>([
    [undefined, []], ['first', ['first']], ['all-but:last', ['first']], ['all-but:first', ['last']]
  ])('%s', async (freeze, expected) => {
    expect(await frozenIn({ freeze })).toEqual(expected)
  })

  it('leaves frozen what the model says', async () => {
    expect(await frozenIn({ model: await written(layersOf({ trainable: false })) })).toEqual(['first'])
  })
})

describe('a file of weights', () => {
  it.each<[name: string, content: () => Promise<string>, message: RegExp]>([
    ['that is not there', async () => join(folder, 'none'), /^cannot read the weights .*none: there is no such file$/],
    ['of Keras 3 (.keras)', async () => written(Buffer.from('PK\x03\x04rest', 'latin1')), /is a ZIP archive, as \.keras and \.pt files are, from which weights are not read: write them as safetensors/],
    ['of HDF5 (.weights.h5)', async () => written(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')), /is an HDF5 file, from which weights are not read: write them as safetensors/],
    ['of NumPy', async () => written(Buffer.from('\x93NUMPY', 'latin1')), /is a NumPy file, from which/],
    ['of JSON without weights', async () => written({ modelTopology: {} }), /names no weights \(weightsManifest\): save the model with model\.save\(\)/],
    ['of broken JSON', async () => written('{"weightsManifest": ['), /is not JSON: /],
    ['of whole numbers', async () => manifest({ dtype: 'int32' }), /tensor "a" is of dtype "int32": save weights as float32$/],
    ['that is quantised', async () => manifest({ quantization: { dtype: 'uint8', scale: 1, min: 0 } }), /tensor "a" is quantised: save weights as float32$/],
    ['whose shard is missing', async () => manifest({}, ['gone.bin']), /names the weights "gone\.bin", which cannot be read beside it: there is no such file$/],
    ['whose shard lies elsewhere', async () => manifest({}, ['../../etc/hostname']), /names weights outside of its folder \("\.\.\/\.\.\/etc\/hostname"\): they are not read$/],
    ['whose shard is a path from the root', async () => manifest({}, ['/etc/hostname']), /names weights outside of its folder/],
    ['whose shard was cut off', async () => manifest({ shape: [100] }), /tensor "a" ends at byte 400 of 8: its files were cut off$/],
    ['whose shard is longer', async () => manifest({ shape: [1] }), /its tensors have 4 bytes, and their files 8$/],
    ['whose shard is named twice', async () => manifest({ shape: [4] }, ['a.bin', './a.bin']), /names the weights "\.\/a\.bin" twice: every file has tensors of its own$/],
    ['whose shape is none', async () => manifest({ shape: [-1] }), /names no weights/]
  ])('%s is refused', async (_, content, message) => {
    await expect(readWeightsFile(await content())).rejects.toThrow(message)
  })

  async function manifest (weight: object, paths = ['a.bin']): Promise<string> {
    await written(new Uint8Array(8), 'a.bin')
    return written({ weightsManifest: [{ paths, weights: [{ name: 'a', shape: [2], dtype: 'float32', ...weight }] }] })
  }

  it('is not taken for JSON where the length of its header is a brace', async () => {
    const header = JSON.stringify({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }).padEnd(0x7b)
    const file = await written(Buffer.concat([Buffer.from([0x7b, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(header), new Uint8Array(4)]))
    expect(await readWeightsFile(file)).toEqual(await readFile(file))
  })

  it('may be a folder, and have a byte order mark', async () => {
    const copy = join(folder, 'copy')
    await mkdir(copy)
    await cp(TFJS, copy, { recursive: true })
    const plain = await readWeightsFile(join(copy, 'model.json'))
    await writeFile(join(copy, 'model.json'), `\ufeff${await readFile(join(copy, 'model.json'), 'utf8')}`)
    expect(await readWeightsFile(copy)).toEqual(plain)
  })
})
