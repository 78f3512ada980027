/**
 * Rounds with a protocol: what is mixed, what is not, and what cannot hold them up
 */
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { gossipAveraging } from '../../src/algorithm/gossip-averaging.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { until } from '../../src/contracts/helpers.ts'
import { stepLimits } from '../../src/round/protocol-steps.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { Algorithm } from '../../src/algorithm/algorithm.ts'
import type { Aggregator, Store } from '../../src/interface.ts'
import type { Exchange, ProtocolInput, ProtocolOutcome, RoundProtocol } from '../../src/round/exchange-interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { RoundComponents, RoundInit } from '../../src/round/round-interface.ts'

const PARAMETERS = 8
const DEADLINE_MS = 5_000

interface Peer {
  engine: RoundEngine
  store: Store
  reports: RoundReport[]
  warnings: string[]
}

const never = new AbortController().signal
type Chosen = Partial<RoundInit> & Partial<Pick<RoundComponents, 'clock' | 'budget' | 'aggregator' | 'algorithm'>>
async function peer (hub: MemoryHub, name: string, protocol: RoundProtocol | undefined, { clock = systemClock, budget, algorithm, aggregator = createAggregator({ rule: 'mean', f: 0 }), ...init }: Chosen = {}): Promise<Peer> {
  const network = hub.join(name)
  const store = createLevelStore({ location: 'memory', clock, createDatabase: () => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as never })
  await store.open()
  const target = hub.networks.size
  const engine = new RoundEngine({
    network,
    trainer: {
      initialParameters: async () => new Float32Array(PARAMETERS),
      train: async (parameters) => ({ parameters: parameters.map((x) => x + 0.5 * (target - x)), loss: 1, examples: 1, steps: 1 }),
      evaluate: async () => ({ loss: 1, accuracy: 0.5, examples: 1 }),
      sampleLoss: async () => 1
    },
    store,
    codec: createCodec('float32'),
    aggregator,
    algorithm,
    clock,
    protocol,
    budget
  }, { federation: 'f', parameterCount: PARAMETERS, deadlineMs: DEADLINE_MS, staleness: 1, rounds: 2, evaluateEvery: 1, quarantineLimit: 0, ...init })
  await engine.load()
  const made: Peer = { engine, store, reports: [], warnings: [] }
  engine.addEventListener('round:end', ({ detail }) => { made.reports.push(detail) })
  engine.addEventListener('warning', ({ detail: { code, message } }) => { made.warnings.push(`${code}: ${message}`) })
  return made
}

const run = async ({ engine }: Peer): Promise<void> => engine.run(never)

function protocolOf (does: (exchange: Exchange, input: ProtocolInput) => Promise<ProtocolOutcome>): RoundProtocol {
  return { name: 'test', steps: 3, maxStepBytes: () => 100, run: does }
}

