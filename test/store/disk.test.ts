/**
 * What can go wrong with the folder of a store: locks, other formats, damage, a full or read-only disk
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLevelStore } from '../../src/store/level-store.ts'
import type { ModelVersion, Store } from '../../src/interface.ts'

const run = promisify(execFile)
const clock = { now: () => 0 }
const isRoot = process.getuid?.() === 0

let folder: string
let location: string
let store: Store

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-disk-'))
  location = join(folder, 'db')
  store = createLevelStore({ location, keepVersions: 3, clock })
})

afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

async function commit (round: number, parameterCount = 1000): Promise<ModelVersion> {
  return store.commit({ federation: 'f', round, parents: [], parameters: new Float32Array(parameterCount).fill(round), metrics: {} })
}

/** Moves everything from LevelDB's log into a table file, then closes */
async function settle (): Promise<void> {
  await store.close()
  await store.open()
  await store.close()
}

async function filesEnding (...ends: string[]): Promise<string[]> {
  return (await readdir(location)).filter((name) => ends.some((end) => name.endsWith(end))).map((name) => join(location, name))
}

async function flipIn (files: string[], pattern: Uint8Array): Promise<boolean> {
  for (const file of files) {
    const bytes = await readFile(file)
    const at = bytes.indexOf(pattern)
    if (at >= 0) {
      bytes[at] = bytes[at]! ^ 1
      await writeFile(file, bytes)
      return true
    }
  }
  return false
}

describe('a home in use', () => {
  it('is refused to a second store of the same process, and says so', async () => {
    await store.open()
    const second = createLevelStore({ location, clock })
    await expect(second.open()).rejects.toMatchObject({ name: 'HomeLockedError', message: `the store in ${location} is in use by this process: stop it first, or use another home` })
    await commit(1)
    await store.close()
    await second.open()
    expect((await second.newest())?.round).toBe(1)
    await second.close()
  })

  it.each([
    ['a dead process', `4194304 ${hostname()}\n`],
    ['a process of another host', `${process.pid} elsewhere\n`],
    ['nonsense', 'x'.repeat(100)]
  ])('does not name %s that a holder file speaks of', async (_what, content) => {
    await store.open()
    await writeFile(join(location, 'HOLDER'), content)
    await expect(createLevelStore({ location, clock }).open()).rejects.toMatchObject({ name: 'HomeLockedError', message: `the store in ${location} is in use by another process: stop it first, or use another home` })
  })

  it('leaves no holder file behind when it is closed', async () => {
    await store.open()
    expect(await readdir(location)).toContain('HOLDER')
    await store.close()
    expect(await readdir(location)).not.toContain('HOLDER')
  })
})

describe('another format', () => {
  async function withRaw (change: (raw: Level) => Promise<void>): Promise<void> {
    const raw = new Level(location)
    await change(raw)
    await raw.close()
  }

  it('is refused: names what was found, what is supported and what to do', async () => {
    await store.open()
    await commit(1)
    await store.close()
    await withRaw(async (raw) => raw.put('/version', '2'))
    await expect(store.open()).rejects.toMatchObject({
      name: 'StoreFormatError', message: `the store in ${location} has format "2", this version of Grapevine supports format 1: open it with the version that wrote it, or use another home`
    })
    await withRaw(async (raw) => raw.put('/version', '1'))
    await store.open()
    expect((await store.newest())?.round).toBe(1)
  })

  it('is refused when the database is of another program', async () => {
    await withRaw(async (raw) => raw.put('theirs', 'x'))
    await expect(store.open()).rejects.toMatchObject({ name: 'StoreFormatError', message: expect.stringContaining('has no format number') as string })
    await withRaw(async (raw) => { expect(await raw.keys().all()).toEqual(['theirs']) })
  })

  it('does not print what it found without bounds', async () => {
    await withRaw(async (raw) => raw.put('/version', '\u001b[31m\n' + 'x'.repeat(10_000)))
    const err = await store.open().catch((err: unknown) => err) as Error
    expect(err.name).toBe('StoreFormatError')
    expect(err.message.length).toBeLessThan(400)
    expect([...err.message].every((character) => character >= ' ')).toBe(true)
  })
})

