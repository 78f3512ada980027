import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { TrainingError } from '../../src/errors.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { Clock, Store, Trainer } from '../../src/interface.ts'
import type { RoundReport } from '../../src/node-interface.ts'
import type { RoundComponents, RoundInit } from '../../src/round/round-engine.ts'
import type { MemoryNetwork } from './memory-network.ts'

const FEDERATION = 'bafyreitest'

/** Local "training" that pulls every parameter half way to a target of the peer's own */
function pullTowards (target: number): Pick<Trainer, 'train' | 'evaluate' | 'initialParameters'> {
  return {
    initialParameters: async () => new Float32Array(8),
    train: async (parameters) => ({ parameters: parameters.map((x) => x + 0.5 * (target - x)), loss: 1, examples: 1, steps: 1 }),
    evaluate: async (parameters) => ({ loss: Math.abs(parameters[0]!), accuracy: 0.5, examples: 1 })
  }
}

async function memoryStore (clock: Pick<Clock, 'now'> = systemClock): Promise<Store> {
  const store = createLevelStore({ location: 'memory', clock, createDatabase: () => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as never })
  await store.open()
  return store
}

interface Options {
  network: MemoryNetwork
  store?: Store
  target?: number
  components?: Partial<RoundComponents>
  init?: Partial<RoundInit>
}

async function engineFor (options: Options): Promise<RoundEngine> {
  const engine = new RoundEngine({
    network: options.network,
    trainer: pullTowards(options.target ?? 1),
    store: options.store ?? await memoryStore(),
    codec: createCodec('float32'),
    aggregator: createAggregator({ rule: 'mean', f: 0 }),
    clock: systemClock,
    ...options.components
  }, { federation: FEDERATION, layout: [], parameterCount: 8, deadlineMs: 5000, staleness: 1, rounds: 3, evaluateEvery: 1, ...options.init })
  await engine.load()
  return engine
}

function reportsOf (engine: RoundEngine): RoundReport[] {
  const reports: RoundReport[] = []
  engine.addEventListener('round:end', ({ detail }) => { reports.push(detail) })
  return reports
}

const never = new AbortController().signal

