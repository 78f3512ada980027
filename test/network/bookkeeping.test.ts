import { generateKeyPair } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { MAX_BANS } from '../../src/ban-table.ts'
import { AuthorLog } from '../../src/network/signed/author-log.ts'
import { BAN_POINTS, Reputation } from '../../src/network/bans.ts'
import { Limiter } from '../../src/network/support/limiter.ts'
import { NeighbourChoice } from '../../src/network/members/neighbour-choice.ts'
import { neighbourGraph } from '../../src/topology/neighbour-graph.ts'
import { createRateLimit } from '../../src/network/support/rate-limit.ts'
import { UpdateCache } from '../../src/network/updates/update-cache.ts'
import { signHeader, verifyHeader, readHeader } from '../../src/network/signed/update-header.ts'
import { MAX_OWN_ROUND } from '../../src/number-limits.ts'
import { bytes } from '../../src/contracts/helpers.ts'
import { FEDERATION, MemoryBans } from './nodes.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../src/interface.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'

let alice: PrivateKey
let bob: PrivateKey

beforeAll(async () => {
  [alice, bob] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])
})

async function header (key: PrivateKey, round: number, sequence = round, payload = bytes(10)): Promise<SignedHeader> {
  return signHeader(key, { federation: FEDERATION, round, sequence, codec: 'float32', degree: 1 }, payload)
}

/** A clock that stands still until it is told */
function manualClock (): Clock & { advance: (ms: number) => void } {
  let ms = 1_000_000
  return { now: () => ms, monotonicMs: () => ms, delay: async () => {}, advance: (by) => { ms += by } }
}

describe('AuthorLog', () => {
  it('takes rounds and sequences that grow, and nothing else', async () => {
    const log = new AuthorLog()
    const first = await header(alice, 3)
    expect(log.judge(first)).toBe('new')
    log.record(first)
    expect(log.judge(first)).toBe('duplicate')
    expect(log.judge(await header(alice, 2))).toBe('late')
    expect(log.judge(await header(alice, 4, 2))).toBe('replay')
    expect(log.judge(await header(alice, 4))).toBe('new')
    expect(log.newest(first.author)?.id).toBe(first.id)
  })

  it('keeps a proof of equivocation that anyone can verify', async () => {
    const log = new AuthorLog()
    log.record(await header(alice, 1, 1))
    expect(log.judge(await header(alice, 1, 2, bytes(10, 5)))).toBe('equivocation')
    const [proof] = log.equivocations()
    const both = [proof!.first, proof!.second].map(({ bytes: signedBytes, signature }) => readHeader(signedBytes, signature)!)
    expect(await Promise.all(both.map(verifyHeader))).toEqual([true, true])
    expect(both.map(({ header: { round } }) => round)).toEqual([1, 1])
    expect(both[0]!.id).not.toBe(both[1]!.id)
  })

  it('lets a newcomer believe the first author, and afterwards nobody who is far from the rest', async () => {
    const log = new AuthorLog()
    const far = await header(alice, 500_000)
    expect(log.judge(far)).toBe('new')
    log.record(far)
    expect(log.judge(await header(bob, 2_000_000))).toBe('round-window')
    expect(log.judge(await header(bob, 500_100))).toBe('new')
    log.setRound(500_000)
    expect(log.judge(await header(bob, 400_000))).toBe('replay')
  })

  it('believes nobody, not even the first, a round that no peer signs', async () => {
    const log = new AuthorLog()
    expect(log.judge(await header(alice, MAX_OWN_ROUND + 1))).toBe('round-window')
    expect(log.judge(await header(alice, 0x7fffffff))).toBe('round-window')
    expect(log.judge(await header(alice, MAX_OWN_ROUND))).toBe('new')
  })

  it('of a node that started again takes one replayed update of an author, not much older, until it hears a newer one', async () => {
    const log = new AuthorLog()
    log.setRound(2_000)
    expect(log.judge(await header(alice, 999))).toBe('replay')
    const replayed = await header(alice, 1_500)
    expect(log.judge(replayed)).toBe('new')
    log.record(replayed)
    expect(log.judge(await header(alice, 1_400))).toBe('replay')
    const newest = await header(alice, 2_000)
    expect(log.judge(newest)).toBe('new')
    log.record(newest)
    expect(log.judge(await header(alice, 1_999))).toBe('late')
    // and in what order they come is no lie of the author
    expect(log.equivocations()).toEqual([])
  })

  it('of a node that begins to follow an author takes its last updates for late, in whatever order they come, and nothing else', async () => {
    const log = new AuthorLog()
    log.record(await header(alice, 100))
    expect(log.judge(await header(alice, 99))).toBe('late')
    expect(log.judge(await header(alice, 50))).toBe('late')
    expect(log.judge(await header(alice, 49))).toBe('replay')
    // an author counts both upwards
    expect(log.judge(await header(alice, 99, 101))).toBe('replay')
    expect(log.judge(await header(alice, 101, 99))).toBe('replay')
  })

  it('of an observer, who counts on alone, takes a newcomer\'s rounds for no less', async () => {
    const log = new AuthorLog()
    log.setRound(500_000)
    const fresh = await header(bob, 4)
    expect(log.judge(fresh)).toBe('replay')
    log.observe()
    expect(log.judge(fresh)).toBe('new')
  })
})

