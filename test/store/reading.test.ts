/**
 * What only reads works on disks that take no write, and what was lost does not go unnoticed
 */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLevelStore } from '../../src/store/level-store.ts'
import { run as program } from '../peer/program.ts'
import type { Store } from '../../src/interface.ts'

const run = promisify(execFile)
const PRIVATE = join(import.meta.dirname, '../fixtures/homes-0.1/private')

let folder: string

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'grapevine-reading-')) })
afterEach(async () => rm(folder, { recursive: true, force: true }))

function storeIn (location: string, readOnly = false): Store {
  return createLevelStore({ location, keepVersions: 3, readOnly, clock: { now: () => 0 } })
}

async function commit (store: Store, round: number): Promise<void> {
  await store.putPublication({ round, sequence: round })
  await store.commit({ federation: 'f', round, parents: ['x'], parameters: new Float32Array(1000).fill(round), metrics: { accepted: 1 } })
}

async function copies (): Promise<string[]> {
  return (await Promise.all([tmpdir(), '/dev/shm'].map(async (place) => readdir(place).catch(() => [])))).flat().filter((name) => name.startsWith('grapevine-read-'))
}

/** A file system of its own with the home in it; false where this user may not mount */
async function mounted (mount: string): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return false
  }
  await mkdir(mount)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'grapevine-test', mount])
  } catch {
    // a container without the right to mount: the test says that it is skipped
    return false
  }
  await cp(PRIVATE, mount, { recursive: true })
  await chmod(join(mount, 'home/identity.key'), 0o600)
  return true
}

describe('verbs that only read', () => {
  it.for<[string, (mount: string) => Promise<void>]>([
    ['read-only', async (mount: string) => { await run('mount', ['-o', 'remount,ro', mount]) }],
    ['full', async (mount: string) => { await writeFile(join(mount, 'filler'), new Uint8Array(4 << 20)).catch(() => {}) }]
  ])('work on a %s disk, and leave nothing behind', { timeout: 120_000 }, async ([, spoil], { skip }) => {
    const mount = join(folder, 'mount')
    skip(!await mounted(mount), 'needs root on Linux, to mount a small tmpfs')
    try {
      await spoil(mount)
      const before = await copies()
      const at = ['--home', join(mount, 'home')]
      const ledgers = ['--ledgers', join(mount, 'ledgers')]
      expect(await program(['versions', ...at])).toMatchObject({ exit: 0, stdout: expect.stringContaining('latest, newest') as string })
      expect(await program(['status', ...at])).toMatchObject({ exit: 4, stdout: expect.stringContaining('round 14') as string })
      expect(await program(['export', 'latest', join(folder, 'model'), ...at])).toMatchObject({ exit: 0 })
      expect(await program(['privacy', ...at, ...ledgers])).toMatchObject({ exit: 0, stdout: expect.stringContaining('epsilon 3.56') as string })
      expect(await program(['privacy', 'ledger', 'verify', ...at, ...ledgers])).toMatchObject({ exit: 0 })
      expect(await copies()).toEqual(before)
    } finally {
      await run('umount', [mount])
    }
  })

  it('see the home that they are given, not the one that it is a copy of', async () => {
    const home = join(folder, 'own')
    await mkdir(home)
    const store = storeIn(join(home, 'db'))
    await store.open()
    await commit(store, 1)
    // as a copy that was made while the peer ran
    await cp(home, join(folder, 'copy'), { recursive: true })
    const copy = storeIn(join(folder, 'copy/db'), true)
    await copy.open()
    expect((await copy.newest())?.round).toBe(1)
    await copy.close()
    await store.close()
  })
})

describe('a log that is cut short', () => {
  async function homeWithout (bytes: (log: string) => Promise<void>): Promise<string> {
    const location = join(folder, 'db')
    const store = storeIn(location)
    await store.open()
    await commit(store, 1)
    await store.close()
    await store.open()
    await commit(store, 2)
    await commit(store, 3)
    await store.close()
    for (const log of (await readdir(location)).filter((name) => name.endsWith('.log'))) {
      await bytes(join(location, log))
    }
    return location
  }

  it('is noticed, and no number that was published is forgotten', async () => {
    const location = await homeWithout(async (log) => truncate(log, 0))
    for (const readOnly of [true, false]) {
      const store = storeIn(location, readOnly)
      await store.open()
      expect((await store.newest())?.round).toBe(1)
      expect(await store.lost()).toEqual({ round: 3, found: 1 })
      expect(await store.getPublication()).toEqual({ round: 3, sequence: 3 })
      await store.close()
    }
    const store = storeIn(location)
    await store.open()
    await commit(store, 4)
    expect(await store.lost()).toBeUndefined()
    await store.close()
  })

  it('is no loss when somebody went back', async () => {
    const location = await homeWithout(async () => {})
    const store = storeIn(location)
    await store.open()
    await store.rollback((await store.get('2'))!.id)
    expect(await store.lost()).toBeUndefined()
    await store.close()
    await store.open()
    expect(await store.lost()).toBeUndefined()
    await store.close()
  })
})