describe('round engine', () => {
  it('brings peers with different data to the mean of their models', async () => {
    const hub = new MemoryHub()
    const stores = [await memoryStore(), await memoryStore(), await memoryStore()]
    const networks = ['a', 'b', 'c'].map((name) => hub.join(name))
    const engines = await Promise.all(networks.map((network, i) => engineFor({ network, store: stores[i]!, target: i })))
    const reports = engines.map(reportsOf)
    await Promise.all(engines.map((engine) => engine.run(never)))

    for (const [i, store] of stores.entries()) {
      expect(reports[i]!.map(({ accepted, keptOwn, late }) => ({ accepted, keptOwn, late }))).toEqual(Array(3).fill({ accepted: 2, keptOwn: false, late: 0 }))
      const version = await store.latest()
      expect(version).toMatchObject({ round: 3, metrics: { accepted: 2 } })
      expect(version!.parents).toHaveLength(3)
      const parameters = await store.parameters(version!.id)
      expect(parameters![0]).toBeCloseTo(0.875, 5)
    }
  })

  it('goes on at the deadline without a silent neighbour, and replaces it after three misses', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const network = hub.join('a')
    hub.join('silent')
    const engine = await engineFor({ network, components: { clock }, init: { rounds: 4 } })
    const reports = reportsOf(engine)
    const running = engine.run(never)
    for (let round = 1; round <= 3; round++) {
      await clock.waited()
      expect(clock.nextInMs).toBe(5000)
      clock.advance(5000)
    }
    await running
    expect(reports.map(({ late, keptOwn }) => ({ late, keptOwn }))).toEqual([
      { late: 1, keptOwn: true }, { late: 1, keptOwn: true }, { late: 1, keptOwn: true }, { late: 0, keptOwn: true }
    ])
    expect(network.suspended).toEqual(['silent'])
  })

  it('stops waiting the moment a neighbour dies', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const engine = await engineFor({ network: hub.join('a'), components: { clock }, init: { rounds: 1 } })
    hub.join('dying')
    const running = engine.run(never)
    await clock.waited()
    hub.kill('dying')
    await running
    expect(engine.round).toBe(1)
    expect(clock.nextInMs).toBeUndefined()
  })

  it('keeps the own model and says so when the rule has too few updates', async () => {
    const hub = new MemoryHub()
    const networks = ['a', 'b'].map((name) => hub.join(name))
    const engines = await Promise.all(networks.map((network) => engineFor({ network, components: { aggregator: createAggregator({ rule: 'trimmed-mean', f: 1 }) }, init: { rounds: 1 } })))
    const warnings: string[] = []
    engines[0]!.addEventListener('warning', ({ detail }) => { warnings.push(detail.message) })
    await Promise.all(engines.map((engine) => engine.run(never)))
    expect(engines[0]!.lastReport).toMatchObject({ keptOwn: true, accepted: 0 })
    expect(warnings).toEqual(['round 1: 1 valid updates, trimmed-mean needs 2; the own model is kept'])
  })

  it('refuses an update that is not finite, names the reason, and mixes with the others', async () => {
    const hub = new MemoryHub()
    const networks = ['a', 'b', 'liar'].map((name) => hub.join(name))
    const payload = createCodec('float32').encode(new Float32Array(8))
    new DataView(payload.buffer, payload.byteOffset).setFloat32(payload.byteLength - 4, Number.NaN, true)
    const engines = await Promise.all(networks.slice(0, 2).map((network) => engineFor({ network, init: { rounds: 1 } })))
    const running = engines.map((engine) => engine.run(never))
    await networks[2]!.publish({ round: 1, sequence: 1, codec: 'float32', payload, degree: 2 })
    await Promise.all(running)
    expect(engines[0]!.lastReport).toMatchObject({ accepted: 1, rejected: { 'not-finite': 1 }, rejectedPeers: { liar: { 'not-finite': 1 } } })
    expect(networks[0]!.penalties).toEqual([{ peer: 'liar', reason: 'not-finite' }])
  })

  it('never signs a second update for a round that it published before it was killed', async () => {
    const hub = new MemoryHub()
    const store = await memoryStore()
    const first = await engineFor({ network: hub.join('a'), store, init: { rounds: 2 } })
    await first.run(never)
    await store.putPublication({ round: 3, sequence: 9_000_000_000_000 })

    const network = hub.join('a')
    const second = await engineFor({ network, store, init: { rounds: 4 } })
    expect(second.round).toBe(3)
    await second.run(never)
    expect(network.published.map(({ round, sequence }) => ({ round, sequence }))).toEqual([{ round: 4, sequence: 9_000_000_000_001 }])
  })

  it('takes over the model of neighbours that are far ahead instead of replaying rounds', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('late')
    for (const [name, value] of [['x', 4], ['y', 5], ['z', 6]] as const) {
      await hub.join(name).publish({ round: 40, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(value)), degree: 3 })
    }
    const store = await memoryStore()
    const engine = await engineFor({ network, store, init: { rounds: 40 } })
    const jumps: object[] = []
    engine.addEventListener('round:jump', ({ detail }) => { jumps.push(detail) })
    await engine.run(never)
    expect(jumps).toEqual([{ from: 0, to: 40, sources: 3 }])
    expect(network.published).toEqual([])
    const version = await store.latest()
    expect(version).toMatchObject({ round: 40, parents: ['x/40', 'y/40', 'z/40'] })
    expect((await store.parameters(version!.id))![0]).toBeCloseTo(5, 5)
  })

  it('does not jump because one liar claims a high round', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    for (const [name, round] of [['x', 1], ['y', 1], ['liar', 1000]] as const) {
      await hub.join(name).publish({ round, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(8)), degree: 3 })
    }
    const engine = await engineFor({ network, init: { rounds: 1 } })
    await engine.run(never)
    expect(network.published.map(({ round }) => round)).toEqual([1])
  })

  it('keeps the last good model when training fails, and gives up when it keeps failing', async () => {
    const hub = new MemoryHub()
    const trainer = { ...pullTowards(1), train: async () => { throw new TrainingError('loss is NaN') } }
    const engine = await engineFor({ network: hub.join('a'), components: { trainer }, init: { rounds: 10 } })
    const warnings: string[] = []
    engine.addEventListener('warning', ({ detail }) => { warnings.push(detail.code) })
    await expect(engine.run(never)).rejects.toThrow(TrainingError)
    expect(warnings).toEqual(['training-failed', 'training-failed'])
    expect(engine.round).toBe(2)
  })

  it('ends at once when aborted in the middle of a wait', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const abort = new AbortController()
    const engine = await engineFor({ network: hub.join('a'), components: { clock } })
    hub.join('silent')
    const running = engine.run(abort.signal)
    await clock.waited()
    abort.abort()
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
  })
})
