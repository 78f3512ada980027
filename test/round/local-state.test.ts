/**
 * What a node goes on from besides its model, and what an engine makes of it
 */
import { describe, expect, it } from 'vitest'
import { gossipAveraging } from '../../src/algorithm/gossip-averaging.ts'
import { joined, separated } from '../../src/algorithm/vectors.ts'
import { absoluteReplicas } from '../../src/codec/absolute-replicas.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { planJump } from '../../src/round/jump.ts'
import { LocalState } from '../../src/round/local-state.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Algorithm } from '../../src/algorithm/algorithm.ts'
import type { ReceivedUpdate } from '../../src/interface.ts'

const clock = new ManualClock()

interface Taken { trainer: Uint8Array[], algorithm: Uint8Array[] }

function stateOf (stored: Record<string, Uint8Array>, { fits = true, algorithm = {} }: { fits?: boolean, algorithm?: Partial<Algorithm> } = {}): { state: LocalState, taken: Taken } {
  const taken: Taken = { trainer: [], algorithm: [] }
  const state = new LocalState({
    store: { state: async (name) => stored[name] },
    trainer: { restore: async (bytes) => { taken.trainer.push(bytes); return fits } },
    clock,
    algorithm: { ...gossipAveraging(), restore: (bytes) => { taken.algorithm.push(bytes); return fits }, ...algorithm }
  })
  return { state, taken }
}

describe('local state', () => {
  it('is taken up by those whose it is', async () => {
    const { state, taken } = stateOf({ trainer: Uint8Array.of(1), algorithm: Uint8Array.of(2) })
    expect(await state.load()).toEqual([])
    expect(taken).toEqual({ trainer: [Uint8Array.of(1)], algorithm: [Uint8Array.of(2)] })
  })

  it('is nothing to speak of in a home without', async () => {
    const { state, taken } = stateOf({}, { fits: false })
    expect(await state.load()).toEqual([])
    expect(taken).toEqual({ trainer: [], algorithm: [] })
  })

  it('says what does not fit, a line each', async () => {
    const { state } = stateOf({ trainer: Uint8Array.of(1), algorithm: Uint8Array.of(2) }, { fits: false })
    expect(await state.load()).toEqual([
      'what is stored of the optimiser belongs to another model, optimiser or program: its moments start at zero',
      'what is stored of an algorithm is not of gossip-averaging: it starts afresh'
    ])
  })

  it('gives each commit what has changed: local steps once, an algorithm\'s memory always', () => {
    const { state } = stateOf({}, { algorithm: { state: () => Uint8Array.of(7) } })
    state.trained({ state: Uint8Array.of(1), isStateKnown: true })
    expect(state.changed()).toEqual({ trainer: Uint8Array.of(1), algorithm: Uint8Array.of(7) })
    expect(state.changed()).toEqual({ algorithm: Uint8Array.of(7) })
    const { state: plain } = stateOf({})
    expect(Object.keys(plain.changed())).toEqual(['algorithm'])
    // what is there of an earlier optimiser or algorithm belongs to no later version
    plain.trained({ state: undefined, isStateKnown: true })
    expect(plain.changed()).toStrictEqual({ trainer: undefined, algorithm: undefined })
  })
})

describe('the state of a trainer', () => {
  it('is asked for in each round while it is small, and once a minute when it is large', () => {
    const { state } = stateOf({})
    expect(state.isDue).toBe(true)
    state.trained({ state: new Uint8Array(1_000), isStateKnown: true })
    expect(state.isDue).toBe(true)
    state.trained({ state: new Uint8Array(1_000_000), isStateKnown: true })
    expect(state.changed()).toMatchObject({ trainer: new Uint8Array(1_000_000) })
    expect(state.isDue).toBe(false)
    // nobody asked: what was written goes with the next version
    state.trained({ state: undefined, isStateKnown: false })
    expect(state.changed()).not.toHaveProperty('trainer')
    clock.advance(60_000)
    expect(state.isDue).toBe(true)
    // training failed, and begins anew
    state.trained({ state: undefined, isStateKnown: true })
    expect(state.changed()).toHaveProperty('trainer', undefined)
    expect(state.isDue).toBe(true)
  })
})

describe('several vectors in one', () => {
  it('come apart as they went together, without a copy where there is one', () => {
    const [model, tracker] = [Float32Array.of(1, 2), Float32Array.of(3, 4)]
    expect(joined([model, tracker])).toEqual(Float32Array.of(1, 2, 3, 4))
    expect(separated(joined([model, tracker]), 2)).toEqual([model, tracker])
    expect(joined([model])).toBe(model)
    expect(separated(model, 2)[0]).toBe(model)
    expect(joined([])).toHaveLength(0)
  })

  it('of neighbours that are ahead: the model is started from, and nothing else', () => {
    const codec = createCodec('float32')
    const update = (author: string): ReceivedUpdate => ({
      ...{ author, updateId: author, round: 9, sequence: 1, codec: 'float32', degree: 2, from: author, receivedAtMs: 0 },
      payload: codec.encode(Float32Array.of(1, 2, 30, 40))
    })
    const jump = planJump(['a', 'b'].map(update), { round: 1, parameters: new Float32Array(2), neighbours: ['a', 'b'] }, {
      aggregator: createAggregator({ rule: 'mean', f: 0 }), replicas: absoluteReplicas({ codec, parameterCount: 4 }), parameterCount: 2, staleness: 1
    })
    expect(jump.target).toBe(9)
    expect(jump.parameters).toEqual(Float32Array.of(1, 2))
    // whoever carries another number of vectors is of another algorithm
    const alone = planJump(['a', 'b'].map(update), { round: 1, parameters: new Float32Array(2), neighbours: ['a', 'b'] }, {
      aggregator: createAggregator({ rule: 'mean', f: 0 }), replicas: absoluteReplicas({ codec, parameterCount: 2 }), parameterCount: 2, staleness: 1
    })
    expect(alone.refused.map(({ reason }) => reason)).toEqual(['shape', 'shape'])
  })
})
