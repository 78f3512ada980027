import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkDataset, countExamples, inferInput, loadDataset } from '../../../src/data/data-formats.ts'
import { identityOf } from '../../../src/data/dataset-identity.ts'
import { readInputs } from '../../../src/data/input-formats.ts'
import { partSizes } from '../../../src/data/part-sizes.ts'
import { fileWith, folderWith, textModel } from './write-texts.ts'
import type { Examples, TextInput } from '../../../src/data/examples.ts'
import type { DatasetSource } from '../../../src/interface.ts'

const source = (path: string, more: object = {}): DatasetSource => ({ kind: 'text', path, ...more })

function inputsOf (examples: Examples): number[][] {
  return Array.from({ length: examples.count }, (_, i) => {
    const out = new Float32Array(examples.featureCount).fill(7)
    examples.writeInputs(i, out, 0)
    return [...out]
  })
}

const digestsOf = ({ recordDigests }: Examples): string[] => Array.from({ length: recordDigests!.length / 32 }, (_, i) => Buffer.from(recordDigests!.subarray(32 * i, 32 * i + 32)).toString('hex')).sort()

const reviews = async (): Promise<string> => folderWith({
  'train/good/1.txt': 'fine\n',
  'train/good/2.TXT': 'a lovely film',
  'train/bad/1.txt': '\ufeffdull\r\n',
  'train/bad/2.txt': '',
  'test/good/1.txt': 'so fine',
  'test/bad/1.txt': 'so dull',
  'train/.DS_Store': 'x',
  'train/good/Thumbs.db': 'x',
  'val/good/1.txt': '\xff'
})