describe('a damaged store', () => {
  beforeEach(async () => {
    await store.open()
    for (let round = 1; round <= 4; round++) {
      await commit(round)
    }
    await settle()
  })

  it.each([
    ['CURRENT is nonsense', async () => writeFile(join(location, 'CURRENT'), 'garbage')],
    ['CURRENT is missing', async () => rm(join(location, 'CURRENT'))],
    ['CURRENT is a folder', async () => { await rm(join(location, 'CURRENT')); await mkdir(join(location, 'CURRENT')) }],
    ['the manifest is missing', async () => Promise.all((await filesInLocation(/^MANIFEST/)).map(async (file) => rm(file)))],
    ['the manifest is nonsense', async () => Promise.all((await filesInLocation(/^MANIFEST/)).map(async (file) => writeFile(file, 'x'.repeat(4096))))],
    ['a table is missing', async () => rm((await filesEnding('.ldb'))[0]!)],
    ['a table is cut short', async () => writeFile((await filesEnding('.ldb'))[0]!, '')]
  ])('is refused when %s, and nothing in it is deleted', async (_what, damage) => {
    await damage()
    const before = await filesEnding('.ldb')
    const err = await openAndRead().catch((err: unknown) => err) as Error
    expect(err).toMatchObject({ name: 'StoreCorruptError', message: expect.stringContaining('Nothing was deleted') as string })
    expect(err.message).toContain(location)
    expect(err.message).not.toContain('\n')
    await store.close()
    expect(await filesEnding('.ldb')).toEqual(expect.arrayContaining(before))
  })

  async function filesInLocation (pattern: RegExp): Promise<string[]> {
    return (await readdir(location)).filter((name) => pattern.test(name)).map((name) => join(location, name))
  }

  async function openAndRead (): Promise<void> {
    await store.open()
    const latest = await store.newest()
    await store.parameters(latest!.id)
  }

  it('does not give out parameters with one flipped bit, and still gives the others', async () => {
    expect(await flipIn(await filesEnding('.ldb'), new Uint8Array(new Float32Array(1000).fill(4).buffer))).toBe(true)
    await store.open()
    const [fourth, third] = await store.list()
    await expect(store.parameters(fourth!.id)).rejects.toMatchObject({ name: 'StoreCorruptError', message: expect.stringMatching(/version [0-9a-f]{64} \(round 4\) differ from their hash/) as string })
    expect(await store.parameters(third!.id)).toEqual(new Float32Array(1000).fill(3))
  })

  it('does not give out a record that is not the one its id was made of', async () => {
    await store.open()
    const { id, parametersHash } = (await store.newest())!
    await store.close()
    // a hash that is one of no parameters: still JSON, still of the right shape
    expect(await flipIn(await filesEnding('.ldb'), new TextEncoder().encode(parametersHash.slice(8, 24)))).toBe(true)
    await store.open()
    await expect(store.newest()).rejects.toMatchObject({ name: 'StoreCorruptError', message: expect.stringContaining(id) as string })
    expect((await store.get('3'))?.round).toBe(3)
  })

  it('does not give out a federation document that differs from its id', async () => {
    await store.open()
    await store.putFederation(new TextEncoder().encode('a document like no other'))
    await settle()
    expect(await flipIn(await filesEnding('.ldb'), new TextEncoder().encode('like no other'))).toBe(true)
    await store.open()
    await expect(store.getFederation()).rejects.toMatchObject({ name: 'StoreCorruptError' })
  })

  it('does not give out small records that are not of their shape', async () => {
    const raw = new Level(location)
    for (const table of ['peers', 'bans', 'metrics']) {
      await raw.sublevel(table).put('0000000000000001', '{"half')
    }
    await raw.sublevel('publication').put('last', '{"round":"1","sequence":1}')
    await raw.close()
    await store.open()
    for (const call of [async () => store.peers(), async () => store.bans(), async () => store.metrics(), async () => store.getPublication()]) {
      await expect(call()).rejects.toMatchObject({ name: 'StoreCorruptError', message: expect.stringMatching(/record ".*" in table \w+ is not readable/) as string })
    }
  })

  it('is refused when a key of a version is not one', async () => {
    const raw = new Level(location)
    await raw.sublevel('versions').put('zzz', 'x')
    await raw.close()
    await expect(store.open()).rejects.toMatchObject({ name: 'StoreCorruptError', message: expect.stringContaining('"zzz"') as string })
    await expect(store.newest()).rejects.toMatchObject({ name: 'StoreClosedError' })
  })

  it('drops the torn end of a log, as a killed process leaves it', async () => {
    await store.open()
    await commit(5, 10_000)
    await store.close()
    const [log] = await filesEnding('.log')
    const bytes = await readFile(log!)
    await writeFile(log!, bytes.subarray(0, bytes.length - 100))
    await store.open()
    expect((await store.list()).map(({ round }) => round)).toEqual([4, 3, 2])
  })
})

describe('a place that cannot be written', () => {
  it('is refused when a file stands where the folder should be', async () => {
    await writeFile(location, 'x')
    await expect(store.open()).rejects.toMatchObject({ name: 'StoreWriteError', message: expect.stringMatching(/a file stands where the folder should be.*use another home/) as string })
  })

  it.skipIf(isRoot)('is refused without the right to write', async () => {
    await mkdir(location, { mode: 0o500 })
    await expect(store.open()).rejects.toMatchObject({ name: 'StoreWriteError', message: expect.stringContaining('permission denied') as string })
  })
})

