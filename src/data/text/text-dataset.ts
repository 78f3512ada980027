/**
 * Examples from texts: this peer's own, and those to test on, as numbers of tokens
 */
import { hash } from 'node:crypto'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { inputWords } from '../examples.ts'
import { DEFAULT_TEST_FRACTION, HOLD_OUT_SEED, holdOut } from '../hold-out.ts'
import { indices, partitionRows } from '../partition.ts'
import { RECORD_DIGEST_BYTES } from '../record-digest.ts'
import { labelColumn, textColumn } from './text-columns.ts'
import { folderSet, listTexts, tableSet } from './text-sets.ts'
import { labelReader } from '../label-reader.ts'
import { readTable } from '../table-file.ts'
import { TokenStore } from './token-store.ts'
import { plainText, tokenizer } from './tokens.ts'
import type { DatasetSource, Partition } from '../../interface.ts'
import type { LoadOptions } from '../data-format.ts'
import type { Dataset, Examples, Model, TextInput } from '../examples.ts'
import type { TextSelection, TextSet } from './text-sets.ts'

export type TextSource = Extract<DatasetSource, { kind: 'text' }>

/** Texts that a check reads of each set */
const CHECKED_TEXTS = 100

/** Texts to train and to test, of the same set or of two */
interface TextSplit {
  train: TextSet
  own: Uint32Array
  test: TextSet
  tested: Uint32Array
}

/** Throws DatasetError, and RangeError on an impossible test fraction */
export async function loadTexts (source: TextSource, model: Model, partition?: Partition, { identified = true, onRead }: LoadOptions = {}): Promise<Dataset> {
  const input = requireTextInput(source.path, model)
  const { train, own, test, tested } = await splitTexts(source, model, partition, onRead && ((share) => { onRead(share / 2) }))
  const trained = new TextCollector(train, own, model, identified)
  const testing = new TextCollector(test, tested, model, false)
  const late = onRead && ((share: number) => { onRead((1 + share) / 2) })
  if (train === test) {
    await train.read([trained.selection, testing.selection], late)
  } else {
    await train.read([trained.selection], late)
    await test.read([testing.selection])
  }
  const remarks = trained.remarks(input)
  return {
    train: trained.examples(),
    test: testing.examples(),
    ...(source.testFile === undefined ? {} : { split: { by: 'file' } }),
    ...(remarks.length === 0 ? {} : { remarks })
  }
}

/** Lists all, and reads the first of each set. Throws DatasetError as loading would */
export async function checkTexts (source: TextSource, model: Model): Promise<void> {
  const input = requireTextInput(source.path, model)
  for (const path of source.testFile === undefined ? [source.path] : [source.path, source.testFile]) {
    const folders = await listTexts(path)
    if (folders === undefined) {
      await checkTable(path, model, input, source)
    } else {
      for (const set of folders.test === undefined ? [folders.train] : [folders.train, folders.test]) {
        const texts = folderSet(set, model.labels)
        await texts.read([{ rows: indices(Math.min(CHECKED_TEXTS, texts.labels.length)), take: () => {} }])
      }
    }
  }
}

async function checkTable (file: string, model: Model, input: TextInput, { separator }: TextSource): Promise<void> {
  await readTable(file, (names) => {
    textColumn(file, names, input)
    const labelAt = labelColumn(file, names, input)
    const label = labelReader(names[labelAt]!, model, 'point')
    let seen = 0
    return (row, place) => {
      label(row.text(labelAt), place)
      return ++seen < CHECKED_TEXTS
    }
  }, { separator })
}

/** Classes of the texts to train. Throws DatasetError */
export async function textLabels (source: TextSource, model: Model): Promise<Uint16Array> {
  requireTextInput(source.path, model)
  const { train, own } = await splitTexts(source, model)
  return Uint16Array.from(own, (row) => train.labels[row]!)
}

