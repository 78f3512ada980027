/**
 * Half of the suite runs the compiled programs: an edited source beside an old build would be green and mean nothing
 *
 * Contents are compared, not ages: a checkout gives every file a new age, and the compiler writes only what changed.
 */
import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isBundled } from '../src/bundle.ts'

/** What tsconfig.build.json compiles */
const FOLDERS = ['src', 'peer', 'testnet', 'bench']
const LEFT_OUT = 'src/aggregators/kernels/assembly'
const BUILD_INFO = 'dist/.tsbuildinfo'

interface BuildInfo {
  fileNames: string[]
  fileInfos: Array<string | { version: string }>
}

async function sources (root: string): Promise<string[]> {
  const folders = await Promise.all(FOLDERS.map(async (folder) => {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => [])
    return entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map(({ parentPath, name }) => relative(root, join(parentPath, name)))
  }))
  return folders.flat().filter((path) => !path.startsWith(LEFT_OUT))
}

/** Paths of sources that the build in `root` was not made of, ascending. Undefined when nothing was built */
export async function newerThanBuild (root: string): Promise<string[] | undefined> {
  const text = await readFile(join(root, BUILD_INFO), 'utf8').catch(() => undefined)
  if (text === undefined) {
    return undefined
  }
  const { fileNames, fileInfos } = JSON.parse(text) as BuildInfo
  const built = new Map(fileNames.map((name, index) => {
    const info = fileInfos[index]!
    return [relative(root, resolve(root, 'dist', name)), typeof info === 'string' ? info : info.version]
  }))
  const isSame = await Promise.all((await sources(root)).map(async (path) => {
    const hash = createHash('sha256').update(await readFile(join(root, path), 'utf8')).digest('hex')
    return { path, isSame: built.get(path) === hash }
  }))
  return isSame.filter((source) => !source.isSame).map(({ path }) => path).sort()
}

/** Whether the programs of the build in `root` start from a bundle that was made of it */
export async function hasBundle (root: string): Promise<boolean> {
  return isBundled(pathToFileURL(join(root, 'dist/')))
}

export async function setup (): Promise<void> {
  const root = resolve(import.meta.dirname, '..')
  const newer = await newerThanBuild(root)
  if (newer === undefined || newer.length > 0) {
    const what = newer === undefined ? 'nothing is compiled' : `${newer.slice(0, 3).join(', ')} changed since the build${newer.length > 3 ? ` (and ${newer.length - 3} more)` : ''}`
    throw new RangeError(`${what}, and tests run the compiled programs: npm run build`)
  }
  if (!await hasBundle(root)) {
    throw new RangeError('what is compiled is not bundled, and tests run the bundled programs: npm run build')
  }
}
