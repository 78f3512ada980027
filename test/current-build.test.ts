import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hasBundle, newerThanBuild } from './current-build.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'grapevine-build-'))
  await mkdir(join(root, 'src'))
  await mkdir(join(root, 'dist'))
  await writeFile(join(root, 'src/a.ts'), 'a')
})

afterEach(async () => { await rm(root, { recursive: true, force: true }) })

async function builtOf (content: string): Promise<void> {
  const version = createHash('sha256').update(content).digest('hex')
  await writeFile(join(root, 'dist/.tsbuildinfo'), JSON.stringify({ fileNames: ['../src/a.ts'], fileInfos: [{ version }] }))
}

it('a source that changed since the build is named, and one that came since', async () => {
  await builtOf('before')
  await writeFile(join(root, 'src/b.ts'), '')
  expect(await newerThanBuild(root)).toEqual(['src/a.ts', 'src/b.ts'])
})

it('a build of the same contents is current, however old', async () => {
  await builtOf('a')
  expect(await newerThanBuild(root)).toEqual([])
})

it('no build is no current build, and the one of this run is current', async () => {
  expect(await newerThanBuild(root)).toBeUndefined()
  expect(await newerThanBuild(resolve(import.meta.dirname, '..'))).toEqual([])
})

it('a bundle of an older build, or none, is not the one of this build', async () => {
  await builtOf('a')
  expect(await hasBundle(root)).toBe(false)
  await mkdir(join(root, 'dist/program'))
  await writeFile(join(root, 'dist/program/.stamp'), createHash('sha256').update(await readFile(join(root, 'dist/.tsbuildinfo'))).digest('hex'))
  expect(await hasBundle(root)).toBe(true)
  await builtOf('b')
  expect(await hasBundle(root)).toBe(false)
  expect(await hasBundle(resolve(import.meta.dirname, '..'))).toBe(true)
})
