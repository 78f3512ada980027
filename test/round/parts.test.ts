import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { absoluteReplicas } from '../../src/codec/absolute-replicas.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { AdaptiveDeadline } from '../../src/round/adaptive-deadline.ts'
import { adoptModel, medoid } from '../../src/round/adopt.ts'
import { Inbox, MAX_ROUNDS_AHEAD } from '../../src/round/inbox.ts'
import { MAX_ADOPTED_ROUND, MAX_LONE_RAISE } from '../../src/number-limits.ts'
import { planJump } from '../../src/round/jump.ts'
import { lowerMedian } from '../../src/round/round-numbers.ts'
import { meshReady } from '../../src/round/mesh-ready.ts'
import { MissCounter } from '../../src/round/miss-counter.ts'
import { RejectionCounter } from '../../src/round/rejection-counter.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { ReceivedUpdate } from '../../src/interface.ts'

const codec = createCodec('float32')

function update (round: number, values: number[] = [round], author = 'a'): ReceivedUpdate {
  return { author, updateId: `${author}/${round}`, round, sequence: round, codec: 'float32', degree: 1, payload: codec.encode(Float32Array.from(values)), from: author, receivedAtMs: 0 }
}

describe('inbox', () => {
  it('gives for a round the newest update that is not stale, and without one the first of those that are ahead', () => {
    const near = fc.integer({ min: -12, max: 12 })
    fc.assert(fc.property(fc.array(near, { maxLength: 12 }), fc.integer({ min: 13, max: 20 }), fc.integer({ min: 0, max: 12 }), (offsets, round, staleness) => {
      const rounds = offsets.map((offset) => round + offset)
      const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness })
      inbox.setRound(round, 100)
      for (const r of rounds) {
        expect(inbox.put(update(r))).toBeUndefined()
      }
      const newest = Math.max(0, ...rounds)
      fc.pre(newest === 0 || Math.abs(newest - round) <= Math.max(MAX_ROUNDS_AHEAD, staleness))
      const usable = rounds.filter((r) => r <= round && r >= round - staleness)
      const ahead = rounds.filter((r) => r > round && r <= round + staleness)
      const first = ahead.length === 0 ? undefined : Math.min(...ahead)
      const expected = usable.length === 0 ? first : Math.max(...usable)
      expect(inbox.usable('a', round)?.update.round).toBe(expected)
      expect(inbox.delivered('a', round)).toBe(rounds.some((r) => r >= round))
    }))
  })

  it.each([40, 160])('lets what a neighbour out of step publishes (round %i at the own round 100) take part once', (theirs) => {
    const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 1 })
    inbox.setRound(100, 1000)
    inbox.put(update(theirs - 1))
    inbox.put(update(theirs))
    inbox.put(update(theirs - 2))
    expect(inbox.delivered('a', 100)).toBe(true)
    const entry = inbox.usable('a', 100)
    expect(entry?.update.round).toBe(theirs)
    // a round whose rule did not run for want of others has used nothing
    expect(inbox.usable('a', 100)).toBe(entry)
    inbox.use([entry!])
    inbox.setRound(101, 1000)
    expect(inbox.usable('a', 101)).toBeUndefined()
    expect(inbox.delivered('a', 101)).toBe(theirs > 101)
    inbox.put(update(theirs + 1))
    expect(inbox.usable('a', 101)?.update.round).toBe(theirs + 1)
  })

  it('keeps an update that is ahead for its own round', () => {
    const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 0 })
    inbox.put(update(2))
    inbox.put(update(3))
    expect(inbox.usable('a', 1)).toBeUndefined()
    inbox.setRound(2, 1)
    expect(inbox.usable('a', 2)?.parameters[0]).toBe(2)
    inbox.setRound(3, 1)
    expect(inbox.usable('a', 3)?.parameters[0]).toBe(3)
  })

  it('refuses another codec, another shape and an absurd norm, with the reason', () => {
    const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 0 })
    inbox.setRound(1, 1)
    expect(inbox.put({ ...update(1), codec: 'int8' })).toBe('wrong-codec')
    expect(inbox.put(update(1, [1, 2]))).toBe('shape')
    expect(inbox.put(update(1, [11]))).toBe('norm')
    expect(inbox.put({ ...update(1), payload: Uint8Array.of(1, 2, 3) })).toBe('codec')
    expect(inbox.usable('a', 1)).toBeUndefined()
  })

  it('forgets authors that are no neighbours any more', () => {
    const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 0 })
    inbox.setRound(1, 1)
    inbox.put(update(1))
    inbox.retain(new Set(['b']))
    expect(inbox.usable('a', 1)).toBeUndefined()
    expect(inbox.newestRound('a')).toBeUndefined()
  })
})

