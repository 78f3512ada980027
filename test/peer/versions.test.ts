/**
 * Which version the verbs mean, and how a home goes back to one: on copies of homes that version 0.1.0 made
 */
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLevelStore } from '../../src/store/level-store.ts'
import { putVersion } from '../store/put-version.ts'
import { PeerDriver } from '../e2e/peer-driver.ts'
import { run } from './program.ts'
import type { ModelVersion } from '../../src/interface.ts'

/** It mixed in rounds 5 to 10, and trained 11 to 14 alone */
const PLAIN = join(import.meta.dirname, '../fixtures/homes-0.1/plain')
/** Mixed to the end, at epsilon 3.55 */
const PRIVATE = join(import.meta.dirname, '../fixtures/homes-0.1/private')

let folder: string
let home: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-versions-'))
  home = join(folder, 'home')
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

async function copyOf (fixture: string): Promise<void> {
  await cp(fixture, folder, { recursive: true })
  await chmod(join(home, 'identity.key'), 0o600)
}

async function ask (...args: string[]): Promise<Record<string, unknown> & { exit: number }> {
  const { exit, stdout, stderr } = await run([...args, '--home', home, '--json'])
  const lines = stdout.trim().split('\n')
  expect(lines, stderr).toHaveLength(1)
  return { ...JSON.parse(lines[0]!) as Record<string, unknown>, exit: exit! }
}

function csv (): string[] {
  return ['--data', `csv:${join(folder, 'patients.csv')}`, '--backend', 'wasm']
}

/** What the peer says of itself when it runs again: nothing is trained before others are there */
async function startedAgain (...args: string[]): Promise<{ joined: object, status: Record<string, unknown>, warnings: object[] }> {
  const peer = new PeerDriver('peer', ['start', '--home', home, '--json', '--listen', '/ip4/127.0.0.1/tcp/0', '--min-members', '9', ...csv(), ...args])
  try {
    const joined = await peer.line('joined')
    const status = await ask('status')
    return { joined, status, warnings: peer.lines.filter(({ type }) => type === 'warning') }
  } finally {
    await peer.stop()
  }
}

describe('a peer that was alone at the end', () => {
  beforeEach(async () => copyOf(PLAIN))

  it('exports, evaluates and shows the newest version that was averaged, and names the other', async () => {
    const { versions, latest, newest } = await ask('versions') as unknown as { versions: ModelVersion[], latest: string, newest: string }
    expect(versions.map(({ round, mixed }) => ({ round, mixed }))).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5].map((round) => ({ round, mixed: round <= 10 })))
    expect([newest, latest]).toEqual([versions[0]!.id, versions[4]!.id])
    expect(await ask('status')).toMatchObject({ round: 14, latestVersion: { id: latest, round: 10 }, newestVersion: { id: newest, round: 14 } })
    expect(await ask('export', 'latest', join(folder, 'latest'))).toMatchObject({ round: 10, mixed: true, version: latest, exit: 0 })
    expect(await ask('export', 'newest', join(folder, 'newest'))).toMatchObject({ round: 14, mixed: false, version: newest, exit: 0 })
    expect(await ask('evaluate', ...csv())).toMatchObject({ round: 10, mixed: true, exit: 0 })

    const { stdout } = await run(['versions', '--home', home])
    expect(stdout).toMatch(/\n {4}14 {2}[0-9a-f]{12} .* alone {2}newest\n/)
    expect(stdout).toMatch(/\n {4}10 {2}[0-9a-f]{12} .* {9}2 {2}latest\n/)
    const exported = await run(['export', 'latest', join(folder, 'for people'), '--home', home])
    expect(exported.stdout).toMatch(/^wrote version [0-9a-f]{12} \(round 10, mixed\) to /)
    expect(exported.stderr).toContain('the newest, of round 14, this peer trained alone')
  })

  it('goes back to a version, and on after the last round that it published', async () => {
    expect(await ask('versions', 'rollback', '8')).toMatchObject({ type: 'versions:rollback', version: { round: 8, mixed: true }, nextRound: 15, exit: 0 })
    expect(await ask('versions')).toMatchObject({ versions: [8, 7, 6, 5].map((round) => ({ round })) })
    const { joined, status } = await startedAgain()
    expect(joined).toMatchObject({ how: 'resumed', round: 8 })
    expect(status).toMatchObject({ round: 14, latestVersion: { round: 8 }, newestVersion: { round: 8 } })
    const again = await run(['versions', 'rollback', 'newest', '--home', home])
    expect(again).toMatchObject({ exit: 0, stdout: expect.stringMatching(/\(round 8, mixed\) is the newest: nothing was changed/) as string })
  })

  it('changes nothing when what it is to go back to is not there, or not said', async () => {
    expect(await ask('versions', 'rollback', '99')).toMatchObject({ code: 'GRAPEVINE_E_NO_SUCH_VERSION', exit: 2 })
    expect(await ask('versions', 'rollback')).toMatchObject({ code: 'GRAPEVINE_E_USAGE', exit: 2 })
    expect(await ask('versions', 'rolback', '8')).toMatchObject({ code: 'GRAPEVINE_E_USAGE', exit: 2 })
    expect(await ask('versions')).toMatchObject({ versions: { length: 10 } })
  })

  it('is not taken back while it runs', async () => {
    const peer = new PeerDriver('peer', ['start', '--home', home, '--json', '--listen', '/ip4/127.0.0.1/tcp/0', '--min-members', '9', ...csv()])
    await peer.line('joined')
    expect(await ask('versions', 'rollback', '8')).toMatchObject({ code: 'GRAPEVINE_E_HOME_LOCKED', exit: 4 })
    await peer.stop()
    expect(await ask('versions')).toMatchObject({ versions: { length: 10 } })
  })
})