describe('NeighbourChoice', () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `peer-${String(i).padStart(2, '0')}`)
  const choiceOf = (self: string, degree: number): NeighbourChoice => new NeighbourChoice({ self, federationId: FEDERATION, degree })

  it('fills the places that too few contributors leave with observers from a graph of all, so that none chooses its place', () => {
    const all = names(12)
    const [self, contributors, observers] = [all[0]!, all.slice(0, 2), all.slice(2)]
    const choice = choiceOf(self, 4)
    choice.draw(contributors, observers)
    expect(choice.neighbours).toEqual([all[1]])
    expect(choice.elders).toEqual(neighbourGraph(all, 4, FEDERATION).get(self)!.filter((peer) => peer !== all[1]))
    expect(choice.elders.length).toBeGreaterThanOrEqual(3)
    expect(choice.elders.every((peer) => choice.wanted.has(peer))).toBe(true)
  })

  it('needs no observers where contributors fill all places, nor suspended ones', () => {
    const all = names(12)
    const choice = choiceOf(all[0]!, 4)
    choice.draw(all.slice(0, 6), all.slice(6))
    expect(choice.elders).toEqual([])
    choice.draw(all.slice(0, 1), all.slice(1, 3))
    expect(choice.elders).toEqual(all.slice(1, 3))
    choice.suspend(all[1]!, 0)
    choice.draw(all.slice(0, 1), all.slice(1, 3))
    expect(choice.elders).toEqual([all[2]])
  })

  it('leaves out slow members while enough others remain, and none where a round would not begin without them', () => {
    const all = names(4)
    const choice = new NeighbourChoice({ self: all[0]!, federationId: FEDERATION, degree: 3, leastNeighbours: 2 })
    choice.draw(all)
    choice.suspend(all[1]!, 0)
    choice.draw(all)
    expect(choice.neighbours).toEqual([all[2], all[3]])
    // half of a split mesh: who waits for the others publishes nothing, and is all there is
    choice.suspend(all[2]!, 10)
    choice.draw(all)
    expect(choice.neighbours).toEqual([all[1], all[3]])
    choice.suspend(all[3]!, 20)
    choice.draw(all)
    expect(choice.neighbours).toEqual([all[1], all[2]])
  })

  it('brings back nobody where that does not help, nor for an observer', () => {
    const all = names(3)
    const short = new NeighbourChoice({ self: all[0]!, federationId: FEDERATION, degree: 3, leastNeighbours: 3 })
    short.suspend(all[1]!, 0)
    short.draw(all)
    // three of two are not to be had, but two are more than one
    expect(short.neighbours).toEqual([all[1], all[2]])
    const observer = new NeighbourChoice({ self: all[0]!, federationId: FEDERATION, degree: 3, leastNeighbours: 2 })
    observer.observe()
    observer.suspend(all[1]!, 0)
    observer.draw(all)
    expect(observer.neighbours).toEqual([all[2]])
  })
})

