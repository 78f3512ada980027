/**
 * What a handed-in algorithm makes is published after it was paid for: whatever it makes, the node goes on
 */
import { describe, expect, it } from 'vitest'
import { gossipAveraging } from '../../src/algorithm/gossip-averaging.ts'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { MAX_PARAMETERS } from '../../src/limits.ts'
import { guardedAlgorithm } from '../../src/round/guarded-algorithm.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { RoundStore } from '../../src/simulation/round-store.ts'
import { SimulatedMesh } from '../../src/simulation/simulated-mesh.ts'
import { VirtualClock } from '../../src/simulation/virtual-clock.ts'
import type { Algorithm, LocalResult } from '../../src/algorithm/algorithm.ts'
import type { TrainResult } from '../../src/interface.ts'
import type { RoundComponents } from '../../src/round/round-interface.ts'

const D = 3
const vector = (value: number): Float32Array => new Float32Array(D).fill(value)
const local: LocalResult = { round: 1, before: vector(0), after: vector(1), steps: 1, scale: 1 }

/** A second vector, and a class of its own, as others may write one */
class Doubling implements Algorithm {
  readonly name = 'doubling'
  readonly vectors = [{ name: 'model', rule: 'robust' as const }, { name: 'second', rule: 'robust' as const }]
  second = vector(2)
  resets = 0
  made: (() => readonly Float32Array[]) | undefined

  correction (): Float32Array | undefined { return undefined }
  outgoing ({ after }: LocalResult): readonly Float32Array[] { return this.made?.() ?? [after, this.second] }
  current (model: Float32Array): readonly Float32Array[] { return [model, this.second] }
  mixed ([model, second]: readonly Float32Array[]): Float32Array { this.second = second!; return model! }
  reset (): void { this.resets++; this.second = vector(0) }
  state (): Uint8Array { return Uint8Array.of(this.second[0]!) }
  restore (): boolean { return true }
}

describe('the guard of an algorithm', () => {
  it.each<[string, () => readonly Float32Array[], string]>([
    ['NaN', () => [vector(1), vector(NaN)], 'element 0 of second is not finite or too large'],
    ['too large', () => [vector(2 ** 50), vector(1)], 'element 0 of model is not finite or too large'],
    ['another length', () => [vector(1), new Float32Array(D + 1)], `2 vectors of 3, 4 elements, not 2 of ${D}`],
    ['too few', () => [vector(1)], `1 vectors of 3 elements, not 2 of ${D}`]
  ])('lets it begin anew where it would publish no vectors: %s', (_, made, message) => {
    const algorithm = new Doubling()
    const warnings: string[] = []
    const guarded = guardedAlgorithm(algorithm, { parameterCount: D, warn: (line) => { warnings.push(line) } })
    algorithm.made = made
    expect(guarded.outgoing(local)).toEqual([vector(1), vector(0)])
    expect(algorithm.resets).toBe(1)
    expect(warnings).toEqual([`what is to be published of doubling: ${message}; it begins anew`])
    algorithm.made = undefined
    expect(guarded.outgoing(local)).toEqual([vector(1), vector(0)])
    expect(warnings).toHaveLength(1)
  })

  it('lets what is sound through as it is, and leaves out a correction that is none', () => {
    const algorithm = new Doubling()
    const warnings: string[] = []
    const guarded = guardedAlgorithm(algorithm, { parameterCount: D, warn: (line) => { warnings.push(line) } })
    const model = vector(5)
    expect(guarded.mixed([model, vector(6)])).toBe(model)
    expect(guarded.current(model)).toEqual([model, vector(6)])
    expect([guarded.name, guarded.state()]).toEqual(['doubling', Uint8Array.of(6)])
    algorithm.correction = () => vector(Infinity)
    expect(guarded.correction(3)).toBeUndefined()
    expect(warnings).toEqual([`correction of doubling in round 3: no ${D} finite elements; it is left out`])
  })

  it('takes none whose updates no codec carries', () => {
    const many = { ...gossipAveraging(), vectors: [] }
    expect(() => guardedAlgorithm(many, { parameterCount: D, warn: () => {} })).toThrow(RangeError)
    expect(() => guardedAlgorithm(new Doubling(), { parameterCount: MAX_PARAMETERS, warn: () => {} })).toThrow('would carry 2 vectors')
  })
})

interface Run { store: RoundStore, warnings: string[], corrections: Array<Float32Array | undefined> }

/** One peer on its own, over a virtual clock */
async function lonely (algorithm: Algorithm, { rounds = 2, result = {}, budget }: { rounds?: number, result?: Partial<TrainResult>, budget?: RoundComponents['budget'] } = {}): Promise<Run> {
  const clock = new VirtualClock()
  const codec = createCodec('float32')
  const mesh = new SimulatedMesh(clock, { federation: 'f', topology: { degree: 1 }, links: { latencyMs: 1, bytesPerSecond: 1e9 }, maxPayloadBytes: 10_000 })
  const network = mesh.join('alone')
  const store = new RoundStore(clock)
  const corrections: Run['corrections'] = []
  const engine = new RoundEngine({
    ...{ network, store, codec, clock, algorithm, budget },
    aggregator: createAggregator({ rule: 'mean', f: 0 }),
    trainer: {
      initialParameters: async () => vector(0),
      train: async (parameters, { correction } = {}) => {
        corrections.push(correction)
        return { parameters: parameters.map((x) => x + 1), loss: 1, examples: 1, steps: 1, ...result }
      },
      evaluate: async () => ({ loss: 1, accuracy: 0, examples: 1 }),
      sampleLoss: async () => 0
    }
  }, { federation: 'f', parameterCount: D, deadlineMs: 1_000, staleness: 0, rounds, evaluateEvery: 1, alone: 'train', quarantineLimit: 0 })
  const warnings: string[] = []
  engine.addEventListener('warning', ({ detail }) => { warnings.push(`${detail.code}: ${detail.message}`) })
  await clock.run(engine.load())
  await network.start()
  await clock.run(engine.run(new AbortController().signal))
  return { store, warnings, corrections }
}

describe('rounds with an algorithm', () => {
  it('commit the state of its trainer and its own with each version', async () => {
    const { store } = await lonely(new Doubling(), { result: { state: Uint8Array.of(1, 2, 3) } })
    expect(await store.state('trainer')).toEqual(Uint8Array.of(1, 2, 3))
    expect(await store.state('algorithm')).toEqual(Uint8Array.of(2))
  })

  it('hand its correction to the local steps', async () => {
    const algorithm = new Doubling()
    algorithm.correction = () => vector(7)
    expect((await lonely(algorithm)).corrections).toEqual([vector(7), vector(7)])
  })

  it('go on when it makes nonsense, and say so', async () => {
    const algorithm = new Doubling()
    algorithm.made = () => [vector(1), vector(NaN)]
    const { store, warnings } = await lonely(algorithm)
    expect((await store.newest())?.round).toBe(2)
    expect(warnings.filter((line) => line.startsWith('algorithm: what is to be published of doubling'))).toHaveLength(2)
  })

  it('ask an observer\'s algorithm for what it has, and publish nothing of it', async () => {
    const algorithm = new Doubling()
    const asked: Float32Array[] = []
    algorithm.current = (model) => {
      asked.push(model)
      return [model, algorithm.second]
    }
    algorithm.made = () => { throw new RangeError('an observer publishes nothing') }
    const budget = { refuses: () => true, reserve: async () => false, status: () => ({}) as never }
    const { store } = await lonely(algorithm, { budget })
    expect(asked.length).toBeGreaterThan(0)
    expect((await store.newest())?.round).toBe(2)
  })
})
