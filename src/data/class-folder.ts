/**
 * What is in a folder that holds a file for each example: pictures, texts. A folder may come out of somebody's archive:
 * links are refused, which may lead anywhere, in circles too
 */
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '../errors.ts'
import { printable } from '../quoted.ts'
import { unreadable } from './unreadable.ts'
import type { Dirent } from 'node:fs'

/** Examples of one peer that are a file each; more are another program's business */
export const MAX_FILES = 2 ** 24

/** Files that are an example each */
export interface FileKind {
  /** Such as `picture` and `pictures` */
  one: string
  many: string
  /** Names of such files; what is in them is told by their bytes */
  name: RegExp
  /** The same for people */
  extensions: string
}

/** More folders than the document may have labels are no classes */
const MAX_FOLDERS = 65_536

/** What systems and archivers leave behind */
function isClutter (name: string): boolean {
  return name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini' || name === '__MACOSX'
}

async function entriesOf (folder: string, limit: number, what: string): Promise<Dirent[]> {
  const entries: Dirent[] = []
  try {
    for await (const entry of await opendir(folder)) {
      if (isClutter(entry.name)) {
        continue
      }
      if (entry.isSymbolicLink()) {
        throw new DatasetError(`${printable(join(folder, entry.name))} is a link, and links are not followed; copy what it leads to`)
      }
      if (entries.length >= limit) {
        throw new DatasetError(`${printable(folder)} has more than ${limit} ${what}; give each peer a part of them`)
      }
      entries.push(entry)
    }
  } catch (err) {
    throw unreadable(printable(folder), err)
  }
  return entries
}

/** Names of the sub-folders, sorted. Files beside them are passed over: a licence, a table of names */
export async function foldersOf (folder: string): Promise<string[]> {
  const entries = await entriesOf(folder, MAX_FOLDERS, 'files and folders')
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort()
}

/** Names of the files in a folder of one class. Throws DatasetError for what is neither of the kind nor clutter */
export async function filesOfFolder (folder: string, { one, many, name, extensions }: FileKind, limit: number): Promise<string[]> {
  const entries = await entriesOf(folder, limit, many)
  const other = entries.find((entry) => !entry.isFile() || !name.test(entry.name))
  if (other !== undefined) {
    const path = printable(join(folder, other.name))
    throw new DatasetError(other.isDirectory()
      ? `${path} is a folder inside that of a class; put all ${many} of a class into one folder`
      : `${path} is no ${one} by its name (${extensions}); convert it, or remove it`)
  }
  return entries.map(({ name }) => name)
}

/** Names of all such files in a folder and the folders in it, by their bytes; other files are passed over */
export async function filesBelow (folder: string, kind: FileKind): Promise<string[]> {
  const names: string[] = []
  const folders = ['']
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of await entriesOf(join(folder, below), MAX_FILES - names.length, kind.many)) {
      const name = `${below}${entry.name}`
      if (entry.isDirectory()) {
        folders.push(`${name}/`)
      } else if (entry.isFile() && kind.name.test(name)) {
        names.push(name)
      }
    }
  }
  return names.sort((a, b) => Buffer.from(a).compare(Buffer.from(b)))
}
