/**
 * What reaches the inbox: how many deltas of an author are made into replicas
 */
import { describe, expect, it } from 'vitest'
import { Arrivals } from '../../src/round/arrivals.ts'
import { Inbox } from '../../src/round/inbox.ts'
import { DELTA, KEYFRAME } from '../../src/update-kind.ts'
import { ManualClock } from '../manual-clock.ts'
import type { PeerName, ReceivedUpdate, RejectionReason, Replicas } from '../../src/interface.ts'

interface Receiver {
  clock: ManualClock
  /** Rounds of the updates that were decoded */
  applied: number[]
  penalised: Array<[PeerName, RejectionReason]>
  take: (author: PeerName, round: number, kind?: number) => void
  /** Ends the run */
  abort: () => void
}

/**
 * @param replicaBytes - Of the federation's model
 * @param decodingMs - What a replica takes
 */
function receiver (replicaBytes: number, keepsMemory = true, decodingMs = 0): Receiver {
  const running = new AbortController()
  const clock = new ManualClock()
  const applied: number[] = []
  const penalised: Receiver['penalised'] = []
  const replicas = {
    ...{ codec: 'float32', keepsMemory, maxKeyframeBytes: replicaBytes },
    apply: ({ round }: ReceivedUpdate) => {
      applied.push(round)
      clock.advance(decodingMs)
      return { parameters: Float32Array.of(1), hash: new Uint8Array(32) }
    }
  } as unknown as Replicas
  const inbox = new Inbox({ replicas, staleness: 1 })
  inbox.setRound(1, 1)
  const arrivals = new Arrivals({
    ...{ replicas, inbox, clock, wake: new EventTarget(), stragglers: { observe: () => {} }, pace: { lagMs: () => undefined } },
    network: { pullKeyframe: async () => false, penalise: (peer, reason) => { penalised.push([peer, reason]) } }
  })
  const take: Receiver['take'] = (author, round, kind = DELTA) => {
    arrivals.take({ author, from: author, updateId: `${author}/${round}`, round, sequence: round, codec: 'float32', degree: 1, kind, payload: new Uint8Array(1), receivedAtMs: 0 }, running.signal)
  }
  return { clock, applied, penalised, take, abort: () => { running.abort() } }
}

const rounds = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('updates of a large model', () => {
  it('are decoded one in each turn of the event loop, in the order in which they came, until the run ends', async () => {
    const { applied, take, abort } = receiver(20_000_000, false, 30)
    rounds(4).forEach((round) => { take('author', round, KEYFRAME) })
    expect(applied).toEqual([1])
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(applied).toEqual([1, 2])
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(applied).toEqual([1, 2, 3])
    abort()
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(applied).toEqual([1, 2, 3])
  })
})

describe('a flood of deltas', () => {
  it('of a large model is made into a few replicas, and then some each second, of each author by itself', () => {
    const { clock, applied, penalised, take } = receiver(20_000_000)
    rounds(300).forEach((round) => { take('liar', round) })
    expect(applied).toEqual(rounds(8))
    rounds(8).forEach((round) => { take('other', round) })
    expect(applied).toHaveLength(16)
    clock.advance(1_000)
    rounds(100).forEach((round) => { take('liar', 300 + round) })
    expect(applied.slice(16)).toEqual([301, 302, 303, 304])
    // a peer that stood still hears honest ones like that
    expect(penalised).toEqual([])
  })

  it('of a small one is what gossip lets through anyway', () => {
    const { applied, take } = receiver(50_000)
    rounds(300).forEach((round) => { take('author', round) })
    expect(applied).toEqual(rounds(300))
  })

  it('leaves room for a keyframe', () => {
    const { applied, take } = receiver(20_000_000)
    rounds(300).forEach((round) => { take('author', round) })
    take('author', 301, KEYFRAME)
    expect(applied).toEqual([...rounds(8), 301])
  })

  it('is bounded nowhere else: what stands on nothing is taken as before', () => {
    const { applied, take } = receiver(20_000_000, false)
    rounds(300).forEach((round) => { take('author', round) })
    expect(applied).toEqual(rounds(300))
  })
})
