/**
 * The budget of a dataset, on real nodes: charged before anything is sent, and not to be had twice
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { createNode } from '../../src/index.ts'
import { SignedUpdate } from '../../src/network/wire/update.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import { rdpAccountant } from '../../src/privacy/accounting/rdp.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { listenerOf } from './listener.ts'
import type { GrapevineNode, NodeInit } from '../../src/node/node-interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { Clock } from '../../src/interface.ts'
import type { LedgerEntry } from '../../src/ledger/entry.ts'

const EXAMPLES = 200
const BATCH = 20
const STEPS = 2
const NOISE = 1.5
const DELTA = 1e-5

let folder: string
let running: GrapevineNode[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grapevine-privacy-'))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map(async (node) => node.stop({ force: true })))
  await rm(folder, { recursive: true, force: true })
})

function epsilonOf (rounds: number): number {
  return rdpAccountant().compose({ sampleRate: BATCH / EXAMPLES, noiseMultiplier: NOISE, steps: STEPS * rounds }).epsilon(DELTA)
}

/** Enough for three rounds and not for four */
const LIMIT = (epsilonOf(3) + epsilonOf(4)) / 2

const document = parseFederation({
  ...presetDocument('digits'),
  training: { steps: STEPS, batchSize: BATCH, optimizer: { name: 'sgd', learningRate: 0.1 } },
  aggregation: { rule: 'mean', f: 0 },
  codec: { name: 'int8' },
  privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: NOISE, epsilonLimit: LIMIT, delta: DELTA, accountant: 'rdp' }
})

function nodeOf (name: string, seed: number, changes: Partial<NodeInit> = {}): GrapevineNode {
  const node = createNode({
    home: join(folder, name),
    ledgers: join(folder, 'ledgers'),
    federation: document,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    data: { kind: 'digits', trainExamples: EXAMPLES, testExamples: 50, seed },
    backend: 'wasm',
    minMembers: 1,
    alone: 'train',
    ...changes
  })
  running.push(node)
  return node
}

function reportsOf (node: GrapevineNode): RoundReport[] {
  const reports: RoundReport[] = []
  node.addEventListener('round:end', ({ detail }) => { reports.push(detail) })
  return reports
}

async function entriesOf (fingerprint: string): Promise<LedgerEntry[]> {
  const ledger = createLedger({ root: join(folder, 'ledgers'), fingerprint, clock: systemClock })
  await ledger.open()
  const entries: LedgerEntry[] = []
  for await (const entry of ledger.entries()) {
    entries.push(entry)
  }
  await ledger.close()
  return entries
}

async function publishedBy (name: string): Promise<string> {
  const store = createLevelStore({ location: join(folder, name, 'db'), clock: systemClock })
  await store.open()
  const message = await store.getPublished()
  await store.close()
  return Buffer.from(message!).toString('hex')
}

async function storedModel (name: string, round: number): Promise<Float32Array> {
  const store = createLevelStore({ location: join(folder, name, 'db'), clock: systemClock })
  await store.open()
  const parameters = await store.parameters((await store.get(String(round)))!.id)
  await store.close()
  return parameters!
}

/** Between a model and the mean of the models in these updates, in any coordinate */
function greatestDistance (model: Float32Array, updates: readonly string[]): number {
  const codec = createCodec(document.codec.name)
  const models = updates.map((hex) => codec.decode(SignedUpdate.decode(Buffer.from(hex, 'hex')).payload!, model.length))
  return model.reduce((most, value, i) => Math.max(most, Math.abs(value - models.reduce((sum, other) => sum + other[i]!, 0) / models.length)), 0)
}

async function fingerprints (): Promise<string[]> {
  const { readdir } = await import('node:fs/promises')
  return (await readdir(join(folder, 'ledgers'))).filter((name) => /^[0-9a-f]{64}$/.test(name))
}

