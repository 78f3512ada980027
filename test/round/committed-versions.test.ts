/**
 * What a node goes on from and what it gives to others, through outages and versions that are no models
 */
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { CommittedVersions } from '../../src/round/committed-versions.ts'
import { mix } from './placed.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { putVersion } from '../store/put-version.ts'
import { hastyClock } from '../hasty-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { Aggregator, Store, Trainer } from '../../src/interface.ts'
import type { LevelDatabase } from '../../src/store/level-folder.ts'
import type { InboxEntry } from '../../src/round/inbox.ts'
import type { MemoryNetwork } from './memory-network.ts'

const FEDERATION = 'bafyreitest'
const never = new AbortController().signal

const trainer: Pick<Trainer, 'train' | 'evaluate' | 'initialParameters' | 'sampleLoss'> = {
  initialParameters: async () => new Float32Array(4),
  train: async (parameters) => ({ parameters: parameters.map((x) => x + 1), loss: 1, examples: 1, steps: 1 }),
  evaluate: async () => ({ loss: 1, accuracy: 0.5, examples: 1 }),
  sampleLoss: async () => 1
}

function memoryDatabase (): LevelDatabase {
  return new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
}

async function storeOn (database: LevelDatabase, keepVersions = 10): Promise<Store> {
  const store = createLevelStore({ location: 'memory', clock: { now: () => 0 }, createDatabase: () => database, keepVersions })
  await store.open()
  return store
}

interface Parts {
  network: MemoryNetwork
  store: Store
  rounds: number
  aggregator?: Aggregator
}

async function engineFor ({ network, store, rounds, aggregator = createAggregator({ rule: 'mean', f: 0 }) }: Parts): Promise<{ engine: RoundEngine, warned: Array<{ code: string, message: string }> }> {
  const engine = new RoundEngine({ network, trainer, store, codec: createCodec('float32'), aggregator, clock: hastyClock() },
    { federation: FEDERATION, parameterCount: 4, deadlineMs: 5000, staleness: 1, rounds, evaluateEvery: 1, quarantineLimit: 0, alone: 'train' })
  const warned: Array<{ code: string, message: string }> = []
  engine.addEventListener('warning', ({ detail }) => { warned.push(detail) })
  await engine.load()
  return { engine, warned }
}

describe('a peer that was left alone', () => {
  it('goes on from the newest version, and gives out the last that was averaged, however long it was alone', async () => {
    const hub = new MemoryHub()
    const store = await storeOn(memoryDatabase(), 2)
    const [own, other] = [hub.join('a'), hub.join('b')]
    const peers = [await engineFor({ network: own, store, rounds: 3 }), await engineFor({ network: other, store: await storeOn(memoryDatabase()), rounds: 3 })]
    await Promise.all(peers.map(async ({ engine }) => engine.run(never)))
    const mixed = (await store.newest())!
    expect(mixed).toMatchObject({ round: 3, mixed: true })

    hub.kill('b')
    const { engine } = await engineFor({ network: own, store, rounds: 20 })
    await engine.run(never)
    expect(engine.round).toBe(20)
    expect(engine.versions.newest).toMatchObject({ round: 20, mixed: false })
    expect(engine.versions.latest).toEqual(mixed)
    expect(await store.get('latest')).toEqual(mixed)

    const again = await engineFor({ network: own, store, rounds: 21 })
    expect(again.engine.round).toBe(20)
    expect(again.engine.versions.latest).toEqual(mixed)
  })

  it('still knows the last that was averaged after a restart', async () => {
    const store = await storeOn(memoryDatabase())
    const common = { federation: FEDERATION, metrics: {} }
    await store.commit({ ...common, round: 1, parents: ['x'], parameters: Float32Array.of(1), metrics: { accepted: 1 } })
    await store.commit({ ...common, round: 2, parents: [], parameters: Float32Array.of(2), metrics: { accepted: 0 } })
    const versions = new CommittedVersions(store)
    expect((await versions.load()).parameters).toEqual(Float32Array.of(2))
    expect(versions.shared).toEqual(Float32Array.of(1))
  })

  it('calls a model that was taken over from neighbours mixed', async () => {
    const hub = new MemoryHub()
    const network = hub.join('late')
    for (const name of ['x', 'y']) {
      await hub.join(name).publish({ round: 40, sequence: 1, codec: 'float32', payload: createCodec('float32').encode(new Float32Array(4).fill(4)), degree: 2 })
    }
    const { engine } = await engineFor({ network, store: await storeOn(memoryDatabase()), rounds: 40 })
    await engine.run(never)
    expect(engine.versions.latest).toMatchObject({ round: 40, mixed: true })
  })
})

