/**
 * What cannot work leaves nothing behind. Run `npm run build` first, as `npm test` does
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createNode } from '../../src/index.ts'
import { successor } from '../../src/federation/successor.ts'
import { enterFederation } from '../../src/node/enter-federation.ts'
import { weightsFile } from '../../src/node/home-weights.ts'
import { encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { serveFederation } from '../../src/network/federation-exchange.ts'
import { denseTopology } from '../../src/model/topology.ts'
import { defaultLedgerRoot } from '../../src/ledger/open-budget.ts'
import { presetDocument } from '../../src/presets.ts'
import { systemClock } from '../../src/system-clock.ts'
import { Stage } from '../network/nodes.ts'
import { run } from './program.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

// several programs one after the other, on a machine that may have other work
vi.setConfig({ testTimeout: 180_000 })

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm']

const table = parseFederation({
  ...presetDocument('digits'),
  model: {
    topology: denseTopology({ inputShape: [1], hidden: [4], classes: 2 }),
    seed: 1,
    loss: 'categoricalCrossentropy',
    input: { kind: 'table', label: 'ill', columns: [{ kind: 'numeric', name: 'age', mean: 50, stdDev: 10 }] },
    labels: ['no', 'yes']
  }
})

const stage = new Stage()
let folder: string

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'gv-half-')) })
afterEach(async () => {
  await stage.strike()
  await rm(folder, { recursive: true })
})

function isInstalled (name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

async function founder (document: FederationDocument): Promise<string> {
  const host = await stage.host()
  await serveFederation({ host, clock: systemClock }, encodeFederation(document))
  await host.start()
  return host.libp2p.getMultiaddrs()[0]!.toString()
}

describe('data that do not fit leave no home behind', () => {
  it('of a peer that joins', async () => {
    const address = await founder(table)
    const file = join(folder, 'data.csv')
    // what a look at the first rows does not show
    await writeFile(file, `age,ill\n${'50,no\n60,yes\n'.repeat(100)}50,perhaps\n`)
    const home = join(folder, 'peer')
    for (const args of [['join', address], ['start', '--bootstrap', address]]) {
      for (const [data, code] of [[`csv:${join(folder, 'none.csv')}`, 'DATA_MISSING'], [`csv:${file}`, 'DATA_INVALID'], ['digits', 'DATA_INVALID']] as const) {
        const { exit, stderr } = await run([...args, '--home', home, '--data', data, ...LOOPBACK])
        expect(stderr).toContain(`error GRAPEVINE_E_${code}: `)
        expect(exit).toBe(8)
        expect(existsSync(home)).toBe(false)
      }
    }
  })

  it('of a peer that founds', async () => {
    const home = join(folder, 'peer')
    const { exit, stderr } = await run(['start', '--home', home, '--preset', 'mnist-mlp', '--data', `idx:${join(folder, 'none')}`, ...LOOPBACK])
    expect(stderr).toContain('error GRAPEVINE_E_DATA_MISSING: ')
    expect(exit).toBe(8)
    expect(existsSync(home)).toBe(false)
  })

  it('that belongs to a federation, in a program of its own', async () => {
    let kept = false
    const store = { getFederation: async () => undefined, putFederation: async () => { kept = true } }
    const wishes = { home: folder, federation: table, data: { kind: 'csv', file: join(folder, 'none.csv'), testFraction: 0.5 } } as const
    const fetchDocument = async (): Promise<never> => { throw new RangeError('nobody is asked') }
    await expect(enterFederation({ store, fetchDocument, enterInvited: fetchDocument, identity: await generateKeyPair('Ed25519'), onWaiting: () => {}, weights: weightsFile }, wishes, AbortSignal.timeout(10_000))).rejects.toMatchObject({ name: 'DatasetError' })
    expect(kept).toBe(false)
  })
})

describe('a document that the members changed, by whose decision nobody can tell yet, makes no home', () => {
  it('of a peer that joins, or founds with it', async () => {
    const changed = successor(presetDocument('digits'), { name: 'changed' })
    const home = join(folder, 'peer')
    const file = join(folder, 'changed.json')
    await writeFile(file, JSON.stringify(changed))
    for (const args of [['join', await founder(changed)], ['start', '--federation', file]]) {
      const { exit, stderr } = await run([...args, '--home', home, '--data', 'digits', ...LOOPBACK])
      expect(stderr).toContain('error GRAPEVINE_E_FEDERATION_INVALID: ')
      expect(stderr).toContain('is change 1 of federation bafyrei')
      expect(exit).toBe(3)
      expect(existsSync(home)).toBe(false)
    }
  }, 30_000)
})

describe('settings that never worked are not kept', () => {
  const cannotBe: Array<[number, string, string[]]> = [
    [5, 'LISTEN', ['--listen', '/ip4/192.0.2.77/tcp/4001', '--backend', 'wasm']],
    // whoever has the native backend cannot see it missing
    ...isInstalled('@tensorflow/tfjs-node') ? [] : [[7, 'BACKEND', ['--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'tensorflow']] as [number, string, string[]]]
  ]

  it.each(cannotBe)('of a peer that founds or joins: %d %s', async (code, name, flags) => {
    const address = await founder(presetDocument('digits'))
    const home = join(folder, 'peer')
    for (const args of [['start', '--preset', 'digits'], ['join', address], ['start', '--bootstrap', address]]) {
      const { exit, stderr } = await run([...args, '--home', home, '--data', 'digits', ...flags])
      expect(stderr).toContain(`error GRAPEVINE_E_${name}: `)
      expect(exit).toBe(code)
      expect(existsSync(home)).toBe(false)
    }
  })

  it('and what was in the folder before stays', async () => {
    const home = join(folder, 'peer')
    await mkdir(home, { mode: 0o700 })
    await writeFile(join(home, 'notes'), 'mine')
    const { exit } = await run(['start', '--home', home, '--preset', 'digits', '--listen', '/ip4/192.0.2.77/tcp/4001', '--backend', 'wasm'])
    expect(exit).toBe(5)
    expect(await readdir(home)).toEqual(['notes'])
  })

  it.skipIf(isInstalled('@tensorflow/tfjs-node'))('of a peer that is made to join later', async () => {
    const home = join(folder, 'peer')
    const { exit, stderr } = await run(['init', '--home', home, '--bootstrap', '/ip4/127.0.0.1/tcp/9', '--backend', 'tensorflow'])
    expect(stderr).toContain('error GRAPEVINE_E_BACKEND: ')
    expect(exit).toBe(7)
    expect(existsSync(home)).toBe(false)
  })
})

const mayDropRights = process.platform === 'linux' && process.getuid?.() === 0

describe.skipIf(!mayDropRights)(`a home that may not be looked into${mayDropRights ? '' : ' (skipped: dropping rights needs root on Linux)'}`, () => {
  it.each([['status'], ['versions'], ['privacy'], ['start', '--preset', 'digits'], ['export', 'latest', '/nowhere/model']])('is a matter of permissions to %s', async (...args) => {
    await chmod(folder, 0o700)
    const program = resolve(import.meta.dirname, '../../dist/peer/main.js')
    const { status, stderr } = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, program, ...args, '--home', join(folder, 'peer')], { encoding: 'utf8' })
    expect(stderr).toMatch(/^error GRAPEVINE_E_PERMISSION: EACCES: permission denied, [^\n]*\n$/)
    expect(status).toBe(9)
  })
})

describe('flags that would say nothing', () => {
  it.each([
    [['init', '--label', 'x'], 'these data are no table'],
    [['init', '--label', 'x', '--preset', 'digits'], 'says it already'],
    [['start', '--label', 'x', '--bootstrap', '/ip4/127.0.0.1/tcp/9'], '--label is for a new federation only']
  ])('are refused, with the help of their verb: %j', async (args, says) => {
    const { exit, stderr } = await run([...args, '--home', join(folder, 'peer')])
    expect(stderr).toContain('error GRAPEVINE_E_USAGE: ')
    expect(stderr).toContain(says)
    expect(stderr).toContain(`See grapevine ${args[0]} --help`)
    expect(exit).toBe(2)
    expect(existsSync(join(folder, 'peer'))).toBe(false)
  })

  it('of a verb name the help of that verb, and others the help of all', async () => {
    expect((await run(['versions', '--nonsense'])).stderr).toMatch(/See grapevine versions --help\n$/)
    expect((await run(['--nonsense'])).stderr).toMatch(/See grapevine --help\n$/)
  })
})

describe('a state folder that depends on the working folder', () => {
  const variables: Array<Record<string, string>> = [{ HOME: '', XDG_STATE_HOME: '' }, { HOME: 'relative', XDG_STATE_HOME: '' }, { XDG_STATE_HOME: 'state' }, { XDG_STATE_HOME: './state' }]

  it.each(variables)('is refused, and nothing is made in it: %j', async (env) => {
    const cwd = join(folder, 'here')
    await mkdir(cwd)
    const peer = join(folder, 'peer')
    for (const args of [['init'], ['init', '--home', peer], ['start', '--home', peer, '--preset', 'digits-private'], ['status']]) {
      const { exit, stderr } = await run(args, { env, cwd })
      expect(stderr).toMatch(/^error GRAPEVINE_E_CONFIGURATION: (HOME|XDG_STATE_HOME) is (empty|the relative path)/)
      expect(exit).toBe(3)
    }
    expect(await readdir(cwd)).toEqual([])
    expect(existsSync(peer)).toBe(false)
  })

  it.each([
    [3, 'GRAPEVINE_E_CONFIGURATION: GRAPEVINE_LEDGERS', { GRAPEVINE_LEDGERS: 'ledgers' }, []],
    [3, 'GRAPEVINE_E_CONFIGURATION: GRAPEVINE_LEDGERS', { GRAPEVINE_LEDGERS: './ledgers' }, []],
    [2, 'GRAPEVINE_E_USAGE: --ledgers', {}, ['--ledgers', 'ledgers']]
  ])('is refused as the folder of ledgers: %d %s', async (code, says, env, flags) => {
    const cwd = join(folder, 'here')
    await mkdir(cwd)
    const peer = join(folder, 'peer')
    for (const args of [['init'], ['start', '--preset', 'digits-private'], ['privacy']]) {
      const { exit, stderr } = await run([...args, '--home', peer, ...flags], { env, cwd })
      expect(stderr).toMatch(new RegExp(`^error ${says} must be an absolute path, but is "(\\./)?ledgers": from each working folder`))
      expect(exit).toBe(code)
    }
    expect(await readdir(cwd)).toEqual([])
    expect(existsSync(peer)).toBe(false)
  })

  it('is refused by the library, also as the setting of a program', () => {
    expect(() => defaultLedgerRoot({ XDG_STATE_HOME: 'state' })).toThrow(/XDG_STATE_HOME is the relative path "state"/)
    expect(() => defaultLedgerRoot({ HOME: '' })).toThrow(/HOME is empty/)
    expect(() => createNode({ home: folder, data: { kind: 'digits', seed: 1, trainExamples: 10, testExamples: 10 }, ledgers: 'ledgers' })).toThrow(/^ledgers must be an absolute path/)
  })

  it('is no matter where the folders are named', async () => {
    const cwd = join(folder, 'here')
    await mkdir(cwd)
    const { exit } = await run(['init', '--home', join(folder, 'peer'), '--ledgers', join(folder, 'ledgers'), '--backend', 'wasm'], { env: { HOME: '' }, cwd })
    expect(exit).toBe(0)
    expect(await readdir(cwd)).toEqual([])
  })
})