describe('a folder of texts', () => {
  it('becomes tokens, by the names of its files, with what a founder ought to know of them', async () => {
    const { train, test, remarks } = await loadDataset(source(await reviews()), textModel())
    const padded = (text: string): number[] => [...Buffer.from(text.padEnd(8, '\0'))].slice(0, 8).map((byte) => byte === 0 ? 0 : byte + 1)
    expect([...train.labels]).toEqual([0, 0, 1, 1])
    expect(inputsOf(train)).toEqual(['dull', '', 'fine', 'a lovely'].map(padded))
    expect(inputsOf(test)).toEqual(['so dull', 'so fine'].map(padded))
    expect(remarks).toEqual([
      '1 of 4 texts are empty: the model learns their classes from nothing; remove them if that is a mistake',
      '1 of 4 texts are longer than 8 bytes: what follows is not looked at (--length, when a federation is founded)'
    ])
  })

  it('may lack a class, and have another order of files: the examples are the same', async () => {
    const names = ['bad', 'good', 'odd']
    const { train } = await loadDataset(source(await reviews()), textModel({}, names))
    expect([...train.labels]).toEqual([0, 0, 1, 1])
    expect(await countExamples(source(await reviews()), textModel({}, names))).toBe(4)
  })

  it('holds a share out where there is no test folder, and is split among peers', async () => {
    const folder = await folderWith(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i % 2 === 0 ? 'good' : 'bad'}/${i}.txt`, `number ${i}`])))
    const all = await loadDataset(source(folder, { testFraction: 0.3 }), textModel({ length: 12 }))
    expect([all.train.count, all.test.count]).toEqual([14, 6])
    const split = { count: 2, strategy: 'iid', seed: 1 } as const
    const parts = await Promise.all([0, 1].map(async (index) => loadDataset(source(folder, { testFraction: 0.3 }), textModel({ length: 12 }), { ...split, index })))
    expect(parts.map(({ train }) => train.count)).toEqual(await partSizes(source(folder, { testFraction: 0.3 }), textModel(), split))
    expect(parts.flatMap(({ train }) => digestsOf(train)).sort()).toEqual(digestsOf(all.train))
    expect(inputsOf(parts[0]!.test)).toEqual(inputsOf(all.test))
  })

  it.each(['links', 'folders'])('does not follow %s in a class', async (what) => {
    const folder = await reviews()
    const place = join(folder, 'train/good/more')
    await (what === 'links' ? symlink('/etc/passwd', `${place}.txt`) : mkdir(place))
    await expect(loadDataset(source(folder), textModel())).rejects.toThrow(what === 'links' ? /more\.txt is a link, and links are not followed/ : /more is a folder inside that of a class; put all texts of a class/)
  })
})

describe('a table of texts', () => {
  const csv = 'id,text,label\n1,"fine",good\n2,"so dull, and\nlong",bad\n3, dull ,bad\n4,lovely,good\n'

  it('has the same examples, and digests, as a folder of the same texts', async () => {
    const folder = await folderWith({ 'good/x.txt': 'fine', 'good/y.txt': 'lovely\n', 'bad/z.txt': 'so dull, and\r\nlong', 'bad/w.txt': 'dull' })
    const [one, other] = await Promise.all([folder, await fileWith('reviews.csv', csv)].map(async (path) => loadDataset(source(path, { testFraction: 0.25 }), textModel({ length: 20 }))))
    const all = async (path: string): Promise<string[]> => digestsOf((await loadDataset({ ...source(path), testFile: await fileWith('t.csv', csv) } as DatasetSource, textModel())).train)
    expect(one!.train.count).toBe(other!.train.count)
    expect(await all(folder)).toEqual(await all(await fileWith('reviews.tsv', csv.replaceAll(/(?<=\d),|,(?=good|bad|label|text)/g, '\t'))))
  })

  it('is recognised by text and class alone: other columns, numbers of classes and lengths change nothing', async () => {
    const path = await fileWith('a.csv', csv)
    const tested = { testFile: path }
    const digests = digestsOf((await loadDataset(source(path, tested), textModel({ length: 3 }))).train)
    const vocabulary = ['fine', 'dull']
    expect(digestsOf((await loadDataset(source(path, tested), textModel({ length: 5, vocabulary }, ['odd', 'good', 'bad']))).train)).toEqual(digests)
    const other = await fileWith('b.csv', csv.replace('fine', 'Fine'))
    expect(digestsOf((await loadDataset(source(other, tested), textModel())).train).filter((digest) => !digests.includes(digest))).toHaveLength(1)
  })

  it('has the columns that the document names, else text and label in any letters', async () => {
    const input: Partial<TextInput> = { column: 'review', label: 'stars', length: 4 }
    const named = await fileWith('named.csv', 'stars,review\ngood,fine\nbad,dull\n')
    const { train } = await loadDataset(source(named, { testFile: named }), textModel(input))
    expect(inputsOf(train)).toEqual([[...'fine'], [...'dull']].map((text) => text.map((c) => c.charCodeAt(0) + 1)))
    await expect(loadDataset(source(named), textModel())).rejects.toThrow('has no column "text", in which the federation\'s tables have their texts; it has "stars", "review"')
    const loud = await fileWith('loud.csv', 'TEXT,Label\nfine,good\ndull,bad\n')
    expect((await loadDataset(source(loud, { testFile: loud }), textModel())).split).toEqual({ by: 'file' })
    await expect(checkDataset(source(await fileWith('near.csv', 'Review,stars\nfine,good\n')), textModel(input))).rejects.toThrow('(is it "Review"?)')
  })

  it('is checked by its first rows, and its classes are told with their line', async () => {
    const path = await fileWith('a.csv', csv.replace('lovely,good', 'lovely,great'))
    await expect(checkDataset(source(path), textModel())).rejects.toThrow(/a\.csv, line 6, column "label": "great" is not one of the federation's labels "bad", "good"/)
    await expect(loadDataset(source(path), textModel())).rejects.toThrow('line 6')
  })

  it('of other data is refused by what the model takes', async () => {
    const path = await fileWith('a.csv', csv)
    const image = { ...textModel(), input: { kind: 'image' as const, shape: [2, 2, 1], mean: 0, stdDev: 1 } }
    await expect(loadDataset(source(path), image)).rejects.toThrow('is given as texts, but the federation\'s model takes images of 2 x 2 x 1')
    await expect(loadDataset({ kind: 'csv', file: path }, textModel())).rejects.toThrow('is a table, but the federation\'s model takes texts; give texts (--data text:PATH)')
    await expect(loadDataset({ kind: 'images', path }, textModel())).rejects.toThrow('holds pictures, but the federation\'s model takes texts')
  })
})

describe('what a document says of texts', () => {
  const folder = async (): Promise<string> => folderWith({ 'good/1.txt': 'A fine film', 'good/2.txt': 'a film', 'bad/1.txt': 'the film', 'bad/2.txt': 'the the the end' })

  it('of a folder is its classes, a declared length, and bytes: nothing was computed', async () => {
    expect(await inferInput(source(await folder()))).toEqual({ input: { kind: 'text', length: 256, tokens: 'bytes' }, labels: ['bad', 'good'], computed: [] })
  })

  it('is a vocabulary of the most common words where that is asked for, and says where it comes from', async () => {
    const { input, computed } = await inferInput(source(await folder()), { text: { words: 10, length: 5 }, rareRows: 2 })
    expect(input).toEqual({ kind: 'text', length: 5, tokens: 'words', vocabulary: ['film', 'a', 'the'] })
    expect(computed).toEqual(['the 3 most common words of your texts'])
    await expect(inferInput(source(await folder()), { text: { words: 10 } })).rejects.toThrow('has no word that stands in 5 texts or more (--rare)')
  })

  it('is a vocabulary from a file, which nothing was computed of', async () => {
    const vocabularyFile = await fileWith('words.txt', 'film\r\nfine\n\n')
    const { input, computed } = await inferInput(source(await folder()), { text: { vocabularyFile } })
    expect(input).toMatchObject({ tokens: 'words', vocabulary: ['film', 'fine'] })
    expect(computed).toEqual([])
  })

  it.each([
    ['Film\n', 'line 1: "Film" is no word as texts are cut (into "film"): write one word a line'],
    ['film\ndon\'t\nit\'s\n', 'line 2: "don\'t" is no word as texts are cut (into "don", "t"): write one word a line, in small letters, without signs; so are 1 lines more'],
    ['film\nfine\nfilm\n', 'line 3: "film" stands there twice'],
    ['\n', 'has no words in it']
  ])('takes no vocabulary of %j', async (words, problem) => {
    await expect(inferInput(source(await folder()), { text: { vocabularyFile: await fileWith('words.txt', words) } })).rejects.toThrow(problem)
  })

  it('of a table are its columns, where they are called otherwise, and classes of its rows', async () => {
    const table = await fileWith('t.csv', 'when,review,stars\n1,fine,good\n2,dull,bad\n')
    await expect(inferInput(source(table))).rejects.toThrow('which column holds the texts? It has "when", "review", "stars": name it (--text-column)')
    expect(await inferInput(source(table), { text: { column: 'review' } })).toEqual({ input: { kind: 'text', length: 256, tokens: 'bytes', column: 'review', label: 'stars' }, labels: ['bad', 'good'], computed: ['the classes of "stars"'] })
    expect((await inferInput(source(await fileWith('t.csv', 'Text,LABEL\nfine,good\ndull,bad\n')))).input).toEqual({ kind: 'text', length: 256, tokens: 'bytes' })
    expect((await inferInput(source(await fileWith('t.csv', 'class,words\ngood,fine\nbad,dull\n')), { label: 'class' })).input).toMatchObject({ column: 'words', label: 'class' })
  })

  it('of a table with numbered classes follows --column', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `text ${i},${i}`).join('\n')
    const table = await fileWith('t.csv', `text,label\n${rows}\n${rows}\n`)
    await expect(inferInput(source(table))).rejects.toThrow('40 different numbers')
    expect((await inferInput(source(table), { columns: new Map([['label', 'categorical']]) })).labels).toHaveLength(40)
    await expect(inferInput(source(table), { columns: new Map([['text', 'ignore']]) })).rejects.toThrow('column "text" cannot be ignore here')
  })
})

it('a thousand small files need few that are open at once', async () => {
  const folder = await folderWith({ 'a/0.txt': 'x', 'b/0.txt': 'y' })
  await Promise.all(Array.from({ length: 1000 }, async (_, i) => writeFile(join(folder, i % 2 === 0 ? 'a' : 'b', `${i + 1}.txt`), `text ${i}`)))
  const { train, test } = await loadDataset(source(folder), textModel({}, ['a', 'b']))
  expect(train.count + test.count).toBe(1002)
})

describe('texts without labels', () => {
  const read = async (path: string): Promise<number> => readInputs({ path }, textModel(['bad', 'good']), async () => {})

  it('that are a table by their content are not taken for one text by their name', async () => {
    const rows = 'text,label\nfine,good\ndull,bad\n'
    expect(await read(await fileWith('rows.csv', rows))).toBe(2)
    expect(await read(await fileWith('one.dat', 'fine, so to say\nand lovely'))).toBe(1)
    for (const [name, content] of [['rows.dat', rows], ['rows.txt', '"Text";"Label"\r\nfine;good\r\n'], ['lines.txt', '{"text": "fine", "label": "good"}\n']] as const) {
      await expect(read(await fileWith(name, content)), name).rejects.toThrow(/looks like a table with texts in its rows; give it a name that says so/)
    }
  })
})

describe('the names of a set of texts', () => {
  it('are of the whole texts: what their beginnings were to a model says nothing', async () => {
    const { train } = await loadDataset(source(await reviews()), textModel(['bad', 'good']))
    expect(identityOf(train, new Uint8Array(32)).former).toBeUndefined()
  })
})
