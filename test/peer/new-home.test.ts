/**
 * Who fails to make a home removes its own work only. Run `npm run build` first, as `npm test` does
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HomeLockedError } from '../../src/index.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { CLAIM_FILE } from '../../peer/home-claim.ts'
import { unmadeOnFailure } from '../../peer/new-home.ts'
import { cleanEnvironment, PROGRAM, run } from './program.ts'
import type { ChildProcess } from 'node:child_process'

vi.setConfig({ testTimeout: 120_000 })

const FLAGS = ['--preset', 'digits', '--data', 'digits', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']
const failure = new Error('cannot be started')

let folder: string
let home: string
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-new-home-'))
  home = join(folder, 'peer')
})

afterEach(async () => {
  await Promise.all(children.splice(0).map(async (child) => {
    const gone = new Promise((resolve) => { child.once('exit', resolve) })
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await gone
    }
  }))
  await rm(folder, { recursive: true })
})

async function put (...names: string[]): Promise<void> {
  await Promise.all(names.map(async (name) => writeFile(join(home, name), name)))
}

const storeOf = (): ReturnType<typeof createLevelStore> => createLevelStore({ location: join(home, 'db'), clock: { now: () => 0 } })

/** A claim of a process of this host: one that lives, or one that cannot */
async function claimOf (pid: number): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(join(home, CLAIM_FILE), `${pid} ${hostname()} abc\n`)
}

describe('who fails to make a home', () => {
  it('leaves nothing behind', async () => {
    await expect(unmadeOnFailure(home, async () => {
      await put('identity.key', 'grapevine.toml', 'privacy.json')
      const store = storeOf()
      await store.open()
      await store.close()
      throw failure
    })).rejects.toBe(failure)
    expect(existsSync(home)).toBe(false)
  })

  it('removes nothing once the home worked', async () => {
    await expect(unmadeOnFailure(home, async (finished) => {
      await put('identity.key', 'grapevine.toml')
      await finished()
      throw failure
    })).rejects.toBe(failure)
    expect((await readdir(home)).sort()).toEqual(['grapevine.toml', 'identity.key'])
  })

  it.each([['by whatever error', failure], ['because of that', new HomeLockedError('in use')]])('removes nothing of one whose store another has open: %s', async (_, err) => {
    const store = storeOf()
    try {
      await expect(unmadeOnFailure(home, async () => {
        await put('identity.key', 'grapevine.toml')
        await store.open()
        throw err
      })).rejects.toBe(err)
      expect(await readdir(home)).toEqual(expect.arrayContaining(['db', 'grapevine.toml', 'identity.key']))
    } finally {
      await store.close()
    }
    await expect(unmadeOnFailure(home, async () => { throw failure })).rejects.toMatchObject({ name: 'HomeExistsError' })
  })

  it('removes nothing of one whose key has published', async () => {
    await expect(unmadeOnFailure(home, async () => {
      await put('identity.key', 'grapevine.toml')
      const store = storeOf()
      await store.open()
      await store.putPublication({ round: 1, sequence: 1 })
      await store.close()
      throw failure
    })).rejects.toBe(failure)
    expect(await readdir(home)).toEqual(expect.arrayContaining(['db', 'db.newest', 'grapevine.toml', 'identity.key']))
  })

  it('removes nothing when another has made it since', async () => {
    await mkdir(home, { mode: 0o700 })
    await put('identity.key', 'grapevine.toml')
    const use = vi.fn()
    await expect(unmadeOnFailure(home, use)).rejects.toMatchObject({ name: 'HomeExistsError' })
    expect(use).not.toHaveBeenCalled()
    expect((await readdir(home)).sort()).toEqual(['grapevine.toml', 'identity.key'])
  })

  it('removes nothing while another goes on in its place, nor does that one', async () => {
    const [begun, resumed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const first = unmadeOnFailure(home, async () => {
      begun.resolve()
      await resumed.promise
      throw failure
    })
    await begun.promise
    // as another host may see it: its process id says nothing there
    await expect(unmadeOnFailure(home, async () => {
      await put('identity.key', 'privacy.json')
      resumed.resolve()
      await expect(first).rejects.toBe(failure)
      expect(await readdir(home)).toEqual(expect.arrayContaining(['identity.key', 'privacy.json']))
      throw failure
    })).rejects.toBe(failure)
    expect(await readdir(home)).toEqual(expect.arrayContaining(['identity.key', 'privacy.json']))
  })
})

describe('a home that another process makes', () => {
  it('is refused by who would make it, and by who would start it', async () => {
    await claimOf(process.pid)
    for (const args of [['start', ...FLAGS], ['init', ...FLAGS]]) {
      const { exit, stderr } = await run([...args, '--home', home])
      expect(stderr).toContain(`error GRAPEVINE_E_HOME_LOCKED: the peer of ${home} is being made by process ${process.pid}`)
      expect(exit).toBe(4)
    }
    expect(await readdir(home)).toEqual([CLAIM_FILE])
    await writeFile(join(home, 'grapevine.toml'), '')
    expect((await run(['start', '--home', home])).exit).toBe(4)
    expect((await readdir(home)).sort()).toEqual(['grapevine.toml', CLAIM_FILE])
  })

  it('is made on when that process died', async () => {
    // above what Linux gives out
    await claimOf(4_194_305)
    expect((await run(['init', '--home', home, ...FLAGS])).exit).toBe(0)
    expect((await readdir(home)).sort()).toEqual(['audit.jsonl', 'federation.json', 'grapevine.toml', 'identity.key'])
  })
})

describe('programs that make one home at once', () => {
  it('leave the one that runs all that it has', async () => {
    const started = Array.from({ length: 3 }, () => {
      const child = spawn(process.execPath, [PROGRAM, 'start', '--home', home, ...FLAGS], { env: cleanEnvironment(), stdio: 'ignore' })
      children.push(child)
      return child
    })
    const ended: Array<number | null> = []
    await new Promise<void>((resolve) => {
      started.forEach((child) => {
        child.once('exit', (code) => {
          ended.push(code)
          if (ended.length === 2) {
            resolve()
          }
        })
      })
    })
    expect(ended.every((code) => code === 4 || code === 3)).toBe(true)
    await vi.waitUntil(async () => (await run(['status', '--home', home, '--json'])).exit === 0, { timeout: 60_000, interval: 100 })
    expect(await readdir(home)).toEqual(expect.arrayContaining(['control.json', 'db', 'federation.json', 'grapevine.toml', 'identity.key']))
    expect(await readdir(home)).not.toContain(CLAIM_FILE)
    expect(await readFile(join(home, 'grapevine.toml'), 'utf8')).toContain('listen')
  })
})