/** A file system of its own; undefined where this user may not mount */
async function mountSmall (path: string, megabytes: number): Promise<boolean> {
  if (process.platform !== 'linux' || !isRoot) {
    return false
  }
  await mkdir(path)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'grapevine-test', path])
    return true
  } catch {
    // a container without the right to mount: the test says that it is skipped
    return false
  }
}

describe('a small disk', () => {
  let mount: string
  let mounted: boolean

  beforeEach(async () => {
    mount = join(folder, 'mount')
    mounted = await mountSmall(mount, 12)
    location = join(mount, 'db')
    store = createLevelStore({ location, keepVersions: 2, clock })
  })

  afterEach(async () => {
    await store.close()
    if (mounted) {
      await run('umount', [mount])
    }
  })

  async function expectWhole (newest: number): Promise<void> {
    const versions = await store.list()
    expect(versions.map(({ round }) => round)).toEqual([newest, newest - 1].filter((round) => round > 0))
    for (const { id, round } of versions) {
      expect((await store.parameters(id))!.every((value) => value === round)).toBe(true)
    }
  }

  it('when full, fails the commit with nothing half-written, and goes on once there is room', async ({ skip }) => {
    skip(!mounted, 'needs root on Linux, to mount a small tmpfs')
    await store.open()
    await commit(1, 200_000)
    await commit(2, 200_000)
    await writeFile(join(mount, 'filler'), new Uint8Array(12 << 20)).catch(() => {})
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(commit(3, 200_000)).rejects.toMatchObject({ name: 'StoreWriteError', message: expect.stringMatching(/the disk is full.*Nothing is half-written: free some space/) as string })
    }
    await rm(join(mount, 'filler'))
    await expectWhole(2)
    await commit(3, 200_000)
    await expectWhole(3)
    await store.close()
    await store.open()
    await expectWhole(3)
  })

  it('when it fills up while committing, keeps every version that was reported over reopening', async ({ skip }) => {
    skip(!mounted, 'needs root on Linux, to mount a small tmpfs')
    await store.open()
    let newest = 0
    let failures = 0
    for (let i = 0; i < 30; i++) {
      // leaves a different amount of room each time, so that the log tears at different offsets
      await writeFile(join(mount, 'filler'), new Uint8Array(6 << 20 | (i * 40_961))).catch(() => {})
      try {
        await commit(newest + 1, 150_000 + i)
        newest++
      } catch (err) {
        expect(err).toMatchObject({ name: 'StoreWriteError' })
        failures++
      }
      await rm(join(mount, 'filler'), { force: true })
      await expectWhole(newest)
    }
    expect(failures).toBeGreaterThan(0)
    expect(newest).toBeGreaterThan(0)
  })

  it('when read-only, is refused', async ({ skip }) => {
    skip(!mounted, 'needs root on Linux, to mount a small tmpfs')
    await store.open()
    await commit(1)
    await store.close()
    await run('mount', ['-o', 'remount,ro', mount])
    await expect(store.open()).rejects.toMatchObject({ name: 'StoreWriteError', message: expect.stringContaining('the file system is read-only') as string })
  })
})

describe('the size on disk', () => {
  async function bytesOnDisk (): Promise<number> {
    const sizes = await Promise.all((await readdir(location)).map(async (name) => stat(join(location, name)).then(({ size }) => size, () => 0)))
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  it.each([
    { rounds: 400, parameterCount: 79_510, bound: 64e6 },
    { rounds: 40, parameterCount: 2_500_000, bound: 200e6 }
  ])('stays under $bound bytes over $rounds rounds of $parameterCount parameters, also over restarts', async ({ rounds, parameterCount, bound }) => {
    await store.open()
    let largest = 0
    for (let round = 1; round <= rounds; round++) {
      await commit(round, parameterCount)
      largest = Math.max(largest, await bytesOnDisk())
      if (round % Math.ceil(rounds / 7) === 0) {
        await store.close()
        await store.open()
      }
    }
    expect(largest).toBeLessThan(bound)
  })

  it('stays within a small multiple of what is kept over rounds alone, behind which the last mixed versions stay', async () => {
    store = createLevelStore({ location, keepVersions: 2, clock })
    await store.open()
    let largest = 0
    for (let round = 1; round <= 24; round++) {
      await store.commit({ federation: 'f', round, parents: ['x'], parameters: new Float32Array(5_000_000).fill(round), metrics: { accepted: round <= 2 ? 1 : 0 } })
      largest = Math.max(largest, await bytesOnDisk())
    }
    expect((await store.list()).map(({ round }) => round)).toEqual([24, 23, 2, 1])
    // 213 MB measured; 351 where only what lies before the oldest version is compacted
    expect(largest).toBeLessThan(280e6)
  }, 180_000)
})
