/**
 * Which files there are, each an example, and of which class: before any of them is opened
 */
import { join } from 'node:path'
import { closest } from '../closest.ts'
import { DatasetError } from '../errors.ts'
import { filesOfFolder, foldersOf, MAX_FILES } from './class-folder.ts'
import { listed, shown } from './csv.ts'
import type { FileKind } from './class-folder.ts'

export interface ListedFile {
  /** Below `root`, with `/` */
  file: string
  /** Name of its class, in Unicode's form C: systems write an accent in one character or two */
  label: string
}

export interface FileSet {
  root: string
  /** By the bytes of `file` in form C, so that peers with the same files agree on their numbers */
  files: ListedFile[]
  /** Names of all classes, those without a file too, sorted by code unit */
  classes: string[]
}

export interface FileSets {
  train: FileSet
  /** Undefined where there is no folder for it: a part of `train` has to be held out */
  test: FileSet | undefined
}

/** Beside `train` and `test` these hold files that nobody asks for here */
const UNUSED_SETS: readonly string[] = ['val', 'valid', 'validation']

/**
 * A folder with a sub-folder for each class, or the same below `train` and `test`
 *
 * Throws DatasetError: no classes (`give` says what to do), files of another kind, links
 */
export async function listFolder (path: string, kind: FileKind, give: string): Promise<FileSets> {
  const folders = await foldersOf(path)
  if (!folders.includes('train') || folders.some((name) => name !== 'train' && name !== 'test' && !UNUSED_SETS.includes(name))) {
    return { train: await listClasses(path, folders, { kind, give }), test: undefined }
  }
  const set = async (name: string): Promise<FileSet> => {
    const root = join(path, name)
    return listClasses(root, await foldersOf(root), { kind, give })
  }
  return { train: await set('train'), test: folders.includes('test') ? await set('test') : undefined }
}

async function listClasses (root: string, folders: readonly string[], { kind, give }: { kind: FileKind, give: string }): Promise<FileSet> {
  if (folders.length === 0) {
    throw new DatasetError(`${root} has no sub-folders: ${give}`)
  }
  const files: ListedFile[] = []
  for (const folder of folders) {
    const label = folder.normalize('NFC')
    for (const name of await filesOfFolder(join(root, folder), kind, MAX_FILES - files.length)) {
      files.push({ file: `${folder}/${name}`, label })
    }
  }
  return setOf(root, files, folders.map((name) => name.normalize('NFC')))
}

export function setOf (root: string, files: ListedFile[], classes: readonly string[]): FileSet {
  const keys = new Map(files.map((file) => [file, Buffer.from(file.file.normalize('NFC'))]))
  return { root, files: files.sort((a, b) => keys.get(a)!.compare(keys.get(b)!)), classes: [...new Set(classes)].sort() }
}

/**
 * Number of each class in the document: of `rows`, whose classes are all in `classes`. Throws DatasetError, which names
 * `root`, for classes that the document does not have
 */
export function labelNumbers (root: string, { rows, classes }: { rows: readonly string[], classes: readonly string[] }, labels: readonly string[]): Uint16Array {
  const numbers = new Map(labels.map((label, i) => [label.normalize('NFC'), i]))
  const unknown = classes.filter((name) => !numbers.has(name))
  if (unknown.length > 0) {
    const near = closest(unknown[0]!, labels)
    throw new DatasetError(`${root} has ${unknown.length === 1 ? 'a class' : 'classes'} ${listed(unknown)} that the federation does not know: its classes are ${listed(labels)}${near === undefined ? '' : ` (is it ${shown(near)}?)`}; rename or remove ${unknown.length === 1 ? 'it' : 'them'}`)
  }
  return Uint16Array.from(rows, (label) => numbers.get(label)!)
}
