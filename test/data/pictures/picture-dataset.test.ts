import { mkdir, rename, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { identityOf } from '../../../src/data/dataset-identity.ts'
import { checkDataset, countExamples, inferInput, loadDataset } from '../../../src/data/data-formats.ts'
import { parseFederation } from '../../../src/federation/document.ts'
import { presetDocument } from '../../../src/presets.ts'
import { pixelOf, temporaryFolder, writeIdxFolder } from '../write-idx.ts'
import { folderOf, greyPng } from './write-pictures.ts'
import type { Dataset, Examples, Model } from '../../../src/data/examples.ts'
import type { DatasetSource } from '../../../src/interface.ts'

const LABELS = ['cat', 'dog', 'owl']

function model (input: Partial<Extract<Model['input'], { kind: 'image' }>> = {}, labels = LABELS): Model {
  return { topology: {}, seed: 1, loss: 'categoricalCrossentropy', input: { kind: 'image', shape: [4, 3, 1], mean: 0.5, stdDev: 0.25, resize: 'bilinear', ...input }, labels }
}

function images (path: string): DatasetSource {
  return { kind: 'images', path }
}

/** Example `index` as the IDX folders of other tests have it */
function picture (index: number): Buffer {
  return greyPng(3, 4, Array.from({ length: 12 }, (_, i) => pixelOf(index, i)))
}

function inputsOf (examples: Examples): number[][] {
  return Array.from({ length: examples.count }, (_, i) => {
    const out = new Float32Array(examples.featureCount)
    examples.writeInputs(i, out, 0)
    return [examples.labels[i]!, ...out]
  })
}

/** `perClass` pictures of each class, `set/class/number.png` */
function classFolders (perClass: number, classes = LABELS, prefix = ''): Record<string, Buffer> {
  return Object.fromEntries(classes.flatMap((name, c) => Array.from({ length: perClass }, (_, i) => [`${prefix}${name}/${i}.png`, picture(10 * c + i)])))
}

describe('a folder of pictures', () => {
  it('gives the examples of the IDX files with the same pixels, bit for bit, and the same fingerprint', async () => {
    const labels = [0, 1, 2, 0, 1, 2, 0, 1]
    const names = model({}, ['0', '1', '2'])
    const idx = await loadDataset({ kind: 'idx', directory: await writeIdxFolder({ trainLabels: labels, testLabels: [2, 1, 0] }) }, names)
    const folder = await folderOf(Object.fromEntries<Buffer>([
      ...labels.map((label, i): [string, Buffer] => [`train/${label}/${i}.png`, picture(i)]),
      ...[2, 1, 0].map((label, i): [string, Buffer] => [`test/${label}/${i}.png`, picture(i)])
    ]))
    const own = await loadDataset(images(folder), names)
    const order = (rows: number[][]): number[][] => rows.sort((a, b) => a[0]! - b[0]!)
    for (const set of ['train', 'test'] as const) {
      expect(inputsOf(own[set])).toEqual(order(inputsOf(idx[set])))
    }
    const secret = new Uint8Array(32)
    expect(identityOf(own.train, secret).fingerprint).toBe(identityOf(idx.train, secret).fingerprint)
  })

  it('is known again in another place, and when another document makes other sizes of it', async () => {
    const secret = new Uint8Array(32)
    const folder = await folderOf(classFolders(3))
    const fingerprint = async (path: string, input = {}): Promise<string> => identityOf((await loadDataset(images(path), model(input))).train, secret).fingerprint
    const before = await fingerprint(folder)
    const moved = join(dirname(folder), `${basename(folder)}-moved`)
    await rename(folder, moved)
    await rename(moved, folder)
    expect(await fingerprint(folder, { shape: [8, 8, 3], bits: 16 })).toBe(before)
  })

  it('holds out the same fifth on every machine where there is no test folder, and deals out the rest in parts', async () => {
    const folder = await folderOf(classFolders(10))
    const load = async (index: number): Promise<Dataset> => loadDataset(images(folder), model(), { index, count: 2, strategy: 'iid', seed: 1 })
    const [a, b] = await Promise.all([load(0), load(1)])
    expect([a.train.count, b.train.count, a.test.count]).toEqual([12, 12, 6])
    expect(inputsOf(a.test)).toEqual(inputsOf(b.test))
    const all = [...inputsOf(a.train), ...inputsOf(b.train), ...inputsOf(a.test)].map(String)
    expect(new Set(all).size).toBe(30)
    expect(await countExamples(images(folder), model())).toBe(24)
  })

  it('passes over what systems leave behind, files beside the classes, and val/ beside train/ and test/', async () => {
    const folder = await folderOf({ ...classFolders(2, LABELS, 'train/'), ...classFolders(1, LABELS, 'test/'), 'val/cat/a.png': 'no picture', 'README.txt': '', 'train/cat/.DS_Store': '', 'train/cat/Thumbs.db': '', 'train/labels.csv': '' })
    const { train, test } = await loadDataset(images(folder), model())
    expect([train.count, test.count]).toEqual([6, 3])
  })

  it('may lack a class of the federation, but have none that it does not know', async () => {
    const lacking = await folderOf(classFolders(5, ['cat', 'owl']))
    const { train } = await loadDataset(images(lacking), model())
    expect(new Set(train.labels)).toEqual(new Set([0, 2]))
    const strange = images(await folderOf(classFolders(2, ['cat', 'dogs'])))
    const refusal = 'has a class "dogs" that the federation does not know: its classes are "cat", "dog", "owl" (is it "dog"?)'
    await expect(checkDataset(strange, model())).rejects.toThrow(refusal)
    await expect(loadDataset(strange, model())).rejects.toThrow(refusal)
  })

  it('takes a class for the same whether its accent is one character or two', async () => {
    const folder = await folderOf(classFolders(2, ['e\u0301clair', 'owl']))
    const { labels } = await inferInput(images(folder))
    expect(labels).toEqual(['owl', '\u00e9clair'])
    expect((await loadDataset(images(folder), model({}, ['\u00e9clair', 'owl']))).train.count).toBe(3)
  })

  it('is resized where the document says so, and else refused by name', async () => {
    const folder = await folderOf({ ...classFolders(2), 'owl/wide.png': greyPng(6, 4, new Uint8Array(24)) })
    expect((await loadDataset(images(folder), model())).train.featureCount).toBe(12)
    const { resize: _, ...fixed } = model().input as Extract<Model['input'], { kind: 'image' }>
    await expect(checkDataset(images(folder), { ...model(), input: fixed })).rejects.toThrow(/wide\.png has 6 x 4 pixels, but the federation's pictures have 3 x 4/)
  })

  it('keeps the 16 bits of a radiograph', async () => {
    const samples = Array.from({ length: 12 }, (_, i) => 5000 + 7 * i)
    const folder = await folderOf({ 'cat/a.png': greyPng(3, 4, samples, 16), 'cat/b.png': greyPng(3, 4, samples, 16), 'dog/a.png': picture(0) })
    const { input } = await inferInput(images(folder))
    expect(input).toEqual({ kind: 'image', shape: [4, 3, 1], mean: 0.5, stdDev: 0.25, resize: 'bilinear', bits: 16 })
    const { train } = await loadDataset({ kind: 'images', path: folder, testFraction: 0.3 }, { ...model(), input })
    const deep = inputsOf(train).find(([label]) => label === 0)!
    expect(deep.slice(1)).toEqual(samples.map((sample) => Math.fround((sample / 65_535 - 0.5) / 0.25)))
  })
})

describe('what a document says of pictures', () => {
  it('has the most common size, at most 64 a side, the sorted folders, and no statistic of the pixels', async () => {
    const folder = await folderOf({ ...classFolders(1), 'cat/x.png': greyPng(200, 100, new Uint8Array(20_000)), 'owl/y.png': greyPng(200, 100, new Uint8Array(20_000)), 'owl/z.png': greyPng(200, 100, new Uint8Array(20_000)), 'owl/zz.png': greyPng(200, 100, new Uint8Array(20_000)) })
    expect(await inferInput(images(folder))).toEqual({ input: { kind: 'image', shape: [32, 64, 1], mean: 0.5, stdDev: 0.25, resize: 'bilinear' }, labels: LABELS })
    expect((await inferInput(images(folder), { size: { height: 10, width: 20 } })).input).toMatchObject({ shape: [10, 20, 1] })
  })

  it.each([{ resize: 'bilinear' as const }, { resize: 'bilinear' as const, fit: 'crop' as const }, { bits: 16 as const }])('needs format 2 with %j, and says which field', (field) => {
    const { format, ...digits } = presetDocument('digits')
    const document = { ...digits, model: { ...digits.model, input: { ...digits.model.input, ...field } } }
    expect(parseFederation({ ...document, format: 2 }).model.input).toMatchObject(field)
    expect(() => parseFederation({ ...document, format: 1 })).toThrow(`with the field "model.input.${Object.keys(field)[0]}"`)
    expect(format).toBe(1)
  })

  it('cuts only what it resizes', () => {
    const { format: _, ...digits } = presetDocument('digits')
    const cut = (fit: unknown): unknown => ({ ...digits, format: 2, model: { ...digits.model, input: { ...digits.model.input, fit } } })
    expect(() => parseFederation(cut('crop'))).toThrow('model.input.fit: is for pictures of any size: it needs model.input.resize')
    expect(() => parseFederation(cut('contain'))).toThrow('model.input.fit: must be "crop"')
  })
})

describe('a CSV file of pictures', () => {
  const rows = (names: readonly string[]): string => ['file,age,label', ...names.map((name, i) => `${name},4,${LABELS[i % 3]}`)].join('\n')

  it('names pictures below its folder, and their labels, by columns of these names or the first and the last', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `scans/${i}.png`)
    const pictures = Object.fromEntries(names.map((name, i) => [name, picture(i)]))
    const folder = await folderOf({ ...pictures, 'set.csv': rows(names), 'plain.csv': rows(names).replace('file,age,label', 'Bild,Alter,Art') })
    const set = await loadDataset(images(join(folder, 'set.csv')), model())
    expect([set.train.count, set.test.count]).toEqual([7, 2])
    expect(inputsOf((await loadDataset(images(join(folder, 'plain.csv')), model())).train)).toEqual(inputsOf(set.train))
    expect((await inferInput(images(join(folder, 'set.csv')))).labels).toEqual(LABELS)
  })

  it.each([
    ['../a.png', 'leads out of the folder'],
    ['scans/../../a.png', 'leads out of the folder'],
    ['..\\a.png', 'leads out of the folder'],
    ['/etc/passwd', 'leads out of the folder'],
    ['C:\\a.png', 'leads out of the folder'],
    ['', 'the name of the picture is empty'],
    ['missing.png', 'does not exist'],
    ['inside/out.png', 'is a link out of the folder']
  ])('refuses the name %j', async (name, why) => {
    const outside = await temporaryFolder()
    const folder = await folderOf({ 'ok.png': picture(0), 'set.csv': `file,label\nok.png,cat\n"${name}",dog\n` })
    await mkdir(join(folder, 'inside'))
    await symlink(join(await folderOf({ 'a.png': picture(1) }), 'a.png'), join(folder, 'inside', 'out.png'))
    expect(outside).not.toBe(folder)
    await expect(checkDataset(images(join(folder, 'set.csv')), model())).rejects.toThrow(new RegExp(`set\\.csv, line 3: .*${why}`))
  })
})