describe('a home whose newest versions are not finite', () => {
  async function oldHome (): Promise<{ database: LevelDatabase, sound: string }> {
    const database = memoryDatabase()
    const store = await storeOn(database)
    const { id } = await store.commit({ federation: FEDERATION, round: 5, parents: ['x'], parameters: new Float32Array(4).fill(5), metrics: { accepted: 1 } })
    await store.putPublication({ round: 7, sequence: 9_000_000_000_000 })
    await store.close()
    await database.open()
    await putVersion(database, { federation: FEDERATION, round: 6, parents: [id, 'x'], parameters: Float32Array.of(1, NaN, 1, 1), metrics: { accepted: 1 } })
    await putVersion(database, { federation: FEDERATION, round: 7, parents: ['y', 'x'], parameters: new Float32Array(4).fill(Infinity), metrics: { accepted: 1 } })
    return { database, sound: id }
  }

  it('goes back to the newest sound one, says so, and signs no round twice', async () => {
    const { database, sound } = await oldHome()
    const store = await storeOn(database)
    const network = new MemoryHub().join('a')
    const { engine, warned } = await engineFor({ network, store, rounds: 8 })
    expect(warned).toEqual([{ code: 'unsound-version', message: 'the versions of rounds 6 to 7 are no model (numbers that are not finite, or too large): this peer goes back to round 5. Rounds that it published are not published again, and what they cost stays spent' }])
    expect(engine.round).toBe(7)
    await engine.run(never)
    expect(network.published.map(({ round, sequence }) => ({ round, sequence }))).toEqual([{ round: 8, sequence: 9_000_000_000_001 }])
    const newest = (await store.newest())!
    expect(newest).toMatchObject({ round: 8, parents: [sound] })
    expect(await store.parameters(newest.id)).toEqual(new Float32Array(4).fill(6))
    expect((await store.get('latest'))?.id).toBe(sound)
  })

  it('begins with the initial model where no version is sound', async () => {
    const database = memoryDatabase()
    await (await storeOn(database)).close()
    await database.open()
    await putVersion(database, { federation: FEDERATION, round: 3, parents: ['x'], parameters: new Float32Array(4).fill(NaN), metrics: { accepted: 1 } })
    const store = await storeOn(database)
    const { engine, warned } = await engineFor({ network: new MemoryHub().join('a'), store, rounds: 1 })
    expect(warned).toEqual([{ code: 'unsound-version', message: expect.stringContaining('begins with the initial model') as string }])
    await engine.run(never)
    expect(engine.versions.latest).toMatchObject({ round: 1, mixed: false })
    expect(await store.parameters(engine.versions.newest!.id)).toEqual(new Float32Array(4).fill(1))
  })

  it('never gives them out', async () => {
    const { database } = await oldHome()
    const store = await storeOn(database)
    await expect(store.parameters((await store.newest())!.id)).rejects.toMatchObject({ name: 'UnsoundVersionError', message: expect.stringMatching(/\(round 7\).*is no model: parameter 0 is Infinity.*grapevine versions rollback/) as string })
    await expect(store.rollback((await store.newest())!.id)).rejects.toMatchObject({ name: 'UnsoundVersionError' })
  })

  it('takes up parameters too large to be published as little as infinite ones', async () => {
    const store = await storeOn(memoryDatabase())
    await store.commit({ federation: FEDERATION, round: 1, parents: [], parameters: Float32Array.of(1), metrics: {} })
    await store.commit({ federation: FEDERATION, round: 2, parents: [], parameters: Float32Array.of(2 ** 60), metrics: {} })
    const versions = new CommittedVersions(store)
    expect((await versions.load()).parameters).toEqual(Float32Array.of(1))
    expect(versions.newest?.round).toBe(1)
  })
})

describe('an average that is no model', () => {
  const broken: Aggregator = { name: 'broken', minimumNeighbours: 1, needsLosses: false, aggregate: ({ own }) => ({ parameters: own.map((_, i) => i === 2 ? NaN : 0), excluded: [] }) }

  it('is not committed: the own model is kept, with a warning', async () => {
    const hub = new MemoryHub()
    const stores = [await storeOn(memoryDatabase()), await storeOn(memoryDatabase())]
    const peers = await Promise.all(['a', 'b'].map(async (name, i) => engineFor({ network: hub.join(name), store: stores[i]!, rounds: 1, aggregator: broken })))
    await Promise.all(peers.map(async ({ engine }) => engine.run(never)))
    expect(peers[0]!.engine.lastReport).toMatchObject({ keptOwn: true, accepted: 0 })
    expect(peers[0]!.warned).toEqual([{ code: 'unsound-average', message: 'round 1: parameter 2 of what broken makes of 1 updates is not finite or too large; the own model is kept' }])
    expect(await stores[0]!.parameters((await stores[0]!.newest())!.id)).toEqual(new Float32Array(4).fill(1))
  })

  it('may also come from the own rounding error, at the end of what can be published', () => {
    const model = Float32Array.of(2 ** 49)
    const entry = { update: { author: 'x', updateId: 'x/1', degree: 1 }, parameters: model, vectors: [model] } as unknown as InboxEntry
    const half = [Float32Array.of(2 ** 49)]
    expect(mix({ half, own: [Float32Array.of(2 ** 48)], entries: [entry] }, createAggregator({ rule: 'mean', f: 0 }), { degree: 1, round: 1 })).toMatchObject({ keptOwn: true, vectors: half, unsound: 0 })
  })
})
