import { MemoryLevel } from 'memory-level'
import { describe, expect, it, vi } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { TrainingError } from '../../src/errors.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { Averaging } from '../../src/round/averaging.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { hastyClock } from '../hasty-clock.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { Clock, Codec, Store, Trainer } from '../../src/interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { RoundComponents, RoundInit } from '../../src/round/round-interface.ts'
import type { MemoryNetwork } from './memory-network.ts'

const FEDERATION = 'bafyreitest'

/** Local "training" that pulls every parameter half way to a target of the peer's own */
function pullTowards (target: number): Pick<Trainer, 'train' | 'evaluate' | 'initialParameters' | 'sampleLoss'> {
  return {
    initialParameters: async () => new Float32Array(8),
    train: async (parameters) => ({ parameters: parameters.map((x) => x + 0.5 * (target - x)), loss: 1, examples: 1, steps: 1 }),
    evaluate: async (parameters) => ({ loss: Math.abs(parameters[0]!), accuracy: 0.5, examples: 1 }),
    sampleLoss: async (parameters) => Math.abs(parameters[0]! - target)
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
  }, { federation: FEDERATION, parameterCount: 8, deadlineMs: 5000, staleness: 1, rounds: 3, evaluateEvery: 1, quarantineLimit: 0, ...options.init })
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
      const version = await store.newest()
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
    const engine = await engineFor({ network, components: { clock }, init: { rounds: 4, alone: 'train' } })
    const reports = reportsOf(engine)
    const running = engine.run(never)
    for (let round = 1; round <= 3; round++) {
      await clock.waited()
      expect(clock.nextInMs).toBe(5000)
      clock.advance(5000)
      // before the next round, which nobody would mix: the usual pace
      await clock.waited()
      clock.advance(1000)
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
    const engines = await Promise.all(networks.map((network) => engineFor({ network, components: { aggregator: createAggregator({ rule: 'trimmed-mean', f: 1 }), clock: hastyClock() }, init: { rounds: 1, alone: 'train' } })))
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
    const first = await engineFor({ network: hub.join('a'), store, components: { clock: hastyClock() }, init: { rounds: 2, alone: 'train' } })
    await first.run(never)
    await store.putPublication({ round: 3, sequence: 9_000_000_000_000 })

    const network = hub.join('a')
    const second = await engineFor({ network, store, components: { clock: hastyClock() }, init: { rounds: 4, alone: 'train' } })
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
    const version = await store.newest()
    expect(version).toMatchObject({ round: 40, parents: ['x/40', 'y/40', 'z/40'] })
    expect((await store.parameters(version!.id))![0]).toBeCloseTo(5, 5)
  })

  it('catches up in the middle of a run, with neighbours that went on while it was away', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    const others = ['x', 'y', 'z'].map((name) => hub.join(name))
    const all = async (round: number): Promise<void> => {
      for (const other of others) {
        await other.publish({ round, sequence: round, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(4)), degree: 3 })
      }
    }
    await all(1)
    const engine = await engineFor({ network, components: { clock: hastyClock() }, init: { rounds: 41 } })
    const jumps: object[] = []
    engine.addEventListener('round:jump', ({ detail }) => { jumps.push(detail) })
    engine.addEventListener('round:end', ({ detail: { round } }) => { void all(round === 1 ? 40 : round + 1) })
    await engine.run(never)
    expect(jumps).toEqual([{ from: 1, to: 40, sources: 3 }])
    expect(network.published.map(({ round }) => round)).toEqual([1, 41])
  })

  it('weighs its neighbours by the number of them that its update stated, whoever comes before they are mixed', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    const other = hub.join('x')
    const publish = network.publish
    network.publish = async (update) => {
      const receipt = await publish(update)
      await other.publish({ round: 1, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(1)), degree: 1 })
      // three more come, of which `x` knows nothing
      for (const name of ['u', 'v', 'w']) {
        hub.join(name)
        network.deafTo.add(name)
      }
      return receipt
    }
    const store = await memoryStore()
    const engine = await engineFor({ network, store, target: 0, components: { clock: hastyClock() }, init: { rounds: 1 } })
    await engine.run(never)
    expect(network.published.map(({ degree }) => degree)).toEqual([1])
    expect((await store.parameters((await store.newest())!.id))![0]).toBeCloseTo(1 / 2, 6)
  })

  it('does not jump to the only neighbour that has published when the others are silent', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    await hub.join('liar').publish({ round: 1_000_000, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(9)), degree: 3 })
    hub.join('x')
    hub.join('y')
    const abort = new AbortController()
    const clock = new ManualClock()
    const engine = await engineFor({ network, components: { clock } })
    const jumps: object[] = []
    engine.addEventListener('round:jump', ({ detail }) => { jumps.push(detail) })
    const running = engine.run(abort.signal)
    await clock.waited()
    expect(jumps).toEqual([])
    expect(network.published.map(({ round }) => round)).toEqual([1])
    abort.abort()
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('stays where it is, and says so, when too few of the neighbours that are ahead can be had', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    for (const name of ['x', 'y']) {
      await hub.join(name).publish({ round: 40, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(4)), degree: 3 })
    }
    const engine = await engineFor({ network, components: { aggregator: createAggregator({ rule: 'trimmed-mean', f: 2 }), clock: hastyClock() }, init: { rounds: 1, alone: 'train' } })
    const warnings: string[] = []
    engine.addEventListener('warning', ({ detail }) => { warnings.push(detail.message) })
    await engine.run(never)
    expect(network.published.map(({ round }) => round)).toEqual([1])
    expect(warnings[0]).toBe('the neighbours are ahead, but only 2 of their models can be had, and trimmed-mean needs 4; the own model is kept')
  })

  it('goes on without the newest updates of neighbours that drip', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const network = hub.join('a')
    hub.join('dripping')
    network.pullLatest = async ({ signal } = {}) => new Promise((resolve) => { signal!.addEventListener('abort', () => { resolve([]) }) })
    const engine = await engineFor({ network, components: { clock }, init: { rounds: 1 } })
    const running = engine.run(never)
    // to pull, to collect, and to serve who is behind
    for (let i = 0; i < 22; i++) {
      await clock.waited()
      clock.advance(clock.nextInMs!)
    }
    await running
    expect(engine.round).toBe(1)
  })

  it('decodes an update that it adopts once', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    for (const name of ['x', 'y', 'z']) {
      await hub.join(name).publish({ round: 40, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(1)), degree: 3 })
    }
    await new Promise((resolve) => { setImmediate(resolve) })
    const decoded: Uint8Array[] = []
    const counting: Codec = {
      name: codec.name,
      encode: (parameters) => codec.encode(parameters),
      maxEncodedBytes: (count) => codec.maxEncodedBytes(count),
      decode: (payload, count) => {
        decoded.push(payload)
        return codec.decode(payload, count)
      }
    }
    const engine = await engineFor({ network, components: { codec: counting }, init: { rounds: 41, deadlineMs: 10 } })
    const reports = reportsOf(engine)
    await engine.run(never)
    expect(reports).toMatchObject([{ round: 41, accepted: 3 }])
    expect(['x', 'y', 'z'].map((name) => decoded.filter((payload) => payload === hub.latest.get(name)!.payload).length)).toEqual([1, 1, 1])
  })

  it('penalises an update that it could not adopt once', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    for (const name of ['x', 'y', 'z']) {
      await hub.join(name).publish({ round: 40, sequence: 1, codec: 'float32', payload: codec.encode(new Float32Array(name === 'z' ? 7 : 8).fill(1)), degree: 3 })
    }
    // gossip has delivered before the engine listens
    await new Promise((resolve) => { setImmediate(resolve) })
    const engine = await engineFor({ network, init: { rounds: 40 } })
    await engine.run(never)
    expect(network.penalties).toEqual([{ peer: 'z', reason: 'shape' }])
  })

  it('blames whoever forged an update, not the author whose name it bears, and suspects neighbours only', async () => {
    const hub = new MemoryHub()
    const network = hub.join('a')
    hub.join('honest')
    hub.join('liar')
    const engine = await engineFor({ network, components: { clock: hastyClock() }, init: { rounds: 8, deadlineMs: 1, alone: 'train' } })
    const reports = reportsOf(engine)
    network.suspend = () => {}
    engine.addEventListener('round:start', () => {
      network.safeDispatchEvent('update:rejected', { detail: { peer: 'stranger', author: 'honest', reason: 'bad-signature' } })
      network.safeDispatchEvent('update:rejected', { detail: { peer: 'honest', author: 'liar', reason: 'equivocation' } })
    })
    await engine.run(never)
    expect(reports[0]!.rejectedPeers).toEqual({ stranger: { 'bad-signature': 1 }, liar: { equivocation: 1 } })
    expect(Object.keys(reports.at(-1)!.suspects)).toEqual(['liar'])
  })

  it('commits a round that could not be evaluated', async () => {
    const hub = new MemoryHub()
    const trainer = { ...pullTowards(1), evaluate: async () => { throw new TrainingError('the training thread ended unexpectedly') } }
    const engine = await engineFor({ network: hub.join('a'), components: { trainer, clock: hastyClock() }, init: { rounds: 5, alone: 'train' } })
    const warnings: string[] = []
    engine.addEventListener('warning', ({ detail }) => { warnings.push(detail.code) })
    await engine.run(never)
    expect(engine.round).toBe(5)
    expect(warnings.filter((code) => code === 'evaluation-failed')).toHaveLength(5)
    expect(engine.lastReport).toMatchObject({ loss: null, accuracy: null })
  })

  it('says once that there is no neighbour', async () => {
    const hub = new MemoryHub()
    const engine = await engineFor({ network: hub.join('a'), components: { clock: hastyClock() }, init: { rounds: 3, alone: 'train' } })
    const warnings: string[] = []
    engine.addEventListener('warning', ({ detail }) => { warnings.push(detail.message) })
    await engine.run(never)
    expect(warnings).toEqual(['round 1: no neighbour is there; nothing is averaged until one comes'])
  })

  it('waits longer for a neighbour that was late by a known time', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const network = hub.join('a')
    const codec = createCodec('float32')
    const slow = hub.join('slow')
    const engine = await engineFor({ network, components: { clock }, init: { rounds: 4, deadlineMs: 15_000 } })
    const publishSlow = async (round: number): Promise<void> => {
      hub.lateMs = clock.monotonicMs()
      await slow.publish({ round, sequence: round, codec: 'float32', payload: codec.encode(new Float32Array(8)), degree: 1 })
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    const running = engine.run(never)
    await clock.waited()
    clock.advance(10)
    await publishSlow(1)
    await clock.waited()
    const before = clock.nextInMs!
    clock.advance(before)
    await clock.waited()
    // round 2 is over; its update comes now, and counts from the next round on
    clock.advance(500)
    await publishSlow(2)
    await publishSlow(3)
    await clock.waited()
    const after = clock.nextInMs!
    await publishSlow(4)
    await running
    expect(before).toBe(1000)
    expect(after).toBeGreaterThan(1500)
  })

  it('charges a round before it trains, and sends nothing that was trained before', async () => {
    const network = new MemoryHub().join('a')
    const done: string[] = []
    const publish = network.publish.bind(network)
    network.publish = async (...values) => {
      done.push('publish')
      return publish(...values)
    }
    const trainer = pullTowards(1)
    const engine = await engineFor({
      network,
      components: {
        trainer: {
          ...trainer,
          train: async (...values) => {
            done.push('train')
            return trainer.train(...values)
          }
        },
        budget: {
          refuses: () => false,
          reserve: async (round) => {
            // as long as a disk may take
            await new Promise((resolve) => { setImmediate(resolve) })
            done.push(`charge ${round}`)
            return true
          },
          status: () => ({ mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: 1, pld: 1 }, delta: 1e-5, accountant: 'pld', limit: 2, exhausted: false })
        },
        clock: hastyClock()
      },
      init: { rounds: 2, alone: 'train' }
    })
    await engine.run(never)
    expect(done).toEqual(['charge 1', 'train', 'publish', 'charge 2', 'train', 'publish'])
  })

  describe('an observer', () => {
    const codec = createCodec('float32')
    const payload = codec.encode(new Float32Array(8))
    const status = { mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: 1, pld: 1 }, delta: 1e-5, accountant: 'pld', limit: 1, exhausted: true } as const
    /** A budget that allows so many rounds */
    const budgetFor = (rounds: number): NonNullable<RoundComponents['budget']> => ({
      refuses: (round) => round > rounds,
      reserve: async (round) => round <= rounds,
      status: () => status
    })
    const arrived = async (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

    it('goes as fast as its neighbours, without a pause of its own', async () => {
      const hub = new MemoryHub()
      const clock = new ManualClock()
      const network = hub.join('a')
      const trains = hub.join('trains')
      const engine = await engineFor({ network, components: { clock, budget: budgetFor(0) } })
      const running = engine.run(never)
      const waits: Array<number | undefined> = []
      for (let round = 1; round <= 3; round++) {
        await clock.waited()
        waits.push(clock.nextInMs)
        clock.advance(20)
        hub.lateMs = clock.monotonicMs()
        await trains.publish({ round, sequence: round, codec: 'float32', payload, degree: 1 })
        await arrived()
      }
      await running
      expect(waits).toEqual([5000, 1000, 1000])
      expect(engine.lastReport).toMatchObject({ round: 3, accepted: 1, late: 0, examples: 0 })
      expect(network.published).toEqual([])
    })

    it('is announced to the mesh, once, and before its round is over', async () => {
      const hub = new MemoryHub()
      const network = hub.join('a')
      const trains = hub.join('trains')
      let announced = 0
      network.observe = () => { announced++ }
      const engine = await engineFor({ network, components: { budget: budgetFor(1), clock: hastyClock() }, init: { rounds: 4 } })
      const seen: number[] = []
      engine.addEventListener('round:end', () => { seen.push(announced) })
      network.addEventListener('update', () => {})
      engine.addEventListener('round:start', ({ detail: { round } }) => {
        void trains.publish({ round, sequence: round, codec: 'float32', payload, degree: 1 })
      })
      await engine.run(never)
      expect(network.published.map(({ round }) => round)).toEqual([1])
      expect(seen).toEqual([0, 1, 1, 1])
    })

    it('gives its neighbours the time that training took while it trained itself', async () => {
      const hub = new MemoryHub()
      const clock = new ManualClock()
      const network = hub.join('a')
      const trains = hub.join('trains')
      const trainer = pullTowards(1)
      const slow: typeof trainer = {
        ...trainer,
        train: async (parameters, options) => {
          clock.advance(30_000)
          hub.lateMs = clock.monotonicMs()
          await trains.publish({ round: 1, sequence: 1, codec: 'float32', payload, degree: 1 })
          await arrived()
          return trainer.train(parameters, options)
        }
      }
      const engine = await engineFor({ network, components: { clock, trainer: slow, budget: budgetFor(1) }, init: { rounds: 2 } })
      const running = engine.run(never)
      await clock.waited()
      expect(clock.nextInMs).toBe(35_000)
      clock.advance(30_000)
      hub.lateMs = clock.monotonicMs()
      await trains.publish({ round: 2, sequence: 2, codec: 'float32', payload, degree: 1 })
      await running
      expect(engine.lastReport).toMatchObject({ round: 2, accepted: 1, late: 0 })
      expect(network.suspended).toEqual([])
    })

    it('takes its time when nobody sends, or only one who claims a round far away', async () => {
      const hub = new MemoryHub()
      const clock = new ManualClock()
      const network = hub.join('a')
      const engine = await engineFor({ network, components: { clock, budget: budgetFor(0) }, init: { rounds: 2 } })
      const running = engine.run(never)
      await clock.waited()
      expect(clock.nextInMs).toBe(1000)
      await hub.join('liar').publish({ round: 900, sequence: 1, codec: 'float32', payload, degree: 1 })
      hub.join('x')
      hub.join('y')
      network.suspended.push('x', 'y')
      await arrived()
      network.pullLatest = async () => []
      clock.advance(1000)
      await clock.waited()
      expect(engine.round).toBe(1)
      expect(clock.nextInMs).toBe(1000)
      clock.advance(1000)
      await running
    })
  })

  it('holds back a neighbour that stands apart round after round, also after a restart, and lets it in when it is usual again', async () => {
    const hub = new MemoryHub()
    const codec = createCodec('float32')
    const network = hub.join('a')
    const others = ['b', 'c', 'd', 'e', 'liar'].map((name) => hub.join(name))
    const store = await memoryStore()
    const publishAll = async (round: number, lie: number): Promise<void> => {
      for (const [i, other] of others.entries()) {
        const value = other.self === 'liar' ? lie : 0.5 + i / 100
        await other.publish({ round, sequence: round, codec: 'float32', payload: codec.encode(new Float32Array(8).fill(value)), degree: 5 })
      }
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    /** One engine a round, each of which knows only what the one before stored */
    const play = async (round: number, lie: number): Promise<RoundReport> => {
      const engine = await engineFor({ network, store, init: { rounds: round, quarantineLimit: 1 } })
      engine.addEventListener('round:start', () => { void publishAll(round, lie) })
      await engine.run(never)
      return engine.lastReport!
    }
    const engine = await engineFor({ network, store, init: { rounds: 5, quarantineLimit: 1 } })
    const reports = reportsOf(engine)
    engine.addEventListener('round:start', ({ detail: { round } }) => { void publishAll(round, -3) })
    await engine.run(never)
    expect(reports.map(({ rejectedPeers }) => rejectedPeers['liar']?.quarantined ?? 0)).toEqual([0, 0, 0, 0, 1])
    expect(reports[4]).toMatchObject({ accepted: 4 })
    expect(Object.keys(reports[4]!.quarantined)).toEqual(['liar'])
    expect(await play(6, -3)).toMatchObject({ accepted: 4, rejectedPeers: { liar: { quarantined: 1 } } })
    let back: RoundReport | undefined
    for (let round = 7; round < 16 && back?.accepted !== 5; round++) {
      back = await play(round, 0.52)
    }
    expect(back).toMatchObject({ accepted: 5, quarantined: {} })
  })

  it('judges neighbours by the model that they took part in, never by what it trained and made noisy alone, also when it mixes late', async () => {
    const hub = new MemoryHub()
    const [network, other] = [hub.join('a'), hub.join('b')]
    const codec = createCodec('float32')
    const say = async (round: number): Promise<void> => {
      await other.publish({ round, sequence: round, codec: 'float32', degree: 1, payload: codec.encode(new Float32Array(8).fill(3)) })
    }
    const engine = await engineFor({ network, components: { clock: hastyClock() }, init: { rounds: 3, noisy: true, staleness: 0 } })
    const committed: Float32Array[] = []
    const average = vi.spyOn(Averaging.prototype, 'average')
    try {
      engine.addEventListener('round:start', ({ detail }) => { void (detail.round === 1 && say(1)) })
      // what is said after the deadline of round 2 is mixed late
      engine.addEventListener('round:end', ({ detail }) => { void (detail.round === 2 && say(2)) })
      engine.addEventListener('version:commit', () => { committed.push((engine as unknown as { parameters: Float32Array }).parameters) })
      const late: number[] = []
      engine.addEventListener('round:mixed', ({ detail }) => { late.push(detail.round) })
      await engine.run(never)
      expect(late).toEqual([2])
      const [first, , lateMix] = committed
      const [, alone, mixedLate, third] = average.mock.calls.map(([, { shared }]) => shared)
      expect([alone, mixedLate]).toEqual([first, first])
      expect(third).toEqual(lateMix)
    } finally {
      average.mockRestore()
    }
  })

  it('asks for losses on own examples when the rule needs them', async () => {
    const hub = new MemoryHub()
    const engines = await Promise.all(['a', 'b', 'c'].map((name, i) =>
      engineFor({ network: hub.join(name), target: i === 2 ? 5 : 1, components: { aggregator: createAggregator({ rule: 'ubar', f: 0 }) }, init: { rounds: 1 } })))
    await Promise.all(engines.map((engine) => engine.run(never)))
    const { accepted, rejected } = engines[0]!.lastReport!
    expect(accepted).toBe(1)
    expect(rejected).toEqual({ 'loss-gate': 1 })
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
    const engine = await engineFor({ network: hub.join('a'), components: { trainer, clock: hastyClock() }, init: { rounds: 10, alone: 'train' } })
    const warnings: string[] = []
    engine.addEventListener('warning', ({ detail }) => { warnings.push(detail.code) })
    await expect(engine.run(never)).rejects.toThrow(TrainingError)
    expect(warnings.filter((code) => code === 'training-failed')).toHaveLength(2)
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