describe('an old update that is replayed to a node that started again', () => {
  it('takes part once, and not at all when the author\'s newest one is there', () => {
    const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 1 })
    inbox.setRound(2_000, 1_000_000)
    inbox.put(update(1_500, [1]))
    const replayed = inbox.usable('a', 2_000)!
    expect(replayed.update.round).toBe(1_500)
    inbox.use([replayed])
    expect(inbox.usable('a', 2_001)).toBeUndefined()
    inbox.put(update(2_000, [2]))
    expect(inbox.usable('a', 2_001)!.update.round).toBe(2_000)
    inbox.put(update(1_500, [1]))
    expect(inbox.usable('a', 2_001)!.update.round).toBe(2_000)
  })
})

describe('adaptive deadline', () => {
  it('is the bound of the document until a neighbour is known; a later newcomer gets what the others take', () => {
    const deadline = new AdaptiveDeadline(15_000)
    expect(deadline.waitMs(['a', 'b'], 10)).toBe(15_000)
    deadline.observe('a', 1000)
    expect(deadline.waitMs(['a', 'b'], 10)).toBe(deadline.waitMs(['a'], 10))
  })

  it('shrinks to a multiple of the usual lag, follows a peer that slows down, and never passes the bound', () => {
    const deadline = new AdaptiveDeadline(15_000)
    for (let round = 0; round < 20; round++) {
      deadline.observe('a', 1000)
    }
    const settled = deadline.waitMs(['a'], 10)
    expect(settled).toBeGreaterThan(2000)
    expect(settled).toBeLessThan(2200)
    for (let round = 0; round < 20; round++) {
      deadline.observe('a', 5000)
    }
    expect(deadline.waitMs(['a'], 10)).toBeGreaterThan(9900)
    deadline.observe('a', 60_000)
    expect(deadline.waitMs(['a'], 10)).toBe(15_000)
  })

  it('does not fall back to the bound when all neighbours are new, as after a partition', () => {
    const deadline = new AdaptiveDeadline(15_000)
    deadline.observe('a', 1000)
    const usual = deadline.waitMs(['a'], 10)
    deadline.forget('a')
    expect(deadline.waitMs(['b', 'c'], 10)).toBe(usual)
  })

  it('leaves room for scheduling and for the length of the own round', () => {
    const deadline = new AdaptiveDeadline(15_000)
    deadline.observe('a', 0)
    expect(deadline.waitMs(['a'], 10)).toBe(1000)
    expect(deadline.waitMs(['a'], 3000)).toBe(6000)
  })
})

describe('adopting a model', () => {
  const replica = (peer: string, ...values: number[]): { peer: string, parameters: Float32Array, weight: number } => ({ peer, parameters: Float32Array.from(values), weight: 0 })

  it('starts from the medoid, so that one liar among three does not decide', () => {
    expect(medoid([Float32Array.of(1000), Float32Array.of(1), Float32Array.of(2)])).toBe(2)
    const adopted = adoptModel([replica('a', 1), replica('b', 1000), replica('c', 2)], createAggregator({ rule: 'gated-geometric-median', f: 1 }), { own: new Float32Array(1) })!
    expect(adopted[0]).toBeGreaterThanOrEqual(1)
    expect(adopted[0]).toBeLessThanOrEqual(2)
  })

  it('asks for as many replicas as the rule withstands liars among, the own model making up the number', () => {
    const rule = createAggregator({ rule: 'gated-geometric-median', f: 1 })
    const own = Float32Array.of(0)

    expect(adoptModel([replica('a', 5)], rule, { own })).toBeUndefined()
    // one of the two may lie: the one that agrees with neither other decides nothing
    const two = adoptModel([replica('a', 5), replica('b', 5000)], rule, { own })![0]!
    expect(two).toBeGreaterThanOrEqual(0)
    expect(two).toBeLessThanOrEqual(5.001)
    expect(adoptModel([replica('a', 5), replica('b', 5), replica('c', 5)], rule, { own })![0]).toBe(5)
  })

  it('takes the only replica there is, as a copy', () => {
    const only = replica('a', 7)
    const adopted = adoptModel([only], createAggregator({ rule: 'mean', f: 0 }), { own: new Float32Array(1) })!
    expect([...adopted]).toEqual([7])
    expect(adopted).not.toBe(only.parameters)
    expect(adoptModel([], createAggregator({ rule: 'mean', f: 0 }), { own: new Float32Array(1) })).toBeUndefined()
  })
})

