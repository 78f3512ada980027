/**
 * Which pictures there are, and of which class: before any of them is opened
 */
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { closest } from '../../closest.ts'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { listed, readCsv, shown } from '../csv.ts'
import { unreadable } from '../unreadable.ts'
import { filesOfFolder, foldersOf, MAX_PICTURES } from './picture-folder.ts'
import type { RowPlace } from '../csv.ts'

export interface ListedPicture {
  /** Below `root`, with `/` */
  file: string
  /** Name of its class, in Unicode's form C: systems write an accent in one character or two */
  label: string
}

export interface PictureSet {
  root: string
  /** By the bytes of `file` in form C, so that peers with the same pictures agree on their numbers */
  pictures: ListedPicture[]
  /** Names of all classes, those without a picture too, sorted by code unit */
  classes: string[]
}

export interface PictureSets {
  train: PictureSet
  /** Undefined where there is no folder for it: a part of `train` has to be held out */
  test: PictureSet | undefined
}

/** Beside `train` and `test` these hold pictures that nobody asks for here */
const UNUSED_SETS: readonly string[] = ['val', 'valid', 'validation']

/**
 * A folder with a sub-folder for each class, the same below `train` and `test`, or a CSV file of names and labels
 *
 * Throws DatasetError: missing, no classes, files that are no pictures, links, names that lead out of the folder
 */
export async function listPictures (path: string): Promise<PictureSets> {
  let isFolder: boolean
  try {
    isFolder = (await stat(path)).isDirectory()
  } catch (err) {
    throw unreadable(path, err)
  }
  if (!isFolder) {
    return { train: await listedByCsv(path), test: undefined }
  }
  const folders = await foldersOf(path)
  if (!folders.includes('train') || folders.some((name) => name !== 'train' && name !== 'test' && !UNUSED_SETS.includes(name))) {
    return { train: await listedByFolder(path, folders), test: undefined }
  }
  const set = async (name: string): Promise<PictureSet> => {
    const root = join(path, name)
    return listedByFolder(root, await foldersOf(root))
  }
  return { train: await set('train'), test: folders.includes('test') ? await set('test') : undefined }
}

async function listedByFolder (root: string, folders: readonly string[]): Promise<PictureSet> {
  if (folders.length === 0) {
    throw new DatasetError(`${root} has no sub-folders: give a folder with one sub-folder of PNG or JPEG files for each class, or a CSV file of file names and labels`)
  }
  const pictures: ListedPicture[] = []
  for (const folder of folders) {
    const label = folder.normalize('NFC')
    for (const name of await filesOfFolder(join(root, folder), MAX_PICTURES - pictures.length)) {
      pictures.push({ file: `${folder}/${name}`, label })
    }
  }
  return setOf(root, pictures, folders.map((name) => name.normalize('NFC')))
}

function setOf (root: string, pictures: ListedPicture[], classes: readonly string[]): PictureSet {
  const keys = new Map(pictures.map((picture) => [picture, Buffer.from(picture.file.normalize('NFC'))]))
  return { root, pictures: pictures.sort((a, b) => keys.get(a)!.compare(keys.get(b)!)), classes: [...new Set(classes)].sort() }
}

/** Columns `file` and `label`, in any case; without them the first and the last */
async function listedByCsv (csv: string): Promise<PictureSet> {
  const root = join(csv, '..')
  const base = await realpath(root)
  const rows: Array<{ file: string, label: string, place: RowPlace }> = []
  await readCsv(csv, (names) => {
    const column = (wanted: string, otherwise: number): number => {
      const found = names.findIndex((name) => name.toLowerCase() === wanted)
      return found === -1 ? otherwise : found
    }
    const [fileAt, labelAt] = [column('file', 0), column('label', names.length - 1)]
    return (fields, place) => {
      const [file, label] = [fields[fileAt]!, fields[labelAt]!]
      if (rows.length >= MAX_PICTURES) {
        throw new DatasetError(`${csv} names more than ${MAX_PICTURES} pictures; give each peer a file of its own`)
      }
      requireInside(place, file)
      if (label === '' || label.length > 256) {
        throw new DatasetError(`${place.file}, line ${place.line}: ${label === '' ? 'the label is empty' : 'the label is longer than 256 characters'}; correct it, or remove the row`)
      }
      rows.push({ file: file.replaceAll('\\', '/'), label: label.normalize('NFC'), place })
    }
  })
  for (const { file, place } of rows) {
    await requireBelow(base, join(root, file), place)
  }
  return setOf(root, rows.map(({ file, label }) => ({ file, label })), rows.map(({ label }) => label))
}

/** The file of names may come from somebody else, who wants to see what else is on this machine */
function requireInside ({ file: csv, line }: RowPlace, file: string): void {
  if (file === '' || file.includes('\0') || isAbsolute(file) || /^([a-z]:|[\\/])/i.test(file) || file.split(/[\\/]/).includes('..')) {
    throw new DatasetError(`${csv}, line ${line}: ${file === '' ? 'the name of the picture is empty' : `${shown(file)} leads out of the folder of that file`}; name pictures by their path below it`)
  }
}

async function requireBelow (base: string, path: string, { file: csv, line }: RowPlace): Promise<void> {
  let real: string
  try {
    real = await realpath(path)
  } catch (err) {
    throw new DatasetError(`${csv}, line ${line}: ${unreadable(printable(path), err).message}`, { cause: err })
  }
  if (!real.startsWith(base.endsWith(sep) ? base : base + sep)) {
    throw new DatasetError(`${csv}, line ${line}: ${printable(path)} is a link out of the folder of that file; copy the picture into it`)
  }
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