describe('UpdateCache', () => {
  it('stays within its bytes, and gives up superseded updates first', async () => {
    const self = (await header(alice, 1)).author
    const cache = new UpdateCache({ self, maxBytes: 250 })
    for (const [key, round] of [[alice, 1], [alice, 2], [bob, 1], [bob, 2]] as const) {
      cache.put({ signed: await header(key, round), payload: new Uint8Array(100) })
    }
    expect(cache.byteLength).toBe(200)
    expect(cache.latest(self)?.signed.header.round).toBe(2)
    expect(cache.latest((await header(bob, 1)).author)?.signed.header.round).toBe(2)
  })

  it('never gives up the newest own update', async () => {
    const self = (await header(alice, 1)).author
    const cache = new UpdateCache({ self, maxBytes: 50 })
    cache.put({ signed: await header(alice, 1), payload: new Uint8Array(100) })
    cache.put({ signed: await header(bob, 1), payload: new Uint8Array(20) })
    expect(cache.latest(self)?.payload.byteLength).toBe(100)
  })

  it('keeps a few updates of each author, found by their payload', async () => {
    const { author } = await header(bob, 1)
    const cache = new UpdateCache({ self: 'nobody', maxBytes: 10_000 })
    for (let round = 1; round <= 5; round++) {
      cache.put({ signed: await header(bob, round, round, bytes(10, round)), payload: bytes(10, round) })
    }
    expect(cache.size).toBe(3)
    const { header: { payloadHash } } = await header(bob, 4, 4, bytes(10, 4))
    expect(cache.withPayload(author, payloadHash)?.signed.header.round).toBe(4)
    expect(cache.withPayload(author, bytes(32))).toBeUndefined()
  })
})

describe('a rate limit', () => {
  it('never gives more than the burst and the rate allow', () => {
    fc.assert(fc.property(fc.array(fc.record({ wait: fc.nat(2_000), cost: fc.integer({ min: 1, max: 20 }) }), { maxLength: 100 }), (steps) => {
      const clock = manualClock()
      const limit = createRateLimit(clock, { perSecond: 5, burst: 30 })
      const startMs = clock.monotonicMs()
      let taken = 0
      for (const { wait, cost } of steps) {
        clock.advance(wait)
        taken += limit.take('key', cost) ? cost : 0
        expect(taken).toBeLessThanOrEqual(30 + (clock.monotonicMs() - startMs) / 1_000 * 5 + 1e-6)
      }
    }))
  })

  it('lets a key run into debt when it is charged, and says how long it takes to pay', () => {
    const clock = manualClock()
    const limit = createRateLimit(clock, { perSecond: 5, burst: 10 })
    expect([limit.charge('key', 10), limit.charge('key', 5), limit.charge('other', 1)]).toEqual([0, 1_000, 0])
    clock.advance(600)
    expect(limit.charge('key', 0)).toBeCloseTo(400)
    clock.advance(1_000)
    expect([limit.charge('key', 0), limit.take('key', 4), limit.take('key', 3)]).toEqual([0, false, true])
  })

  it('remembers a bounded number of keys', () => {
    const limit = createRateLimit(manualClock(), { perSecond: 0, burst: 1, maxKeys: 2 })
    expect([limit.take('a', 1), limit.take('a', 1), limit.take('b', 1), limit.take('c', 1), limit.take('a', 1)]).toEqual([true, false, true, true, true])
  })
})