describe('starting where nobody publishes any more', () => {
  const rule = (name: 'mean' | 'gated-geometric-median', f = 0): Parameters<typeof planJump>[2] => ({ aggregator: createAggregator({ rule: name, f }), replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 1 })
  const standing = { round: 0, parameters: Float32Array.of(0), neighbours: [], elders: ['a', 'b', 'c'] }
  const old = [update(150, [5], 'a'), update(140, [5], 'b'), update(160, [5], 'c')]

  it('takes the model and the round of those who stopped, whatever round each stopped in', () => {
    for (const init of [rule('mean'), rule('gated-geometric-median', 1)]) {
      const jump = planJump(old, standing, init)
      expect(jump.target).toBe(150)
      expect([...jump.parameters]).toEqual([5])
    }
  })

  it('prefers those that stopped at about the same time', () => {
    const jump = planJump([...old, update(151, [5], 'd'), update(3, [-80], 'e')], { ...standing, elders: ['a', 'b', 'c', 'd', 'e'] }, rule('mean'))
    expect(jump.target).toBe(150)
    expect(jump.sources.map(({ peer }) => peer)).toEqual(['a', 'd'])
  })

  it('counts who says nothing as being at the start, so that a liar among the silent decides nothing', () => {
    expect(planJump([update(1_000_000, [66], 'c')], standing, rule('mean')).target).toBeUndefined()
  })

  it('follows a single author only a little way, in all its words together, and a quorum to any round that leaves room for own ones', () => {
    const alone = { ...standing, round: 10, neighbours: ['c'] }
    for (const far of [20_000, 0x7fffffff]) {
      const first = planJump([update(far, [66], 'c')], alone, rule('mean'))
      expect(first).toMatchObject({ target: 10 + MAX_LONE_RAISE, loneRaise: MAX_LONE_RAISE, sources: [{ peer: 'c' }] })
      expect(planJump([update(far, [66], 'c')], { ...alone, round: first.target!, loneRaise: first.loneRaise }, rule('mean')).target).toBeUndefined()
    }
    expect(planJump([update(500, [66], 'c')], alone, rule('mean'))).toMatchObject({ target: 500, loneRaise: 490 })
    const two = { ...alone, neighbours: ['c', 'd'], loneRaise: MAX_LONE_RAISE }
    expect(planJump([update(20_000, [66], 'c'), update(20_001, [66], 'd')], two, rule('mean'))).toMatchObject({ target: 20_000, loneRaise: MAX_LONE_RAISE })
    expect(planJump([update(0x7fffffff, [66], 'c'), update(0x7fffffff, [66], 'd')], two, rule('mean')).target).toBe(MAX_ADOPTED_ROUND)
    // four neighbours, f = 2: three of them are fewer than the rule needs
    expect(planJump(['c', 'd', 'e'].map((peer) => update(0x7fffffff, [66], peer)), { ...alone, neighbours: ['c', 'd', 'e', 'f'] }, rule('gated-geometric-median', 2)).target).toBeUndefined()
  })

  it('does not ask them where enough neighbours publish, nor anybody else', () => {
    const jump = planJump([...old, update(7, [2], 'n'), update(9, [3], 'stranger')], { ...standing, neighbours: ['n'] }, rule('mean'))
    expect(jump).toMatchObject({ target: 7, sources: [{ peer: 'n' }] })
    expect(planJump([update(9, [3], 'stranger')], standing, rule('mean')).target).toBeUndefined()
  })
})

describe('lower median', () => {
  it('cannot be raised by half of the reports or fewer', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (honest, seed) => {
      const liars = seed % (honest + 1)
      expect(lowerMedian([...Array(honest).fill(3) as number[], ...Array(liars).fill(1000) as number[]])).toBe(3)
    }))
    expect(lowerMedian([])).toBe(0)
  })
})

