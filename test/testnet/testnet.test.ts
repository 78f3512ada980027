import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestnet } from '../../testnet/index.ts'
import { DIGITS_DEFAULTS } from '../../src/data/digits.ts'
import { exampleDocument } from './example-report.ts'
import { schemaProblems } from './report-schema.ts'
import type { FederationInit } from '../../src/federation/document.ts'
import type { Testnet, TestnetInit } from '../../testnet/index.ts'

const FAKE_PEER = fileURLToPath(new URL('./fixtures/fake-peer.mjs', import.meta.url))

let folder: string
let homes: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'grapevine-fake-'))
  homes = join(folder, 'homes')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Fakes = Record<number, { failAtStart?: number, dieAtRound?: number, hangAtRound?: number, deaf?: boolean, garbage?: boolean, lingers?: boolean, lost?: boolean, spentAtRound?: number }>

function fakeTestnet (init: Partial<TestnetInit> & { fakes?: Fakes, attackers?: number } = {}): ReturnType<typeof createTestnet> {
  const { fakes = {}, attackers = 0, ...rest } = init
  return createTestnet({
    peers: 3,
    rounds: 4,
    federation: exampleDocument(),
    data: { kind: 'digits', ...DIGITS_DEFAULTS },
    alone: false,
    homes,
    timeoutMs: 50_000,
    command: [process.execPath, FAKE_PEER],
    environment: { FAKE_PEERS: JSON.stringify(fakes), FAKE_ATTACKERS: String(attackers) },
    ...rest
  })
}

/** Process ids that the fake peers left in their homes */
function pids (): number[] {
  return readdirSync(homes).filter((name) => name.startsWith('peer-') && existsSync(join(homes, name, 'pid'))).map((name) => Number(readFileSync(join(homes, name, 'pid'), 'utf8')))
}

function alive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ESRCH') {
      return false
    }
    throw err
  }
}

function record (testnet: Testnet): string[] {
  const seen: string[] = []
  testnet.addEventListener('ready', ({ detail }) => seen.push(`ready ${detail.peers} ${detail.backend}`))
  testnet.addEventListener('round:end', ({ detail }) => seen.push(`round ${detail.round} by ${detail.peers}`))
  testnet.addEventListener('peer:kill', ({ detail }) => seen.push(`kill ${detail.node} ${detail.round}`))
  testnet.addEventListener('peer:restart', ({ detail }) => seen.push(`restart ${detail.node} ${detail.round}`))
  testnet.addEventListener('peer:fail', ({ detail }) => seen.push(`fail ${detail.reason}: ${detail.stderr.join('|')}`))
  return seen
}

/** Resolves at the first event of this type */
function first (testnet: Testnet, type: 'ready' | 'peer:kill' | 'round:end'): Promise<void> {
  return new Promise((resolve) => testnet.addEventListener(type, () => resolve(), { once: true }))
}