describe('Reputation', () => {
  it('lets no ban that was made while the clock was ahead last longer than any ban does', async () => {
    const day = 86_400_000
    const store = new MemoryBans()
    await store.putBan({ peer: 'a', reason: 'malformed', until: 100 * day })
    let nowMs = day
    const reputation = new Reputation({ store, clock: { ...manualClock(), now: () => nowMs } })
    await reputation.load()
    expect(reputation.isBanned('a')).toBe(true)
    nowMs += day + 1
    expect(reputation.isBanned('a')).toBe(false)
  })

  it('forgives what fades before it adds up', () => {
    const clock = manualClock()
    const reputation = new Reputation({ store: new MemoryBans(), clock })
    for (let i = 0; i < 20; i++) {
      reputation.penalise('peer', 'malformed')
      clock.advance(1_200_000)
    }
    expect(reputation.isBanned('peer')).toBe(false)
    expect(reputation.points('peer')).toBeLessThan(BAN_POINTS / 2)
  })

  it('bans, tells, keeps the ban, and lets it end; the next one is longer', async () => {
    const clock = manualClock()
    const store = new MemoryBans()
    const reputation = new Reputation({ store, clock })
    const told: string[] = []
    reputation.addEventListener('ban', ({ detail }) => { told.push(detail.peer) })
    reputation.penalise('peer', 'equivocation')
    expect([reputation.isBanned('peer'), told]).toEqual([true, ['peer']])

    const restarted = new Reputation({ store, clock })
    await restarted.load()
    expect(restarted.isBanned('peer')).toBe(true)

    clock.advance(1_800_001)
    expect([reputation.isBanned('peer'), restarted.isBanned('peer')]).toEqual([false, false])
    reputation.penalise('peer', 'equivocation')
    clock.advance(1_800_001)
    expect(reputation.isBanned('peer')).toBe(true)
  })

  it('does not ban anyone for models that the rule left out', () => {
    const reputation = new Reputation({ store: new MemoryBans(), clock: manualClock() })
    for (let i = 0; i < 1_000; i++) {
      reputation.penalise('peer', 'distance-gate')
    }
    expect(reputation.isBanned('peer')).toBe(false)
  })

  it('remembers a bounded number of bans, those with a proof before the others', () => {
    const clock = manualClock()
    const reputation = new Reputation({ store: new MemoryBans(), clock })
    reputation.penalise('liar', 'equivocation', 'proof')
    for (let i = 0; i < 2 * MAX_BANS; i++) {
      clock.advance(1)
      reputation.penalise(`stranger-${i}`, 'equivocation')
    }
    expect(reputation.banned()).toHaveLength(MAX_BANS)
    expect(reputation.isBanned('liar')).toBe(true)
    expect(reputation.isBanned('stranger-0')).toBe(false)
    expect(reputation.isBanned(`stranger-${2 * MAX_BANS - 1}`)).toBe(true)
  })

  it('reads no more bans of earlier runs than it remembers', async () => {
    const clock = manualClock()
    const store = new MemoryBans()
    store.list.push(...Array.from({ length: MAX_BANS + 5 }, (_, i) => ({ peer: `stranger-${i}`, reason: 'malformed', until: clock.now() + i + 1 })))
    const reputation = new Reputation({ store, clock })
    await reputation.load()
    expect(reputation.banned()).toHaveLength(MAX_BANS)
  })

  it('holds a ban that cannot be stored, and says so', async () => {
    const store = { bans: async () => [], putBan: async () => { throw new TypeError('disk full') } }
    const reputation = new Reputation({ store, clock: manualClock() })
    const told = new Promise<Error>((resolve) => { reputation.addEventListener('error', ({ detail }) => { resolve(detail) }) })
    reputation.penalise('peer', 'equivocation')
    expect((await told).message).toBe('disk full')
    expect(reputation.isBanned('peer')).toBe(true)
  })
})

describe('Limiter', () => {
  it('runs no more tasks at a time than it may, and all of them in the end', async () => {
    const limiter = new Limiter(3)
    let running = 0
    let most = 0
    const results = await Promise.all(Array.from({ length: 20 }, async (_, index) => limiter.run(async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return index
    })))
    expect(most).toBe(3)
    expect(results).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  it('lets those go who wait no longer, and nobody else', async () => {
    const limiter = new Limiter(1)
    const abort = new AbortController()
    const began: string[] = []
    const first = Promise.withResolvers<undefined>()
    const task = (name: string) => async (): Promise<void> => { began.push(name) }
    const running = limiter.run(async () => first.promise, { signal: abort.signal })
    const impatient = limiter.run(task('impatient'), { signal: abort.signal })
    const patient = limiter.run(task('patient'))
    abort.abort(new RangeError('too late'))
    await expect(impatient).rejects.toThrow('too late')
    await expect(limiter.run(task('late'), { signal: abort.signal })).rejects.toThrow('too late')
    first.resolve(undefined)
    await Promise.all([running, patient, limiter.run(task('last'))])
    expect(began).toEqual(['patient', 'last'])
  })

  it('gives a place back whose owner went when its turn had come', async () => {
    const limiter = new Limiter(1)
    const abort = new AbortController()
    const first = Promise.withResolvers<undefined>()
    const running = limiter.run(async () => first.promise)
    const second = limiter.run(async () => 2, { signal: abort.signal })
    const third = limiter.run(async () => 3)
    first.resolve(undefined)
    void running.then(() => { abort.abort() })
    expect(await Promise.allSettled([second, third])).toMatchObject([{ value: 2 }, { value: 3 }])
  })
})
