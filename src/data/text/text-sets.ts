/**
 * Labelled texts, wherever they lie: a file each in a folder, or a row each of a table. Labels first, which decide what
 * is read; then the texts, in bounded memory
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { labelNumbers, listFolder } from '../class-list.ts'
import { LabelCollector, labelReader } from '../label-reader.ts'
import { indices } from '../partition.ts'
import { readTable } from '../table-file.ts'
import { unreadable } from '../unreadable.ts'
import { labelColumn, textColumn } from './text-columns.ts'
import { readText, TEXTS } from './text-file.ts'
import type { CsvDialectChoice } from '../../interface.ts'
import type { FileSet, FileSets } from '../class-list.ts'
import type { CsvOptions } from '../csv.ts'
import type { Model, TextInput } from '../examples.ts'

/** Files that are open at once: a million small ones are as good as one after another */
const OPEN_FILES = 16

/** What is wanted of a set of texts */
export interface TextSelection {
  /** Numbers of the texts, ascending */
  rows: Uint32Array
  /** Takes them in this order */
  take: (text: string) => void
}

export interface TextSet {
  /** What messages call it */
  name: string
  /** The number of each text's class in the document */
  labels: Uint16Array
  /** Throws DatasetError, and what the selections throw */
  read: (selections: readonly TextSelection[], onRead?: (share: number) => void) => Promise<void>
}

/** How a table is written */
export type TextDialect = Pick<CsvDialectChoice, 'separator'>

const GIVE = 'give a folder with one sub-folder of .txt files for each class, or a table (CSV, TSV, Parquet) with a column of texts'

/** The folders of a folder, undefined for a table. Throws DatasetError: missing, no classes, no texts by name, links */
export async function listTexts (path: string): Promise<FileSets | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) {
      return undefined
    }
  } catch (err) {
    throw unreadable(printable(path), err)
  }
  return listFolder(path, TEXTS, GIVE)
}

/** Throws DatasetError for a class that the document does not have */
export function folderSet (set: FileSet, names: readonly string[]): TextSet {
  const labels = labelNumbers(printable(set.root), { rows: set.files.map(({ label }) => label), classes: set.classes }, names)
  return { name: printable(set.root), labels, read: async (selections, onRead) => readFiles(set, selections, onRead) }
}

/** All texts of a folder, in the order of their names */
export async function readFiles ({ root, files }: FileSet, selections: readonly TextSelection[], onRead?: (share: number) => void): Promise<void> {
  const total = selections.reduce((sum, { rows }) => sum + rows.length, 0)
  let done = 0
  for (const { rows, take } of selections) {
    for (let from = 0; from < rows.length; from += OPEN_FILES) {
      const paths = Array.from(rows.subarray(from, from + OPEN_FILES), (row) => join(root, files[row]!.file))
      const texts = await readTogether(paths)
      texts.forEach(take)
      done += paths.length
      onRead?.(done / total)
    }
  }
}

/** All of them end before the first failure is told: which one that is depends on no clock */
async function readTogether (paths: readonly string[]): Promise<string[]> {
  return (await Promise.allSettled(paths.map(readText))).map((result) => {
    if (result.status === 'rejected') {
      throw result.reason
    }
    return result.value
  })
}

/** Reads the labels of a table. Throws DatasetError: no such columns, a value that is no class of the document */
export async function tableSet (file: string, model: Model, dialect: TextDialect, onRead?: (share: number) => void): Promise<TextSet> {
  const input = model.input as TextInput
  const found = new LabelCollector(model)
  const options = (progress: typeof onRead): CsvOptions => ({ ...dialect, onRead: progress })
  const count = await readTable(file, (names) => {
    textColumn(file, names, input)
    const labelAt = labelColumn(file, names, input)
    const read = labelReader(names[labelAt]!, model, 'point')
    return (row, place) => { found.add(read(row.text(labelAt), place), file) }
  }, options(onRead))
  return {
    name: file,
    labels: found.result().labels,
    read: async (selections, progress) => {
      const total = await readRows(file, selections, input, options(progress))
      if (total !== count) {
        throw new DatasetError(`${file} changed while it was read: ${count} rows, then ${total}; start again`)
      }
    }
  }
}

/** All selections in one reading */
async function readRows (file: string, selections: readonly TextSelection[], input: TextInput, options: CsvOptions): Promise<number> {
  const next = new Uint32Array(selections.length)
  let at = 0
  return readTable(file, (names) => {
    const textAt = textColumn(file, names, input)
    return (row) => {
      for (const [i, { rows, take }] of selections.entries()) {
        if (rows[next[i]!] === at) {
          next[i]!++
          take(row.text(textAt))
        }
      }
      at++
    }
  }, options)
}

/** Every text of a set */
export function allOf ({ length }: { length: number }, take: (text: string) => void): TextSelection {
  return { rows: indices(length), take }
}
