/**
 * Real processes, killed without warning. They import the built code: `npm run build` comes first (pretest does it)
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/seeded-random.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Store } from '../../src/interface.ts'

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))
const clock = { now: () => 0 }

type Child = ChildProcessByStdio<Writable, Readable, null>

const children = new Set<Child>()

function start (script: string, ...args: string[]): Child {
  const child = spawn(process.execPath, [join(FIXTURES, script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Resolves with the output so far when `text` is in it */
async function untilOutput (child: Child, text: string): Promise<string> {
  let output = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk)
    if (output.includes(text)) {
      return output
    }
  }
  throw new Error(`the child ended with ${JSON.stringify(output)}`)
}

async function kill (child: Child): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Kills the commit loop `delayMs` after it wrote `lines` lines; returns the last round that it reported */
async function runAndKill (location: string, parameterCount: number, { delayMs, lines }: { delayMs: number, lines: number }): Promise<number> {
  const child = start('commit-loop.mjs', location, String(parameterCount))
  let output = ''
  const reached = Promise.withResolvers<void>()
  const look = (): void => {
    if (output.split('\n').length > lines) {
      reached.resolve()
    }
  }
  look()
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
    look()
  })
  const closed = once(child, 'close')
  await Promise.race([reached.promise, closed])
  // a random instant is the point of the test: it waits for nothing
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  const [code, signal] = await closed as [number | null, string | null]
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' })
  return Math.max(0, ...[...output.matchAll(/committed (\d+)\n/g)].map(([, round]) => Number(round)))
}

async function expectWhole (store: Store, parameterCount: number, reported: number): Promise<number> {
  const versions = await store.list()
  const newest = versions[0]?.round ?? 0
  expect(newest, 'newest round').toBeGreaterThanOrEqual(reported)
  expect(newest).toBeLessThanOrEqual(reported + 1)
  expect(versions.length).toBe(Math.min(3, newest))
  for (const [index, version] of versions.entries()) {
    expect(version.round).toBe(newest - index)
    expect(version.metrics).toEqual({ loss: version.round })
    const parameters = await store.parameters(version.id)
    expect(parameters).toHaveLength(parameterCount)
    expect(parameters!.every((value) => value === version.round)).toBe(true)
    if (index > 0) {
      expect(versions[index - 1]!.parents).toEqual([version.id])
    }
  }
  // written, synced, before each commit: never behind it, and one ahead at most
  const published = (await store.getPublication())?.round ?? 0
  expect([newest, newest + 1], 'published round').toContain(published)
  return newest
}

describe('a killed process', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'grapevine-kill-'))
  })

  afterEach(async () => {
    await Promise.all([...children].map(kill))
    await rm(folder, { recursive: true })
  })

  /** Kills `times` times in one home, whose state accumulates; returns the last round */
  async function torture (home: string, parameterCount: number, times: number): Promise<number> {
    const location = join(folder, home)
    const random = seededRandom(home)
    let newest = 0
    for (let i = 0; i < times; i++) {
      // 0 lines: while the process starts, or opens and recovers; then from its first commit on
      const lines = Math.floor(random() * 5)
      const reported = await runAndKill(location, parameterCount, { lines, delayMs: random() * (lines === 0 ? 300 : 60) })
      const store = createLevelStore({ location, keepVersions: 3, clock })
      await store.open()
      newest = await expectWhole(store, parameterCount, Math.max(newest, reported))
      await store.close()
    }
    return newest
  }

  it('leaves a store that opens at its last reported version or the one after, whole, 50 times out of 50', async () => {
    const rounds = await Promise.all([
      torture('few parameters', 100, 15),
      torture('a usual model', 80_000, 20),
      torture('a large model', 1_000_000, 15)
    ])
    expect(Math.min(...rounds)).toBeGreaterThan(0)
  }, 180_000)

  it('frees the home that it held, and is named while it lives', async () => {
    const location = join(folder, 'db')
    const holder = start('hold-store.mjs', location)
    await untilOutput(holder, 'open')
    const store = createLevelStore({ location, clock })
    await expect(store.open()).rejects.toMatchObject({ name: 'HomeLockedError', message: `the store in ${location} is in use by process ${holder.pid}: stop it first, or use another home` })
    await expect(store.newest()).rejects.toMatchObject({ name: 'StoreClosedError' })
    await kill(holder)
    await store.open()
    expect(await store.newest()).toBeUndefined()
    await store.close()
  })

  it('frees the home when it closes the store and ends by itself', async () => {
    const location = join(folder, 'db')
    const holder = start('hold-store.mjs', location)
    await untilOutput(holder, 'open')
    const exited = once(holder, 'exit')
    holder.stdin.end()
    expect(await exited).toEqual([0, null])
    const store = createLevelStore({ location, clock })
    await store.open()
    await store.close()
  })
})