describe('a round with a protocol', () => {
  it('mixes whom the protocol lets through, and nobody else', async () => {
    const hub = new MemoryHub()
    const onlyA = protocolOf(async (_, { received }) => new Map([...received].filter(([name]) => name === 'a')))
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(async (name) => peer(hub, name, name === 'a' ? protocolOf(async (_, { received }) => received) : onlyA)))
    await Promise.all([a!, b!, c!].map(run))
    expect(a!.reports.map(({ accepted }) => accepted)).toEqual([2, 2])
    expect(b!.reports.map(({ accepted }) => accepted)).toEqual([1, 1])
    expect((await c!.store.newest())?.parents.slice(1)).toEqual(['a/2'])
  })

  it('mixes what the protocol puts in the place of an update', async () => {
    const hub = new MemoryHub()
    const zeros = protocolOf(async (_, { received }) => new Map([...received.keys()].map((name) => [name, new Float32Array(PARAMETERS)])))
    const [a, b] = [await peer(hub, 'a', zeros, { rounds: 1 }), await peer(hub, 'b', zeros, { rounds: 1 })]
    await Promise.all([a, b].map(run))
    const { id } = (await b.store.newest())!
    // half of 2, mixed with 0
    expect((await b.store.parameters(id))![0]).toBeCloseTo(0.5, 6)
  })

  it.each<[string, string, RoundProtocol['run']]>([
    ['nothing', 'no-result', async () => undefined],
    ['nobody', 'no-result', async () => new Map()],
    ['an error', 'protocol-failed', async () => { throw new RangeError('broken') }],
    ['an error at once', 'protocol-failed', () => { throw new RangeError('broken') }],
    ['a model of a stranger', 'protocol-failed', async () => new Map([['x', new Float32Array(PARAMETERS)]])],
    ['a model of another length', 'protocol-failed', async (_, { received }) => new Map([...received.keys()].map((name) => [name, new Float32Array(1)]))],
    ['a model that is not finite', 'protocol-failed', async (_, { received }) => new Map([...received.keys()].map((name) => [name, new Float32Array(PARAMETERS).fill(NaN)]))]
  ])('keeps the own model when the protocol gives %s, and says so', async (_, code, does) => {
    const hub = new MemoryHub()
    const [a, b] = [await peer(hub, 'a', protocolOf(does), { rounds: 1 }), await peer(hub, 'b', protocolOf(async () => undefined), { rounds: 1 })]
    await Promise.all([a, b].map(run))
    expect(a.reports).toMatchObject([{ round: 1, accepted: 0, keptOwn: true }])
    expect(a.warnings.map((line) => line.split(':')[0])).toEqual([code])
    const { id, mixed } = (await a.store.newest())!
    expect(mixed).toBe(false)
    expect((await a.store.parameters(id))![0]).toBeCloseTo(0.5, 6)
  })

  it('ends with the node, whatever the protocol still waits for', async () => {
    const hub = new MemoryHub()
    const abort = new AbortController()
    const stuck = Promise.withResolvers<void>()
    const [a, b] = [await peer(hub, 'a', protocolOf(async () => {
      stuck.resolve()
      return new Promise<never>(() => { /* for ever */ })
    })), await peer(hub, 'b', undefined)]
    const running = Promise.allSettled([a, b].map(async ({ engine }) => engine.run(abort.signal)))
    await stuck.promise
    abort.abort(new RangeError('stop'))
    const [end] = await running
    expect(end).toEqual({ status: 'rejected', reason: new RangeError('stop') })
    expect(a.warnings).toEqual([])
  })

  it('goes into the round in which its neighbours wait, without a pause', async () => {
    const hub = new MemoryHub()
    const result = protocolOf(async (_, { received }) => received)
    let failures = 0
    // no result in the first round of this one alone: the others mix, and go on
    const first = protocolOf(async ({ round }, { received }) => round === 1 && failures++ === 0 ? undefined : received)
    const peers = [await peer(hub, 'a', first, { rounds: 4 }), await peer(hub, 'b', result, { rounds: 4 }), await peer(hub, 'c', result, { rounds: 4 })]
    const begunAtMs = performance.now()
    await Promise.all(peers.map(run))
    // a pause after a round that was not mixed would be five seconds
    expect(performance.now() - begunAtMs).toBeLessThan(4_000)
    expect(peers[0]!.reports.map(({ accepted }) => accepted)).toEqual([0, 2, 2, 2])
  })

  it('goes on from the round that its neighbours are in', async () => {
    const hub = new MemoryHub()
    const result = protocolOf(async (_, { received }) => received)
    const peers = [await peer(hub, 'a', result, { rounds: 5 }), await peer(hub, 'b', result, { rounds: 5 }), await peer(hub, 'c', result, { rounds: 5 })]
    // two of three are one round ahead, as after an outage
    await peers[1]!.engine.resumeAfter({ round: 1, sequence: 1 })
    await peers[2]!.engine.resumeAfter({ round: 1, sequence: 1 })
    await Promise.all(peers.map(run))
    const [a] = peers
    expect(a!.reports.map(({ round }) => round).slice(-3)).toEqual([3, 4, 5])
    expect(a!.reports.at(-1)).toMatchObject({ accepted: 2, late: 0 })
  })

  it('pays for no further round because of updates that its protocol has seen', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const a = await peer(hub, 'a', protocolOf(async () => undefined), { clock, rounds: 100 })
    const payload = createCodec('float32').encode(new Float32Array(PARAMETERS))
    await hub.join('b').publish({ round: 1, sequence: 1, codec: 'float32', degree: 1, payload })
    const abort = new AbortController()
    const running = a.engine.run(abort.signal).catch(() => 'ended')
    await until(() => a.engine.waiting !== undefined)
    expect(a.reports).toHaveLength(1)
    abort.abort()
    expect(await running).toBe('ended')
  })

  it('lets who publishes and never answers cost a few rounds at full speed, and then only with pauses', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const a = await peer(hub, 'a', protocolOf(async () => undefined), { clock, rounds: 100 })
    const mute = hub.join('mute')
    let published = 0
    // always there, as the first of each round
    a.engine.addEventListener('round:end', ({ detail: { round } }) => {
      published = round + 1
      void mute.publish({ round: published, sequence: published, codec: 'float32', degree: 1, payload: createCodec('float32').encode(new Float32Array(PARAMETERS)) })
    })
    await mute.publish({ round: 1, sequence: 1, codec: 'float32', degree: 1, payload: createCodec('float32').encode(new Float32Array(PARAMETERS)) })
    const abort = new AbortController()
    const running = a.engine.run(abort.signal).catch(() => 'ended')
    await until(() => a.reports.length === 8)
    await clock.waited()
    // at full speed no time passed
    expect(a.reports).toHaveLength(8)
    expect(a.engine.waiting).toBeDefined()
    abort.abort()
    expect(await running).toBe('ended')
  })

  it.each<[string, string, Aggregator]>([
    ['needs two updates and is given one', 'too-few-updates', { ...createAggregator({ rule: 'mean', f: 0 }), minimumNeighbours: 2 }],
    ['makes no model of them', 'unsound-average', { name: 'mean', minimumNeighbours: 1, needsLosses: false, aggregate: ({ own }) => ({ parameters: own.map(() => NaN), excluded: [] }) }]
  ])('pays for a few rounds at full speed, and then only with pauses, where the rule %s', async (_, code, aggregator) => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const one = protocolOf(async (_, { received }) => new Map([...received].slice(0, 1)))
    const paid: number[] = []
    const budget = {
      refuses: () => false,
      reserve: async (round: number) => {
        paid.push(round)
        return true
      },
      status: () => ({}) as never
    }
    const a = await peer(hub, 'a', one, { clock, budget, aggregator, rounds: 20 })
    const others = [hub.join('b'), hub.join('c')]
    const publish = (round: number): void => {
      others.forEach((other) => { void other.publish({ round, sequence: round, codec: 'float32', degree: 2, payload: createCodec('float32').encode(new Float32Array(PARAMETERS)) }) })
    }
    // always there, as the first of each round
    a.engine.addEventListener('round:end', ({ detail: { round } }) => { publish(round + 1) })
    publish(1)
    const abort = new AbortController()
    const ended = Promise.withResolvers<void>()
    const running = a.engine.run(abort.signal).catch(() => 'ended').finally(ended.resolve)
    await until(() => a.reports.length >= 8)
    // waits at last, or goes on to the end
    await Promise.race([clock.waited(), ended.promise])
    expect(paid).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(a.engine.waiting).toBeDefined()
    expect(a.warnings.map((line) => line.split(':')[0])).toEqual(Array<string>(8).fill(code))
    abort.abort()
    expect(await running).toBe('ended')
  })

  it('says nothing in a round in which it publishes nothing, and mixes nothing', async () => {
    const hub = new MemoryHub()
    const result = protocolOf(async (exchange, { received }) => {
      await exchange.broadcast(1, Uint8Array.of(1))
      return received
    })
    const [a, b] = [await peer(hub, 'a', result, { rounds: 1, budget: { refuses: () => true, reserve: async () => false, status: () => ({}) as never } }), await peer(hub, 'b', result, { rounds: 1 })]
    const abort = new AbortController()
    const others = b.engine.run(abort.signal).catch(() => {})
    await a.engine.run(never)
    expect(hub.networks.get('a')!.said).toEqual([])
    expect(a.reports).toMatchObject([{ accepted: 0, keptOwn: true }])
    expect(a.warnings).toEqual([])
    abort.abort()
    await others
  })
})