/** Throws DatasetError for a model that takes no texts */
export function requireTextInput (path: string, { input }: Pick<Model, 'input'>): TextInput {
  if (input.kind !== 'text') {
    throw new DatasetError(`${printable(path)} is given as texts, but the federation's model takes ${inputWords(input).takes}; give ${inputWords(input).give}`)
  }
  return input
}

async function splitTexts ({ path, testFile, testFraction, separator }: TextSource, model: Model, partition?: Partition, onRead?: (share: number) => void): Promise<TextSplit> {
  const given = await setsAt(path, model, { separator }, onRead)
  const test = testFile === undefined ? given.test : (await setsAt(testFile, model, { separator })).train
  const { train } = given
  const held = test === undefined ? holdOut(train.labels, testFraction ?? DEFAULT_TEST_FRACTION, HOLD_OUT_SEED) : { train: indices(train.labels.length), test: indices(test.labels.length) }
  const own = partition === undefined ? held.train : partitionRows(train.labels, partition, held.train)
  if (own.length === 0 || held.test.length === 0) {
    throw new DatasetError(`${printable(path)} has ${train.labels.length} texts to train${test === undefined ? ' and to test' : ` and ${held.test.length} to test`}: too few; add some`)
  }
  return { train, own, test: test ?? train, tested: held.test }
}

async function setsAt (path: string, model: Model, dialect: Pick<TextSource, 'separator'>, onRead?: (share: number) => void): Promise<{ train: TextSet, test: TextSet | undefined }> {
  const folders = await listTexts(path)
  if (folders === undefined) {
    return { train: await tableSet(path, model, dialect, onRead), test: undefined }
  }
  return { train: folderSet(folders.train, model.labels), test: folders.test === undefined ? undefined : folderSet(folders.test, model.labels) }
}

/**
 * What a text is recognised by, whatever a document makes of it: its words as they stand there, and the name of its
 * class. Names of files and other columns are not looked at
 *
 * @param text - As `plainText` has it
 */
export function textDigest (text: string, label: string): Uint8Array {
  return hash('sha256', `text\n${JSON.stringify(label)}\n${text}`, 'buffer')
}

/** The chosen texts of a set, as they come */
class TextCollector {
  readonly selection: TextSelection
  private readonly labels: Uint16Array
  private readonly store: TokenStore
  private readonly digests: Uint8Array | undefined
  private readonly length: number
  private count = 0
  private empty = 0
  private cut = 0

  constructor ({ name, labels }: TextSet, rows: Uint32Array, { input, labels: names }: Model, identified: boolean) {
    this.labels = Uint16Array.from(rows, (row) => labels[row]!)
    this.length = (input as TextInput).length
    this.store = new TokenStore(name, rows.length)
    this.digests = identified ? new Uint8Array(rows.length * RECORD_DIGEST_BYTES) : undefined
    const tokens = tokenizer(input as TextInput)
    this.selection = {
      rows,
      take: (given) => {
        const text = plainText(given)
        const { ids, cut } = tokens(text)
        this.store.add(ids)
        this.digests?.set(textDigest(text, names[this.labels[this.count]!]!), this.count * RECORD_DIGEST_BYTES)
        this.count++
        this.empty += ids.length === 0 ? 1 : 0
        this.cut += cut ? 1 : 0
      }
    }
  }

  examples (): Examples {
    const examples = this.store.examples(this.length, this.labels)
    return this.digests === undefined ? examples : { ...examples, recordDigests: this.digests, toldByInputs: false }
  }

  /** For its owner. Throws DatasetError where no text says anything */
  remarks ({ tokens }: TextInput): string[] {
    const { count, empty, cut, length } = this
    return [
      ...(empty === 0 ? [] : [`${empty} of ${count} texts are empty${tokens === 'words' ? ', or have no word in them' : ''}: the model learns their classes from nothing; remove them if that is a mistake`]),
      ...(cut === 0 ? [] : [`${cut} of ${count} texts are longer than ${length} ${tokens}: what follows is not looked at (--length, when a federation is founded)`])
    ]
  }
}
