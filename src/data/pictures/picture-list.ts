/**
 * Which pictures there are, and of which class: before any of them is opened
 */
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { DatasetError } from '../../errors.ts'
import { printable } from '../../quoted.ts'
import { MAX_FILES } from '../class-folder.ts'
import { listFolder, setOf } from '../class-list.ts'
import { readCsv, shown } from '../csv.ts'
import { unreadable } from '../unreadable.ts'
import { PICTURES } from './picture-file.ts'
import type { FileSet, FileSets } from '../class-list.ts'
import type { RowPlace } from '../csv.ts'

/**
 * A folder with a sub-folder for each class, the same below `train` and `test`, or a CSV file of names and labels
 *
 * Throws DatasetError: missing, no classes, files that are no pictures, links, names that lead out of the folder
 */
export async function listPictures (path: string): Promise<FileSets> {
  let isFolder: boolean
  try {
    isFolder = (await stat(path)).isDirectory()
  } catch (err) {
    throw unreadable(path, err)
  }
  if (!isFolder) {
    return { train: await listedByCsv(path), test: undefined }
  }
  return listFolder(path, PICTURES, 'give a folder with one sub-folder of PNG or JPEG files for each class, or a CSV file of file names and labels')
}

/** Columns `file` and `label`, in any case; without them the first and the last */
async function listedByCsv (csv: string): Promise<FileSet> {
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
      if (rows.length >= MAX_FILES) {
        throw new DatasetError(`${csv} names more than ${MAX_FILES} pictures; give each peer a file of its own`)
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