describe('a testnet of fake peers', () => {
  it('counts a peer whose privacy budget was spent as one that finished, and tells of it', async () => {
    const testnet = fakeTestnet({ environment: { FAKE_PEERS: JSON.stringify({ 2: { spentAtRound: 3 } }), FAKE_EPSILON: '0.5' }, federation: { ...exampleDocument(), privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } } })
    const told: unknown[] = []
    const epsilons: unknown[] = []
    testnet.addEventListener('peer:exhausted', ({ detail }) => told.push(detail))
    testnet.addEventListener('round:end', ({ detail }) => {
      epsilons.push(detail.privacy?.worstEpsilon)
      told.push(`round ${detail.round}: ${detail.observing} of ${detail.peers} observe`)
    })
    const report = await testnet.run()
    expect(schemaProblems(report)).toEqual([])
    expect(report.summary).toMatchObject({ finished: 3, failed: 0, privacy: { worstEpsilon: 2, exhausted: 1 } })
    expect(told).toEqual(['round 1: 0 of 3 observe', 'round 2: 0 of 3 observe', 'round 3: 1 of 3 observe', { node: 'peer-2', round: 3 }, 'round 4: 1 of 3 observe'])
    expect(epsilons).toEqual([0.5, 1, 1.5, 2])
  })

  it('runs all rounds, tells of each once, and reports', async () => {
    const testnet = fakeTestnet()
    const seen = record(testnet)
    const report = await testnet.run()
    expect(schemaProblems(report)).toEqual([])
    expect(report.summary).toMatchObject({ peers: 3, finished: 3, failed: 0, bytesSentPerPeerPerRound: 2000, nonTrainingShare: 0.1, consensusDistance: null })
    expect(report.peers.map((peer) => peer.rounds.length)).toEqual([4, 4, 4])
    expect(report.peers[0]!.neighbours).toEqual(['peer-2', 'peer-3'])
    expect(seen.filter((line) => line.startsWith('round'))).toEqual([1, 2, 3, 4].map((round) => `round ${round} by 3`))
    expect(seen).toContain('ready 3 wasm')
    expect(pids().filter(alive)).toEqual([])
  })

  it('gives every peer the same document, its own part and home, and all but the first an address to join through', async () => {
    const testnet = fakeTestnet({ partition: { strategy: 'dirichlet', alpha: 0.3 }, seed: 7 })
    const joined: unknown[] = []
    testnet.addEventListener('peer:event', ({ detail }) => {
      if (detail.type === 'joined') {
        joined.push([detail.node, detail['how'], detail['backend']])
      }
    })
    await testnet.run()
    expect(joined.sort()).toEqual([['peer-1', 'founded', 'wasm'], ['peer-2', 'joined', 'wasm'], ['peer-3', 'joined', 'wasm']])
    expect(JSON.parse(readFileSync(join(homes, 'federation.json'), 'utf8'))).toEqual(exampleDocument())
  })

  it('removes temporary homes and keeps named ones', async () => {
    const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('grapevine-testnet-'))
    const { homes: _, ...init } = { homes }
    const testnet = createTestnet({
      peers: 3, rounds: 1, federation: exampleDocument(), data: { kind: 'digits', ...DIGITS_DEFAULTS }, alone: false, command: [process.execPath, FAKE_PEER], ...init
    })
    const place = testnet.peers()[0]!.home.split('/').at(-2)!
    const during: string[] = []
    testnet.addEventListener('ready', () => during.push(...temporary()))
    await testnet.run()
    expect(during).toContain(place)
    expect(temporary()).not.toContain(place)
    await fakeTestnet().run()
    expect(readdirSync(homes).sort()).toEqual(['federation.json', 'ledgers', 'peer-1', 'peer-2', 'peer-3'])
  })

  it('kills in the round that was asked for, and starts again from the home', async () => {
    const testnet = fakeTestnet({ peers: 4, rounds: 12, kill: [{ count: 1, round: 2 }], restart: [{ count: 1, round: 4 }] })
    const seen = record(testnet)
    const report = await testnet.run()
    expect(seen).toEqual(expect.arrayContaining(['kill peer-2 2', 'restart peer-2 4']))
    expect(report.kills).toEqual([{
      name: 'peer-2', round: 2, survivorsMs: expect.any(Number) as number, restartedAtRound: 4, resumedAtRound: expect.any(Number) as number, backInMeshMs: expect.any(Number) as number
    }])
    expect(report.summary).toMatchObject({ finished: 4, failed: 0 })
    expect(seen.filter((line) => line.startsWith('round'))).toHaveLength(12)
  })

  it('marks a peer that was killed and stayed away, and leaves it out of the means', async () => {
    const report = await fakeTestnet({ peers: 5, kill: [{ count: 2, round: 2 }] }).run()
    expect(report.peers.map((peer) => peer.state)).toEqual(['finished', 'killed', 'killed', 'finished', 'finished'])
    expect(report.summary).toMatchObject({ peers: 5, finished: 3, failed: 0 })
    expect(schemaProblems(report)).toEqual([])
  })

  it('does not wait for ever for a peer that came back too late', async () => {
    const testnet = fakeTestnet({ peers: 4, kill: [{ count: 1, round: 2 }], restart: [{ count: 1, round: 3 }], fakes: { 2: { lost: true } } })
    const warnings: string[] = []
    testnet.addEventListener('warning', ({ detail }) => warnings.push(detail.message))
    const report = await testnet.run()
    expect(warnings).toContain('peer-2 was not back in the mesh 15 s after the others were done: stopped')
    expect(report.peers.map((peer) => peer.state)).toEqual(['finished', 'killed', 'finished', 'finished'])
    expect(report.kills[0]).toMatchObject({ restartedAtRound: 3, backInMeshMs: null })
    expect(pids().filter(alive)).toEqual([])
  })

  it('counts how often attackers were left out', async () => {
    const report = await fakeTestnet({ peers: 4, byzantine: [{ count: 1, attack: 'sign-flip:2' }], attackers: 1 }).run()
    expect(report.peers.map((peer) => peer.byzantine)).toEqual([false, false, false, 'sign-flip:2'])
    expect(report.attackers).toEqual([{ name: 'peer-4', attack: 'sign-flip:2', excluded: 12, of: 12, suspectedBy: 3, neighbours: 3 }])
    expect(report.summary.detection).toEqual({ precision: 1, recall: 1 })
    expect(report.summary).toMatchObject({ peers: 3, rejected: { 'distance-gate': 12 } })
  })

  it('goes on when a peer dies in a round, and shows its last words', async () => {
    const testnet = fakeTestnet({ fakes: { 3: { dieAtRound: 2 } } })
    const seen = record(testnet)
    const report = await testnet.run()
    expect(seen).toContain('fail peer-3 ended with exit code 3: about to die|as it was told')
    expect(report.peers.map((peer) => peer.state)).toEqual(['finished', 'finished', 'failed'])
    expect(report.summary).toMatchObject({ finished: 2, failed: 1 })
  })

  it('kills a peer that does not end after its last word, and calls it failed', async () => {
    const testnet = fakeTestnet({ peers: 3, rounds: 1, fakes: { 2: { lingers: true } } })
    const seen = record(testnet)
    const report = await testnet.run()
    expect(seen).toContain('fail peer-2 still running 15 s after it had stopped: ')
    expect(report.peers.map((peer) => peer.state)).toEqual(['finished', 'failed', 'finished'])
    expect(pids().filter(alive)).toEqual([])
  })

  it('ends at once when a peer dies before the mesh is ready', async () => {
    const testnet = fakeTestnet({ fakes: { 2: { failAtStart: 8 } } })
    await expect(testnet.run()).rejects.toMatchObject({
      name: 'TestnetPeerError', message: 'peer-2 ended with exit code 8', exitCode: 8, stderr: ['error GRAPEVINE_E_FAKE: this peer was told to fail']
    })
    expect(pids().filter(alive)).toEqual([])
  })

  it('says so when the peer program is not there', async () => {
    await expect(fakeTestnet({ command: [join(folder, 'no-such-program')] }).run()).rejects.toMatchObject({
      name: 'TestnetPeerError', message: expect.stringContaining('peer-1 could not be started') as string
    })
  })

  it('stops politely when its signal aborts, and leaves no process', async () => {
    const testnet = fakeTestnet({ rounds: 100_000 })
    const interrupt = new AbortController()
    const reason = new TypeError('enough')
    const run = testnet.run({ signal: interrupt.signal })
    await Promise.race([first(testnet, 'round:end'), run])
    const running = pids()
    expect(running).toHaveLength(3)
    interrupt.abort(reason)
    await expect(run).rejects.toBe(reason)
    expect(running.filter(alive)).toEqual([])
    expect(testnet.peers().map((peer) => peer.state)).toEqual(['stopped', 'stopped', 'stopped'])
  })

  it('does nothing when its signal was aborted before', async () => {
    const testnet = fakeTestnet()
    await expect(testnet.run({ signal: AbortSignal.abort(new TypeError('too late')) })).rejects.toThrow('too late')
    expect(testnet.peers().map((peer) => peer.pid)).toEqual([undefined, undefined, undefined])
  })

  it('kills at once when asked to, even peers that do not listen', async () => {
    const testnet = fakeTestnet({ rounds: 100_000, fakes: { 1: { deaf: true }, 2: { deaf: true } } })
    const run = testnet.run()
    run.catch(() => {})
    await Promise.race([first(testnet, 'round:end'), run])
    const running = pids()
    await testnet.stop({ force: true })
    expect(running.filter(alive)).toEqual([])
    await expect(run).rejects.toMatchObject({ name: 'TestnetStoppedError' })
  })

  it('gives up after its time, and says where it stood', async () => {
    const testnet = fakeTestnet({ fakes: { 2: { hangAtRound: 2 } }, timeoutMs: 1500 })
    await expect(testnet.run()).rejects.toMatchObject({
      name: 'TestnetTimeoutError', message: 'the testnet was not done after 1.5 s (the slowest peer was in round 2)'
    })
    expect(pids().filter(alive)).toEqual([])
  })

  it('does not wait for attackers', async () => {
    const report = await fakeTestnet({ byzantine: [{ count: 1, attack: 'nan' }], fakes: { 3: { hangAtRound: 2 } } }).run()
    expect(report.summary).toMatchObject({ finished: 2, failed: 0 })
    expect(report.peers[2]).toMatchObject({ byzantine: 'nan', state: 'finished' })
  })

  it('warns of lines that it cannot read, and goes on', async () => {
    const testnet = fakeTestnet({ fakes: { 1: { garbage: true } } })
    const warnings: string[] = []
    testnet.addEventListener('warning', ({ detail }) => warnings.push(detail.message))
    const report = await testnet.run()
    expect(report.summary.finished).toBe(3)
    expect(warnings).toEqual(expect.arrayContaining([
      'peer-1 printed something else than an event: "this is no JSON"',
      expect.stringMatching(/peer-1 printed an event that cannot be read: round:end: "round": /)
    ]))
  })

  it('refuses faults that cannot happen, homes that are taken, and a second run', async () => {
    expect(() => fakeTestnet({ kill: [{ count: 3, round: 1 }] })).toThrow('3 peers to kill, but only 2 can be')
    expect(() => fakeTestnet({ restart: [{ count: 1, round: 3 }] })).toThrow('only 0 peers are killed before round 3')
    expect(() => fakeTestnet({ kill: [{ count: 1, round: 99 }] })).toThrow(/^1@99: nothing can happen in round 99 of a testnet of \d+$/)
    expect(() => fakeTestnet({ timeoutMs: 2 ** 31 })).toThrow('timeoutMs must be above 0 and at most 2147483647')
    expect(() => fakeTestnet({ byzantine: [{ count: 3, attack: 'nan' }] })).toThrow('leave no honest one')
    expect(() => fakeTestnet({ peers: 1.5 })).toThrow(RangeError)
    const testnet = fakeTestnet()
    await testnet.run()
    await expect(testnet.run()).rejects.toThrow(TypeError)
    await expect(fakeTestnet().run()).rejects.toThrow('holds the homes of an earlier testnet')
  })

  it('refuses peers who would wait for ever: fewer neighbours than the rule needs, from the start or after a kill', () => {
    const document = exampleDocument()
    const withDegree = (degree: number, rule = document.aggregation.rule): FederationInit => ({ ...document, topology: { degree }, aggregation: { ...document.aggregation, rule } })
    const rule = 'gated-geometric-median with f = 1 needs 2 neighbours beside each peer'
    expect(() => fakeTestnet({ peers: 1 })).toThrow(`${rule}, and among 1 peer each has 0: no round would begin there; take --peers 3`)
    expect(() => fakeTestnet({ peers: 2 })).toThrow(`${rule}, and among 2 peers each has 1: no round would begin there; take --peers 3 or --rule mean`)
    expect(() => fakeTestnet({ peers: 1, federation: withDegree(4, 'mean') })).toThrow('mean needs 1 neighbour beside each peer, and among 1 peer each has 0: no round would begin there; take --peers 2')
    expect(() => fakeTestnet({ peers: 5, federation: withDegree(1, 'mean') })).toThrow('5 peers of degree 1 leave one with 0: no round would begin there; take --peers 6 or --degree 2')
    expect(() => fakeTestnet({ peers: 3, kill: [{ count: 1, round: 2 }] })).toThrow(`${rule}, and 1@2 leaves 2 peers, who would wait for ever; take --peers 4 or --rule mean, or fewer kills`)
    const again = [{ count: 1, round: 3 }]
    expect(() => fakeTestnet({ kill: [{ count: 1, round: 2 }], restart: again })).toThrow('1@2 leaves 2 peers')
    expect(() => fakeTestnet({ peers: 4, kill: [{ count: 1, round: 1 }, { count: 1, round: 2 }], restart: again })).toThrow('1@2 leaves 2 peers')
    // what can be is not refused: one of them back in time, nothing to come after the kill, liars that publish
    fakeTestnet({ peers: 4, kill: [{ count: 1, round: 1 }, { count: 1, round: 3 }], restart: [{ count: 1, round: 2 }] })
    fakeTestnet({ kill: [{ count: 1, round: 4 }] })
    fakeTestnet({ byzantine: [{ count: 1, attack: 'sign-flip' }] })
    fakeTestnet({ peers: 2, federation: withDegree(1, 'mean') })
    fakeTestnet({ peers: 5, federation: withDegree(2) })
  })

  it('names a folder for the homes that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(fakeTestnet({ homes: join(folder, 'file') }).run()).rejects.toMatchObject({ name: 'FolderError', message: expect.stringContaining(`no homes can be made in ${join(folder, 'file')}: EEXIST`) as string })
  })

  it('refuses data that are not there before anything runs', async () => {
    await expect(fakeTestnet({ data: { kind: 'idx', directory: join(folder, 'nothing') } }).run()).rejects.toMatchObject({ name: 'DatasetError' })
    expect(existsSync(homes)).toBe(false)
  })
})