describe('a peer whose budget ends', () => {
  it('says nothing under the numbers of an earlier round', async () => {
    const hub = new MemoryHub()
    const rounds: number[] = []
    const result = protocolOf(async (exchange, { received }) => {
      rounds.push(exchange.round)
      await exchange.broadcast(1, Uint8Array.of(1))
      return received
    })
    const budget = { refuses: (round: number) => round > 1, reserve: async (round: number) => round === 1, status: () => ({}) as never }
    const [a, b] = [await peer(hub, 'a', result, { rounds: 2, budget }), await peer(hub, 'b', protocolOf(async (_, { received }) => received), { rounds: 2 })]
    const abort = new AbortController()
    const other = b.engine.run(abort.signal).catch(() => {})
    await run(a)
    expect(rounds).toEqual([1])
    expect(hub.networks.get('a')!.said.map(({ round }) => round)).toEqual([1])
    expect(a.reports.map(({ round, accepted }) => ({ round, accepted }))).toEqual([{ round: 1, accepted: 1 }, { round: 2, accepted: 0 }])
    expect(a.warnings.filter((line) => line.startsWith('protocol-failed'))).toEqual([])
    abort.abort()
    await other
  })
})

describe('a protocol that cannot be run', () => {
  const sound = { name: 'p', steps: 2, maxStepBytes: () => 1 }
  it.each([
    [{ name: '' }, /^a round protocol has a name/], [{ name: 'x'.repeat(33) }, /^a round protocol has a name/],
    [{ steps: 1 }, /^a round has 2 to 16 steps/], [{ steps: 17 }, /^a round has 2 to 16 steps/], [{ steps: 2.5 }, /^a round has 2 to 16 steps/],
    [{ maxStepBytes: () => 0 }, /^a message of a step has 1 to 67108864 bytes/], [{ maxStepBytes: () => 2 ** 26 + 1 }, /^a message of a step has/]
  ])('is refused: %j', (change, message) => {
    expect(() => stepLimits({ ...sound, ...change }, 1)).toThrow(message)
  })

  it('is refused beside an algorithm of several vectors: it would see the model alone', async () => {
    const several: Algorithm = { ...gossipAveraging(), name: 'tracking', vectors: [{ name: 'model', rule: 'robust' }, { name: 'tracker', rule: 'mean' }] }
    const made = peer(new MemoryHub(), 'a', protocolOf(async () => undefined), { algorithm: several })
    await expect(made).rejects.toThrow(new RangeError('test decides about the model alone, and an update of tracking carries model, tracker: a protocol cannot run beside an algorithm of several vectors'))
  })

  it('and one at the bounds is not', () => {
    expect(stepLimits({ name: 'x'.repeat(32), steps: 16, maxStepBytes: (d) => d }, 2 ** 26)).toEqual({ protocol: 'x'.repeat(32), steps: 16, maxBytes: 2 ** 26 })
  })
})
