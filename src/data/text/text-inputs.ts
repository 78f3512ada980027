/**
 * Texts without labels, prepared as for training: what a prediction is made from
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { filesBelow } from '../class-folder.ts'
import { INPUT_BATCH } from '../data-format.ts'
import { readRowInputs } from '../row-inputs.ts'
import { isJsonLines, readTable } from '../table-file.ts'
import { unreadable } from '../unreadable.ts'
import { requireTextInput } from './text-dataset.ts'
import { textColumn } from './text-columns.ts'
import { readText, readTextStream, TEXTS } from './text-file.ts'
import { plainText, textInputs, tokenizer } from './tokens.ts'
import type { InputSource, TakeInputs } from '../data-format.ts'
import type { Model, TextInput } from '../examples.ts'

/** Characters that hold the names of a table's columns */
const HEAD_LENGTH = 65_536

/** Texts that are handed over at once */
const BATCH = 64

/** Names of tables; any other file is one text */
const TABLE = /\.(csv|tsv|tab|parquet|jsonl|ndjson)(\.gz)?$/i

/**
 * Hands over the texts of a folder and all folders in it, by the bytes of their names; the rows of a table; one file as
 * one text; or standard input, to its end, as one text. In bounded memory. Resolves to their number
 *
 * Throws DatasetError: missing, no text, no texts, links, a table without the column, a model that takes something else
 */
export async function readTextInputs (source: InputSource, model: Model, take: TakeInputs): Promise<number> {
  const { path, bytes } = source
  const input = requireTextInput(path, model)
  if (bytes !== undefined) {
    await take({ inputs: textInputs([await readTextStream(path, bytes)], input), count: 1 })
    return 1
  }
  if (TABLE.test(path)) {
    return readTableTexts(source, input, take)
  }
  const files = await filesAt(path)
  if (files.length === 1 && files[0]!.file === path) {
    await requireNoTable(path, input)
  }
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH)
    const texts: string[] = []
    for (const { file } of batch) {
      texts.push(await readText(file))
    }
    await take({ inputs: textInputs(texts, input), count: batch.length, names: batch.map(({ name }) => name) })
  }
  return files.length
}

/**
 * Training reads any file as a table. Throws DatasetError for one that would be a single text here by its name alone
 */
async function requireNoTable (path: string, { column = 'text' }: TextInput): Promise<void> {
  const head = (await readText(path)).slice(0, HEAD_LENGTH)
  const names = head.split(/\r?\n/, 1)[0]!.split(/[,;\t|]/).map((name) => name.trim().replace(/^"(.*)"$/, '$1').toLowerCase())
  if (await isJsonLines(path) || (names.length > 1 && names.includes(column.toLowerCase()))) {
    throw new DatasetError(`${printable(path)} looks like a table with texts in its rows; give it a name that says so, such as .csv, .tsv or .jsonl`)
  }
}

/** The columns but that of the text are not looked at */
async function readTableTexts ({ path, separator }: InputSource, input: TextInput, take: TakeInputs): Promise<number> {
  return readRowInputs(take, async (begin, ready) => readTable(path, begin, { separator, ready, fewestColumns: 1 }), (names) => {
    const textAt = textColumn(path, names, input)
    const inputs = new Float32Array(INPUT_BATCH * input.length)
    const tokens = tokenizer(input)
    let count = 0
    return {
      get count () { return count },
      add: (row) => {
        const { ids } = tokens(plainText(row.text(textAt)))
        const from = count++ * input.length
        inputs.set(ids, from)
        inputs.fill(0, from + ids.length, from + input.length)
      },
      flush: () => {
        const batch = { inputs, count }
        count = 0
        return batch
      }
    }
  })
}

async function filesAt (path: string): Promise<Array<{ file: string, name: string }>> {
  let isFolder: boolean
  try {
    isFolder = (await stat(path)).isDirectory()
  } catch (err) {
    throw unreadable(printable(path), err)
  }
  if (!isFolder) {
    return [{ file: path, name: path }]
  }
  const names = await filesBelow(path, TEXTS)
  if (names.length === 0) {
    throw new DatasetError(`${printable(path)} has no texts; give a folder of .txt files`)
  }
  return names.map((name) => ({ file: join(path, name), name }))
}
