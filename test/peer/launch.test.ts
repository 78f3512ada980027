import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cleanEnvironment, PROGRAM, run } from './program.ts'

const FIXTURES = resolve(import.meta.dirname, 'fixtures')

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gv-launch-'))
})

afterEach(async () => {
  await rm(home, { recursive: true })
})

describe('the launcher', () => {
  it.each(['18.20.4', '20.18.3', '12.22.12'])('says on Node %s what it needs, in one line, with exit code 7', async (version) => {
    const { exit, stderr, stdout } = await run(['--help'], { nodeArgs: ['--require', join(FIXTURES, 'old-node.cjs')], env: { PRETEND_NODE: version } })
    expect(exit).toBe(7)
    expect(stderr).toMatch(new RegExp(`^error GRAPEVINE_E_NODE_TOO_OLD: found Node ${version} at .*, need 20\\.19 or newer\\. .*\\n$`))
    expect(stdout).toBe('')
  })

  it.each(['20.19.0', '22.0.0', '100.1.0'])('runs on Node %s', async (version) => {
    expect((await run(['--version'], { nodeArgs: ['--require', join(FIXTURES, 'old-node.cjs')], env: { PRETEND_NODE: version } })).exit).toBe(0)
  })

  it('is written in words that an old Node can read', async () => {
    const text = await readFile(PROGRAM, 'utf8')
    expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect(text).not.toMatch(/^import |\?\.|\?\?|\bawait\b|#\w+ ?[=(]/m)
  })
})

describe('the bundle', () => {
  const DIST = resolve(dirname(PROGRAM), '..')

  /** A build in which the two forms of the program say which they are */
  async function build (stamp: string | undefined): Promise<string> {
    const dist = join(home, 'dist')
    await Promise.all(['peer', 'program', 'src', 'testnet'].map((folder) => mkdir(join(dist, folder), { recursive: true })))
    await writeFile(join(home, 'package.json'), '{ "type": "module" }')
    await Promise.all(['peer/main.js', 'testnet/main.js', 'src/bundle.js'].map((file) => cp(join(DIST, file), join(dist, file))))
    for (const file of ['peer/cli', 'testnet/program', 'program/peer', 'program/testnet']) {
      await writeFile(join(dist, `${file}.js`), `export async function main () { console.log('${file}') }`)
    }
    await writeFile(join(dist, '.tsbuildinfo'), 'compiled')
    if (stamp !== undefined) {
      await writeFile(join(dist, 'program/.stamp'), createHash('sha256').update(stamp).digest('hex'))
    }
    return dist
  }

  async function started (dist: string): Promise<string[]> {
    const outcomes = ['peer', 'testnet'].map(async (name) => run([], { program: join(dist, name, 'main.js') }))
    return (await Promise.all(outcomes)).map(({ stdout, stderr }) => (stdout + stderr).trim())
  }

  it('is what starts, where it was made of this build', async () => {
    expect(await started(await build('compiled'))).toEqual(['program/peer', 'program/testnet'])
  })

  it('is what starts in a package, which does not say what was compiled', async () => {
    const dist = await build('compiled')
    await rm(join(dist, '.tsbuildinfo'))
    expect(await started(dist)).toEqual(['program/peer', 'program/testnet'])
  })

  it('of another build, or half of one, is left alone', async () => {
    expect(await started(await build('another'))).toEqual(['peer/cli', 'testnet/program'])
    expect(await started(await build(undefined))).toEqual(['peer/cli', 'testnet/program'])
  })

  it('that cannot be loaded is an error: the plain modules could be mixed with it', async () => {
    const dist = await build('compiled')
    await rm(join(dist, 'program/peer.js'))
    const { exit, stderr } = await run([], { program: join(dist, 'peer/main.js') })
    expect(exit).toBe(1)
    expect(stderr).toMatch(/^error GRAPEVINE_E_UNEXPECTED: the program could not be loaded: .*program\/peer\.js.* Install it again\n$/)
  })
})

describe('help', () => {
  it('has a page for each action of privacy, with its own flags and an example', async () => {
    const { exit, stdout } = await run(['privacy', 'ledger', 'charge', '--help'])
    expect(exit).toBe(0)
    expect(stdout).toMatch(/^Usage: grapevine privacy ledger charge \[options\]\n/)
    const [own] = stdout.split('Global Options')
    expect([...own!.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)].map(([, name]) => name)).toEqual(['rounds', 'ledgers', 'reason', 'help'])
    expect(stdout).toMatch(/^Needs: --rounds\nExample: grapevine privacy ledger charge --rounds 3 /m)
    expect((await run(['privacy', '--help', 'plan'])).stdout).toMatch(/--batch-size <N>[^]*Example: grapevine privacy plan --epsilon/)
  })

  it('lists the actions of privacy where none is named', async () => {
    const { stdout } = await run(['privacy', '--help'])
    for (const name of ['show', 'forecast', 'plan', 'ledger', 'ledger verify', 'ledger charge']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} {2,}\\S`, 'm'))
    }
  })
})

describe('light verbs', () => {
  const HEAVY = /node_modules\/(libp2p|@libp2p|@chainsafe|@tensorflow)\//

  async function imports (args: readonly string[]): Promise<string[]> {
    const { stderr } = await run(args, { nodeArgs: ['--import', join(FIXTURES, 'record-imports.mjs')] })
    const urls = [...stderr.matchAll(/^import (.*)$/gm)].map(([, url]) => url!)
    // a file of the bundle stands for all modules in it
    const bundled = JSON.parse(await readFile(resolve(PROGRAM, '../../.bundled.json'), 'utf8')) as Record<string, string[]>
    expect(urls.some((url) => url.endsWith('/dist/program/peer.js'))).toBe(true)
    return urls.flatMap((url) => url.includes('/dist/program/') ? bundled[basename(url)]! : [url])
  }

  it('help loads neither the network nor a tensor library, nor even the checks of settings', async () => {
    const loaded = await imports(['--help'])
    expect(loaded.length).toBeGreaterThan(5)
    expect(loaded.filter((line) => HEAVY.test(line) || line.includes('/zod/'))).toEqual([])
  })

  it('status, versions and export load neither', async () => {
    await writeFile(join(home, 'grapevine.toml'), 'rounds = 3\n')
    for (const verb of [['status'], ['versions'], ['export', 'latest', join(home, 'model')]]) {
      const loaded = await imports([...verb, '--home', home])
      expect(loaded.some((line) => line.includes('/zod/')), verb[0]).toBe(true)
      expect(loaded.filter((line) => HEAVY.test(line)), verb[0]).toEqual([])
    }
  })
})

describe('the bundles', () => {
  it('hold no translations of zod, and import no tensor library: it is required', async () => {
    const bundled = JSON.parse(await readFile(resolve(PROGRAM, '../../.bundled.json'), 'utf8')) as Record<string, string[]>
    expect(Object.entries(bundled).filter(([file, modules]) => file.startsWith('peer') && modules.some((path) => path.includes('/zod/v4/locales/') && !path.endsWith('/en.js')))).toEqual([])
    for (const file of Object.keys(bundled)) {
      expect(await readFile(resolve(PROGRAM, '../../program', file), 'utf8'), file).not.toMatch(/^import .*@tensorflow/m)
    }
  })
})

describe('a reader that goes away', () => {
  it('ends help quietly', async () => {
    const shell = spawn('bash', ['-c', `set -o pipefail; '${process.execPath}' '${PROGRAM}' --help | true`], { env: cleanEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    shell.stderr.setEncoding('utf8').on('data', (piece: string) => { stderr += piece })
    const [code] = await once(shell, 'close') as [number]
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('stops a running peer quietly, as it stops on a signal', async () => {
    const command = `set -o pipefail; '${process.execPath}' '${PROGRAM}' start --json --home '${home}/p' --preset digits --partition 1/40 --min-members 1 --backend wasm --listen /ip4/127.0.0.1/tcp/0 | head -n 1`
    const shell = spawn('bash', ['-c', command], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    shell.stdout.setEncoding('utf8').on('data', (piece: string) => { stdout += piece })
    shell.stderr.setEncoding('utf8').on('data', (piece: string) => { stderr += piece })
    const [code] = await once(shell, 'close') as [number]
    expect(JSON.parse(stdout)).toMatchObject({ type: 'listening' })
    expect({ code, stderr }).toEqual({ code: 0, stderr: `made a new peer in ${home}/p; its settings are in grapevine.toml there\n` })
  })
})

describe('stopping', () => {
  async function stopSlowly (timeoutMs: number, duplicateMs = 0) {
    const child = spawn(process.execPath, [join(FIXTURES, 'stop-slowly.mjs'), String(timeoutMs), String(duplicateMs), home], { env: cleanEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] })
    const lines = createInterface({ input: child.stderr })
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    await once(createInterface({ input: child.stdout }), 'line')
    return { child, lines, exited }
  }

  it.each([['SIGINT', 'SIGINT', 130], ['SIGTERM', 'SIGTERM', 143], ['SIGINT', 'SIGTERM', 143]] as const)('waits for the node after %s, and ends at once after a second signal, %s, with exit code %i', async (first, second, exit) => {
    await writeFile(join(home, 'control.json'), 'left')
    const { child, lines, exited } = await stopSlowly(30_000)
    child.kill(first)
    expect(String(await once(lines, 'line'))).toMatch(/^stopping/)
    child.kill(second)
    expect(await exited).toEqual([exit, null])
    await expect(readFile(join(home, 'control.json'))).rejects.toThrow('ENOENT')
  })

  it('takes one signal that a wrapper delivers twice for one', async () => {
    const { child, lines, exited } = await stopSlowly(300, 60_000)
    child.kill('SIGTERM')
    expect(String(await once(lines, 'line'))).toMatch(/^stopping/)
    child.kill('SIGTERM')
    // it was given its whole time
    expect(String(await once(lines, 'line'))).toMatch(/did not stop within 0.3 s/)
    expect(await exited).toEqual([143, null])
  })

  it('gives up a stop that takes too long', async () => {
    const { child, exited } = await stopSlowly(50)
    child.kill('SIGTERM')
    expect(await exited).toEqual([143, null])
  })

  it('follows a parent process that goes away', async () => {
    const { child, exited } = await stopSlowly(50)
    child.stdin.end()
    expect(await exited).toEqual([143, null])
  })
})
