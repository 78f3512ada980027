/**
 * Where the programs write to: full disks and readers that went away. Run `npm run build` first, as `npm test` does
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanEnvironment, PROGRAM, run } from './program.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 180_000 })

const TESTNET = resolve(import.meta.dirname, '../../dist/testnet/main.js')
const FULL = '/dev/full'

let folder: string
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'gv-output-')) })
afterAll(async () => { await rm(folder, { recursive: true, force: true }) })

interface Ended { exit: number | null, stderr: string }

async function ended (child: ReturnType<typeof spawn>): Promise<Ended> {
  let stderr = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const [exit] = await once(child, 'close') as [number | null]
  return { exit, stderr }
}

/** Standard output goes to a disk without a byte of room */
async function intoFull (program: string, args: readonly string[]): Promise<Ended> {
  const full = openSync(FULL, 'w')
  try {
    return await ended(spawn(process.execPath, [program, ...args], { stdio: ['ignore', full, 'pipe'], env: cleanEnvironment() }))
  } finally {
    closeSync(full)
  }
}

/** As `| head -1` does it; `lines` 0 for a reader that is gone before the first word */
async function intoHead (program: string, args: readonly string[], lines = 1): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() })
  let seen = 0
  const look = (text: string): void => {
    seen += text.split('\n').length - 1
    if (seen >= lines) {
      child.stdout.destroy()
    }
  }
  child.stdout.setEncoding('utf8').on('data', look)
  look('')
  return ended(child)
}

describe.runIf(existsSync(FULL))('a disk that is full', () => {
  const home = (): string => join(folder, 'peer')
  beforeAll(async () => {
    const made = await run(['init', '--home', home(), '--preset', 'digits', '--listen', '/ip4/127.0.0.1/tcp/0', '--ledgers', join(folder, 'ledgers')])
    expect(made).toMatchObject({ exit: 0 })
  })

  it.each<[string, () => string[]]>([
    ['help', () => ['--help']],
    ['help of a verb', () => ['start', '--help']],
    ['the version', () => ['--version']],
    ['a list', () => ['versions', '--home', home()]],
    ['a list in JSON lines', () => ['versions', '--home', home(), '--json']],
    ['init', () => ['init', '--home', join(folder, 'other'), '--preset', 'digits']],
    ['a running peer in JSON lines', () => ['start', '--home', home(), '--min-members', '1', '--alone', 'train', '--rounds', '100', '--json']]
  ])('fails what it took the answer of: %s', async (_, args) => {
    const { exit, stderr } = await intoFull(PROGRAM, args())
    expect(stderr).toMatch(/^error GRAPEVINE_E_OUTPUT: standard output cannot be written: ENOSPC.*\. Make room /m)
    expect(exit).toBe(9)
  })

  it.each([['--help'], ['--version'], ['--peers', '3', '--rounds', '2', '--preset', 'digits', '--no-alone'], ['--peers', '3', '--rounds', '2', '--preset', 'digits', '--no-alone', '--json']])('fails a testnet: %s', async (...args) => {
    const { exit, stderr } = await intoFull(TESTNET, args)
    expect(stderr).toMatch(/^error: standard output cannot be written: ENOSPC/m)
    expect(stderr).not.toMatch(/^ +at /m)
    expect(exit).toBe(9)
  })
})

describe('a reader that went away', () => {
  it.each([[PROGRAM, '--help'], [PROGRAM, 'start', '--help'], [PROGRAM, '--version'], [TESTNET, '--help'], [TESTNET, '--version']])('is no error: %s %s', async (program, ...args) => {
    for (const lines of [0, 1]) {
      expect(await intoHead(program, args, lines)).toEqual({ exit: 0, stderr: '' })
    }
  })

  it('ends a testnet without a stack', async () => {
    const { exit, stderr } = await intoHead(TESTNET, ['--peers', '3', '--rounds', '200', '--preset', 'digits', '--no-alone'])
    expect(stderr).toBe('error: nobody reads the output any more\n')
    expect(exit).toBe(130)
  })
})