describe('miss counter', () => {
  it('gives up a peer at the limit, and forgives one that delivers in between', () => {
    const misses = new MissCounter(2)
    expect(misses.note(['a', 'b'])).toEqual([])
    expect(misses.note(['a'])).toEqual(['a'])
    expect(misses.note(['a', 'b'])).toEqual([])
    expect(misses.note(['b'])).toEqual(['b'])
  })
})

describe('rejection counter', () => {
  it('counts by reason and by peer, and begins anew when drained', () => {
    const counter = new RejectionCounter()
    counter.add('a', 'norm')
    counter.add('a', 'norm')
    counter.add('b', 'replay')
    expect(counter.drain()).toEqual({ rejected: { norm: 2, replay: 1 }, rejectedPeers: { a: { norm: 2 }, b: { replay: 1 } } })
    expect(counter.drain()).toEqual({ rejected: {}, rejectedPeers: {} })
  })

  it('does not grow with the number of liars', () => {
    const counter = new RejectionCounter()
    for (let i = 0; i < 10_000; i++) {
      counter.add(`sybil-${i}`, 'bad-signature')
    }
    const { rejected, rejectedPeers } = counter.drain()
    expect(rejected).toEqual({ 'bad-signature': 10_000 })
    expect(Object.keys(rejectedPeers)).toHaveLength(256)
  })
})

describe('mesh ready', () => {
  it('waits for the members, then returns', async () => {
    const hub = new MemoryHub()
    const network = hub.join('a')
    let isReady = false
    const ready = meshReady({ network, clock: new ManualClock() }, { minMembers: 3 }).then(() => { isReady = true })
    hub.join('b')
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(isReady).toBe(false)
    hub.join('c')
    await ready
  })

  it('does not wait for ever for one neighbour that is known but out of reach', async () => {
    const hub = new MemoryHub()
    const clock = new ManualClock()
    const network = hub.join('a')
    hub.join('b')
    hub.join('unreachable')
    const neighbours = network.neighbours
    network.neighbours = () => neighbours().map((neighbour) => ({ ...neighbour, live: neighbour.peer !== 'unreachable' }))
    const ready = meshReady({ network, clock }, { minMembers: 3 })
    await clock.waited()
    clock.advance(10_000)
    await ready
  })

  it('waits for others some seconds only where rounds go on without them', async () => {
    const clock = new ManualClock()
    let isReady = false
    const ready = meshReady({ network: new MemoryHub().join('a'), clock }, { minMembers: 3, alone: true }).then(() => { isReady = true })
    await clock.waited()
    clock.advance(9_999)
    await clock.waited()
    expect(isReady).toBe(false)
    clock.advance(1)
    await ready
  })

  it('begins as soon as the others are there, also where it would begin without them', async () => {
    const hub = new MemoryHub()
    const network = hub.join('a')
    const ready = meshReady({ network, clock: new ManualClock() }, { minMembers: 3, alone: true })
    hub.join('b')
    hub.join('c')
    await ready
  })

  it('is ready at once alone when nobody else is asked for', async () => {
    await meshReady({ network: new MemoryHub().join('a'), clock: new ManualClock() }, { minMembers: 1 })
  })

  it('rejects when aborted', async () => {
    const abort = new AbortController()
    const ready = meshReady({ network: new MemoryHub().join('a'), clock: new ManualClock() }, { minMembers: 2, signal: abort.signal })
    abort.abort()
    await expect(ready).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('the bound on norms', () => {
  it('lets in what the noise of a federation moves a model that starts at zero', () => {
    const codec = createCodec('float32')
    const update = { author: 'a', updateId: 'x', round: 1, sequence: 1, codec: 'float32', degree: 1, from: 'a', receivedAtMs: 0, payload: codec.encode(new Float32Array([60])) }
    const inboxOf = (reach?: number): Inbox => {
      const inbox = new Inbox({ replicas: absoluteReplicas({ codec, parameterCount: 1 }), staleness: 1, reach })
      inbox.setRound(1, 0)
      return inbox
    }
    expect(inboxOf().put(update)).toBe('norm')
    expect(inboxOf(7).put(update)).toBeUndefined()
    expect(inboxOf(5).put(update)).toBe('norm')
  })
})