describe('a peer with a privacy budget', () => {
  it('charges each round, stops training and sending at the limit, and goes on averaging', async () => {
    const node = nodeOf('a', 1, { rounds: 5 })
    const reports = reportsOf(node)
    const exhausted: number[] = []
    node.addEventListener('privacy:exhausted', ({ detail }) => { exhausted.push(detail.round) })
    await node.start()
    expect(await node.stopped()).toEqual({ reason: 'rounds' })
    expect(exhausted).toEqual([4])
    expect(reports.map(({ round, examples, trainLoss }) => ({ round, trained: examples > 0, loss: trainLoss !== null }))).toEqual([
      { round: 1, trained: true, loss: true }, { round: 2, trained: true, loss: true }, { round: 3, trained: true, loss: true },
      { round: 4, trained: false, loss: false }, { round: 5, trained: false, loss: false }
    ])
    expect(reports.map(({ privacy }) => privacy!.epsilon.rdp)).toEqual([1, 2, 3, 3, 3].map((rounds) => expect.closeTo(epsilonOf(rounds), 6) as number))
    expect(reports.map(({ privacy }) => privacy!.exhausted)).toEqual([false, false, true, true, true])
    expect(reports.every(({ privacy }) => privacy!.epsilon.pld <= privacy!.epsilon.rdp && privacy!.limit === LIMIT)).toBe(true)
    const [fingerprint] = await fingerprints()
    expect(await entriesOf(fingerprint!)).toMatchObject([1, 2, 3].map((round) => ({
      kind: 'reserve', round, mechanism: 'dp-sgd', sampleRate: BATCH / EXAMPLES, noiseMultiplier: NOISE, clipNorm: 1, steps: STEPS
    })))
  }, 60_000)

  it('goes on with its next round after rounds were charged by hand: it signed none of them', async () => {
    const first = nodeOf('a', 1, { rounds: 1 })
    await first.start()
    await first.stopped()
    const [fingerprint] = await fingerprints()
    const [own] = await entriesOf(fingerprint!)
    const { federation, peer } = own!
    const ledger = createLedger({ root: join(folder, 'ledgers'), fingerprint: fingerprint!, clock: systemClock })
    await ledger.open()
    await ledger.reserve({ federation: federation!, peer: peer!, round: 7, mechanism: 'dp-sgd', sampleRate: 0.001, noiseMultiplier: 10, clipNorm: 1, steps: 6, reason: 'entries that other homes had charged' })
    await ledger.close()
    const node = nodeOf('a', 1, { rounds: 2 })
    const warned: string[] = []
    node.addEventListener('warning', ({ detail }) => { warned.push(detail.code) })
    const reports = reportsOf(node)
    await node.start()
    expect(await node.stopped()).toEqual({ reason: 'rounds' })
    expect(reports.map(({ round }) => round)).toEqual([2])
    expect(warned).not.toContain('restored-home')
  }, 60_000)

  it('ends when its budget is spent and nobody else is there, in its rounds or before them', async () => {
    // a minute in two seconds
    const clock: Clock = {
      now: () => Date.now(),
      monotonicMs: () => performance.now() * 30,
      delay: async (ms, options) => systemClock.delay(ms / 30, options)
    }
    const node = nodeOf('a', 1, { clock })
    const warnings: string[] = []
    node.addEventListener('warning', ({ detail: { code, message } }) => { code === 'no-neighbours' && warnings.push(message) })
    await node.start()
    expect(await node.stopped()).toEqual({ reason: 'budget' })
    expect(warnings).toEqual(['round 1: no neighbour is there; nothing is averaged until one comes'])

    const waiting = nodeOf('a', 1, { clock, minMembers: 2 })
    const exhausted: number[] = []
    waiting.addEventListener('privacy:exhausted', ({ detail }) => { exhausted.push(detail.round) })
    const reports = reportsOf(waiting)
    await waiting.start()
    expect(await waiting.stopped()).toEqual({ reason: 'budget' })
    expect({ rounds: reports.length, events: exhausted.length }).toEqual({ rounds: 0, events: 1 })

    warnings.length = 0
    const observer = nodeOf('b', 1, { clock, rounds: 1 })
    observer.addEventListener('warning', ({ detail: { code, message } }) => { code === 'no-neighbours' && warnings.push(message) })
    await observer.start()
    expect(await observer.stopped()).toEqual({ reason: 'rounds' })
    expect(warnings).toEqual(['round 1: no neighbour is there; nothing is averaged until one comes'])
  }, 60_000)

  it('that starts with a spent budget is nobody\'s neighbour from the start', async () => {
    const federation = parseFederation({ ...document, round: { deadlineMs: 1_000, staleness: 1 } })
    const spent = nodeOf('a', 1, { federation, rounds: 3 })
    await spent.start()
    await spent.stopped()
    const listener = await listenerOf(federation)
    const neighbours: string[] = []
    const met: string[] = []
    listener.addEventListener('neighbours:change', ({ detail }) => { neighbours.push(...detail.neighbours.map((neighbour) => neighbour.peer)) })
    listener.addEventListener('members:change', ({ detail }) => { met.push(...detail.members) })
    try {
      await listener.start()
      const again = nodeOf('a', 1, { federation, rounds: 4, minMembers: 2, bootstrap: [listener.addresses()[0]!] })
      const reports = reportsOf(again)
      await again.start()
      const { peer } = again.describe()
      expect(await again.stopped()).toEqual({ reason: 'rounds' })
      expect(reports.map(({ round, examples }) => ({ round, examples }))).toEqual([{ round: 4, examples: 0 }])
      expect(met).toContain(peer)
      expect(neighbours).toEqual([])
    } finally {
      await listener.stop()
    }
  }, 60_000)

  it('has spent what another home spent on the same data, and may set itself a stricter limit', async () => {
    const first = nodeOf('a', 1, { rounds: 2, epsilonLimit: epsilonOf(1) * 1.001 })
    const before = reportsOf(first)
    await first.start()
    await first.stopped()
    expect(before.map(({ examples }) => examples > 0)).toEqual([true, false])

    const second = nodeOf('b', 1, { rounds: 3 })
    const reports = reportsOf(second)
    await second.start()
    await second.stopped()
    expect(reports.map(({ examples }) => examples > 0)).toEqual([true, true, false])
    expect(reports[0]!.privacy!.epsilon.rdp).toBeCloseTo(epsilonOf(2), 6)
    expect(await fingerprints()).toHaveLength(1)
  }, 60_000)

  it('has spent what was spent before one example was added, and goes on where that ended', async () => {
    const first = nodeOf('a', 1, { rounds: 2 })
    await first.start()
    await first.stopped()
    const grown = { data: { kind: 'digits', trainExamples: EXAMPLES + 1, testExamples: 50, seed: 1 } } as const
    const second = nodeOf('a', 1, { ...grown, rounds: 3 })
    const reports = reportsOf(second)
    const warnings: string[] = []
    second.addEventListener('warning', ({ detail: { code } }) => { warnings.push(code) })
    await second.start()
    expect(second.ledger()!.totals().map(({ steps }) => steps)).toEqual([2 * STEPS])
    await second.stopped()
    expect(warnings).toContain('similar-data')
    expect(reports.map(({ round }) => round)).toEqual([3])
    expect(reports[0]!.privacy!.epsilon.rdp).toBeGreaterThan(epsilonOf(2) * 1.05)
    expect(await fingerprints()).toHaveLength(2)
  }, 60_000)

  it('does not share its data with another node that runs at the same time', async () => {
    const first = nodeOf('a', 1, { minMembers: 3 })
    await first.start()
    await expect(nodeOf('b', 1).start()).rejects.toMatchObject({ name: 'LedgerLockedError' })
    await nodeOf('c', 2).start()
    expect(await fingerprints()).toHaveLength(2)
  }, 60_000)

  it('refuses a ledger that is damaged in the middle', async () => {
    const first = nodeOf('a', 1, { rounds: 3 })
    await first.start()
    await first.stopped()
    const [fingerprint] = await fingerprints()
    const database = new Level<string, Uint8Array>(join(folder, 'ledgers', fingerprint!), { valueEncoding: 'view' })
    const keys = await database.keys().all()
    const [middle] = await Promise.all(keys.filter((key) => /^entry\/0*1$/.test(key)).map(async (key) => { await database.del(key); return key }))
    await database.close()
    expect(middle).toBeDefined()
    await expect(nodeOf('a', 1, { rounds: 4 }).start()).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringMatching(/damaged at entry 1: /) as string })
  }, 60_000)

  it('refuses a ledger that knows less than its home published', async () => {
    const first = nodeOf('a', 1, { rounds: 2 })
    await first.start()
    await first.stopped()
    await rm(join(folder, 'ledgers'), { recursive: true })
    await expect(nodeOf('a', 1, { rounds: 4 }).start()).rejects.toMatchObject({
      name: 'LedgerRollbackError',
      message: expect.stringMatching(/^this home published an update of round 2 by this peer, but the privacy ledger of its data ends at round 0.*ledger charge --rounds 2/) as string
    })
  }, 60_000)

  it('refuses an older copy of a ledger whose later charges were of another home', async () => {
    const run = async (name: string, rounds: number): Promise<void> => {
      const node = nodeOf(name, 1, { rounds })
      await node.start()
      await node.stopped()
    }
    await run('a', 2)
    await cp(join(folder, 'ledgers'), join(folder, 'backup'), { recursive: true, filter: (source) => !source.endsWith('LOCK') })
    await run('b', 1)
    // nothing is left to do, but it sees how far the ledger is
    await run('a', 2)
    await expect(nodeOf('a', 1, { rounds: 3, ledgers: join(folder, 'backup') }).start()).rejects.toMatchObject({
      name: 'LedgerRollbackError',
      message: expect.stringMatching(/^this home knows entry 2 of the privacy ledger .*, which ends at entry 1: it is an older copy.*ledger charge --rounds 1 --home .*a$/) as string
    })
    await run('a', 3)
  }, 60_000)

  it('starts again after rounds that took no step and were not charged', async () => {
    const decaying = parseFederation({ ...document, training: { ...document.training, optimizer: { name: 'sgd', learningRate: 0.1, decayRounds: 2 } } })
    const first = nodeOf('a', 1, { federation: decaying, rounds: 4 })
    await first.start()
    await first.stopped()
    const [fingerprint] = await fingerprints()
    expect((await entriesOf(fingerprint!)).length).toBe(2)

    const second = nodeOf('a', 1, { federation: decaying, rounds: 5 })
    await second.start()
    expect(await second.stopped()).toEqual({ reason: 'rounds' })
  }, 60_000)

  it('sends nothing any more once it said so, not even in rounds that cost nothing', async () => {
    const decaying = parseFederation({ ...document, training: { ...document.training, optimizer: { name: 'sgd', learningRate: 0.1, decayRounds: 4 } } })
    const node = nodeOf('a', 1, { federation: decaying, rounds: 6 })
    const published: number[] = []
    node.addEventListener('round:phase', ({ detail: { round, phase } }) => { phase === 'publish' && published.push(round) })
    await node.start()
    await node.stopped()
    expect(published).toEqual([1, 2, 3])
  }, 60_000)

  it('starts from what others published last when all of them have spent their budgets, also after they started again, and then trains', async () => {
    const names = ['a', 'b', 'c']
    const spend = async (): Promise<GrapevineNode[]> => {
      const first = nodeOf('a', 1, { minMembers: 3 })
      await first.start()
      const changes = { bootstrap: [first.describe().addresses[0]!], minMembers: 3 }
      const others = [nodeOf('b', 2, changes), nodeOf('c', 3, changes)]
      const peers = [first, ...others]
      const spent = peers.map(async (node) => new Promise<void>((resolve) => { node.addEventListener('privacy:exhausted', () => { resolve() }) }))
      await Promise.all(others.map(async (node) => node.start()))
      await Promise.all(spent)
      return peers
    }
    const before = await spend()
    await Promise.all(before.map(async (node) => node.stop()))
    const published = await Promise.all(names.map(async (name) => publishedBy(name)))
    const elders = await spend()
    expect(elders.every((node) => node.describe().privacy!.exhausted)).toBe(true)

    const newcomer = nodeOf('d', 4, { bootstrap: [elders[0]!.describe().addresses[0]!], minMembers: 4, rounds: 5 })
    const jumps: object[] = []
    newcomer.addEventListener('round:jump', ({ detail }) => { jumps.push(detail) })
    const reports = reportsOf(newcomer)
    await newcomer.start()
    expect(await newcomer.stopped()).toEqual({ reason: 'rounds' })
    expect(jumps).toEqual([{ from: 0, to: 3, sources: 3 }])
    expect(reports.map(({ round, examples }) => ({ round, trained: examples > 0 }))).toEqual([{ round: 4, trained: true }, { round: 5, trained: true }])
    expect(greatestDistance(await storedModel('d', 3), published)).toBeLessThan(1e-6)
    await Promise.all(elders.map(async (node) => node.stop()))
    // as it was: nothing is signed, made or charged for it
    expect(await Promise.all(names.map(async (name) => publishedBy(name)))).toEqual(published)
  }, 120_000)

  it('goes on after the rounds that the ledger knows of when the home alone is an older copy, whoever can be asked', async () => {
    const begun = async (rounds: number): Promise<number[]> => {
      const node = nodeOf('a', 1, { rounds })
      const reports = reportsOf(node)
      await node.start()
      await node.stopped()
      return reports.map(({ round }) => round)
    }
    await begun(1)
    await cp(join(folder, 'a'), join(folder, 'backup'), { recursive: true, filter: (source) => !source.endsWith('LOCK') })
    await begun(3)
    await rm(join(folder, 'a'), { recursive: true })
    await cp(join(folder, 'backup'), join(folder, 'a'), { recursive: true })
    expect(await begun(4)).toEqual([4])
  }, 60_000)

  it('refuses an old backup of home and ledger while neighbours hold a later update', async () => {
    const other = nodeOf('other', 2)
    await other.start()
    const [bootstrap] = other.describe().addresses
    const changes = { bootstrap: [bootstrap!], minMembers: 2 }
    const early = nodeOf('a', 1, { ...changes, rounds: 1 })
    await early.start()
    await early.stopped()
    for (const part of ['a', 'ledgers']) {
      await cp(join(folder, part), join(folder, 'backup', part), { recursive: true, filter: (source) => !source.endsWith('LOCK') })
    }
    const later = nodeOf('a', 1, changes)
    const trained = new Promise<number>((resolve) => {
      later.addEventListener('round:end', ({ detail: { round, examples } }) => { examples > 0 && resolve(round) })
    })
    await later.start()
    const newest = await trained
    await later.stop()

    await rm(join(folder, 'a'), { recursive: true })
    await cp(join(folder, 'backup', 'a'), join(folder, 'a'), { recursive: true })
    const restored = nodeOf('a', 1, { ...changes, ledgers: join(folder, 'backup', 'ledgers') })
    const reports = reportsOf(restored)
    await restored.start()
    const { reason, error } = await restored.stopped()
    expect({ reason, name: error?.name }).toEqual({ reason: 'error', name: 'LedgerRollbackError' })
    expect(error!.message).toMatch(/^neighbours hold an update of round \d+ by this peer, but the privacy ledger of its data ends at round \d+/)
    expect(Number(/round (\d+)/.exec(error!.message)![1])).toBeGreaterThanOrEqual(newest)
    expect(reports).toEqual([])
  }, 90_000)
})
