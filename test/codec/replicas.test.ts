import { describe, expect, it } from 'vitest'
import { absoluteReplicas } from '../../src/codec/absolute-replicas.ts'
import { CODEC_NAMES, createCodec } from '../../src/codec/codec.ts'
import { deltaReplicas } from '../../src/codec/delta-replicas.ts'
import { replicasContract } from '../../src/contracts/replicas.ts'
import { DELTA } from '../../src/update-kind.ts'
import type { DeltaCodec } from '../../src/codec/delta-replicas.ts'
import type { ReceivedUpdate, Replica, Replicas } from '../../src/interface.ts'

for (const name of CODEC_NAMES) {
  replicasContract(`those of ${name}`, (parameterCount) => absoluteReplicas({ codec: createCodec(name), parameterCount }))
}

/** Loses what is smaller than a step: what neighbours hold drifts from the model, and never further than a step */
const STEP = 2 ** -10
const roundedDelta: DeltaCodec = {
  encode: (parameters, base) => {
    const steps = Int16Array.from(parameters, (value, i) => Math.max(-32_000, Math.min(32_000, Math.round((value - base[i]!) / STEP))))
    return new Uint8Array(steps.buffer)
  },
  decode: (bytes, base) => {
    const steps = new Int16Array(bytes.slice(0, bytes.byteLength & ~1).buffer)
    return Float32Array.from({ length: steps.length }, (_, i) => (base[i] ?? 0) + steps[i]! * STEP)
  }
}

const lossy = (parameterCount: number, keyframeEvery = 5): Replicas => deltaReplicas({ codec: createCodec('float32'), delta: roundedDelta, parameterCount, keyframeEvery })

replicasContract('those of a delta that rounds', lossy)

function updateOf (payload: Uint8Array, fields: Partial<ReceivedUpdate> = {}): ReceivedUpdate {
  return { author: 'a', from: 'a', updateId: 'a/1', round: 1, sequence: 1, codec: 'float32', degree: 1, payload, receivedAtMs: 0, ...fields }
}

describe('replicas of a delta that rounds', () => {
  it('stand on what the neighbours hold, so that errors do not add up', () => {
    const replicas = lossy(50, 1_000)
    let model = new Float32Array(50)
    for (let round = 0; round < 200; round++) {
      model = model.map((value, i) => value + 0.3 * STEP * Math.sin(i + round))
      const own = replicas.own(model)
      replicas.published(own)
      own.replica.parameters.forEach((value, i) => { expect(Math.abs(value - model[i]!)).toBeLessThanOrEqual(STEP) })
    }
  })

  it('send a keyframe where a delta would be as long, and after so many deltas', () => {
    const long = deltaReplicas({ codec: createCodec('int8'), delta: { ...roundedDelta, encode: () => new Uint8Array(10_000) }, parameterCount: 50 })
    long.published(long.own(new Float32Array(50)))
    expect(long.own(new Float32Array(50)).kind).toBeUndefined()
    const replicas = lossy(50, 3)
    const kinds = Array.from({ length: 7 }, (_, round) => {
      const own = replicas.own(new Float32Array(50).fill(round))
      replicas.published(own)
      return own.kind
    })
    expect(kinds).toEqual([undefined, DELTA, DELTA, undefined, DELTA, DELTA, undefined])
  })

  it('are kept of a bounded number of authors, those heard of last', () => {
    const [author, receiver] = [lossy(10), lossy(10)]
    const first = author.own(new Float32Array(10))
    author.published(first)
    const { payload, replicaHash, kind } = author.own(new Float32Array(10).fill(1)) as Required<ReturnType<Replicas['own']>>
    const names = Array.from({ length: 300 }, (_, index) => `author-${index}`)
    names.forEach((name) => { receiver.apply(updateOf(first.payload, { author: name, updateId: `${name}/1` })) })
    const isHeld = (name: string): boolean => receiver.apply(updateOf(payload, { author: name, updateId: `${name}/2`, follows: `${name}/1`, sequence: 2, kind, replicaHash })) !== 'needs-keyframe'
    expect(isHeld('author-0')).toBe(false)
    expect(isHeld('author-299')).toBe(true)
    expect(names.filter(isHeld)).toHaveLength(256)
  })

  it('are not put back by an older update that comes late', () => {
    const [author, receiver] = [lossy(10, 1_000), lossy(10)]
    const [first, second, third] = [0, 1, 2].map((round) => {
      const own = author.own(new Float32Array(10).fill(round))
      author.published(own)
      return updateOf(own.payload, { updateId: `a/${round}`, sequence: round + 1, ...(own.replicaHash === undefined ? {} : { kind: DELTA, replicaHash: own.replicaHash, follows: `a/${round - 1}` }) })
    })
    expect([first, second].map((update) => typeof receiver.apply(update!))).toEqual(['object', 'object'])
    expect(typeof receiver.apply(first!)).toBe('object')
    expect(typeof receiver.apply(third!)).toBe('object')
  })
})

describe('who asks for the replica of a delta', () => {
  it('makes nobody hash one that no delta named', () => {
    const [author, receiver] = [lossy(10, 1_000), lossy(10)]
    const first = author.own(new Float32Array(10))
    author.published(first)
    const held = receiver.apply(updateOf(first.payload)) as Replica
    for (const replica of [first.replica, held]) {
      Object.defineProperty(replica, 'hash', { get: () => { throw new TypeError('hashed for a stranger') } })
    }
    expect(author.keyframe(new Uint8Array(32))).toBeUndefined()
    expect(receiver.keyframe(new Uint8Array(32))).toBeUndefined()
  })
})

describe('replicas of a codec', () => {
  it('are decoded once for all who hold the same payload', () => {
    let decodings = 0
    const float32 = createCodec('float32')
    const codec = { ...float32, decode: (...given: Parameters<typeof float32.decode>) => { decodings++; return float32.decode(...given) } }
    const replicas = absoluteReplicas({ codec, parameterCount: 3 })
    const update = updateOf(float32.encode(Float32Array.of(1, 2, 3)))
    const held = [replicas.apply(update), replicas.apply({ ...update, from: 'b' }), replicas.apply(update)]
    expect(new Set(held.map((outcome) => (outcome as Replica).parameters)).size).toBe(1)
    expect(decodings).toBe(1)
  })
})