describe('a home whose newest version is not finite', () => {
  beforeEach(async () => {
    await copyOf(PRIVATE)
    const location = join(home, 'db')
    const store = createLevelStore({ location, clock: { now: () => 0 } })
    await store.open()
    const { id, parameterCount } = (await store.newest())!
    await store.putPublication({ round: 15, sequence: 9_000_000_000_000 })
    await store.close()
    const root = new Level<string, Uint8Array>(location, { keyEncoding: 'utf8', valueEncoding: 'view' })
    await root.open()
    await putVersion(root, { federation: 'bafyreibwtqy7rhaalsznewavvfdgxvjovehrfokpvvwzj3dbgs6tj4xhb4', round: 15, parents: [id, 'x'], parameters: new Float32Array(parameterCount).fill(NaN), metrics: { accepted: 1 } })
    await root.close()
  })

  const ledgers = (): string[] => ['--ledgers', join(folder, 'ledgers')]

  it('says so instead of giving it out', async () => {
    expect(await ask('export', 'latest', join(folder, 'model'))).toMatchObject({ code: 'GRAPEVINE_E_UNSOUND_VERSION', exit: 9 })
    expect(await ask('versions', 'rollback', '15')).toMatchObject({ code: 'GRAPEVINE_E_UNSOUND_VERSION', exit: 9 })
  })

  it('goes back to a sound one by hand, with round 15 still published and every charge counted', async () => {
    expect(await ask('versions', 'rollback', '14')).toMatchObject({ forgotten: [{ round: 15 }], nextRound: 16, exit: 0 })
    expect(await ask('export', 'latest', join(folder, 'model'))).toMatchObject({ round: 14, exit: 0 })
    // round 15 was published, and never charged in this ledger: that is refused as before
    expect(await ask('privacy', ...ledgers())).toMatchObject({ code: 'GRAPEVINE_E_LEDGER_ROLLBACK' })
    expect(await ask('privacy', 'ledger', 'charge', '--rounds', '1', ...ledgers())).toMatchObject({ exit: 0 })
    const { status, warnings } = await startedAgain(...ledgers())
    expect(status).toMatchObject({ round: 15, newestVersion: { round: 14 } })
    expect((status['privacy'] as { epsilon: { pld: number } }).epsilon.pld).toBeGreaterThan(3.5506589601039056)
    expect(warnings).toEqual([])
  })

  it('starts again by itself, from the newest sound one', async () => {
    await ask('privacy', 'ledger', 'charge', '--rounds', '1', ...ledgers())
    const { joined, status, warnings } = await startedAgain(...ledgers())
    expect(joined).toMatchObject({ round: 14 })
    expect(status).toMatchObject({ round: 15, newestVersion: { round: 14 } })
    expect(warnings).toEqual([expect.objectContaining({ code: 'unsound-version' })])
  })
})
