import { describe, expect, test } from 'vitest'
import { AddressBook, MAX_BOOK_ADDRESSES, MAX_BOOK_PEERS } from '../../src/network/connections/address-book.ts'
import { Liveness } from '../../src/network/connections/liveness.ts'
import { QuietPeriod } from '../../src/network/support/quiet-period.ts'
import { RedialSchedule } from '../../src/network/connections/redial-schedule.ts'
import { ManualClock } from '../manual-clock.ts'
import { memoryPeerStore } from './mesh.ts'
import type { LivenessComponents } from '../../src/network/connections/liveness.ts'

describe('the address book', () => {
  test('survives the process and puts what worked last first', async () => {
    const store = memoryPeerStore()
    const clock = new ManualClock()
    const book = new AddressBook({ store, clock }, 'self')
    book.worked('a', ['/ip4/1.1.1.1/tcp/1'])
    clock.advance(1_000)
    book.worked('b', ['/ip4/2.2.2.2/tcp/2', '/ip4/10.0.0.2/tcp/2'])
    book.worked('a', [])
    clock.advance(1_000)
    book.worked('b', ['/ip4/3.3.3.3/tcp/2'])
    book.worked('self', ['/ip4/4.4.4.4/tcp/2'])
    await book.flush()
    const again = new AddressBook({ store, clock }, 'self')
    await again.load()
    expect(again.entries().map(({ peer }) => peer)).toEqual(['b', 'a'])
    expect(again.addresses('b')).toEqual(['/ip4/3.3.3.3/tcp/2', '/ip4/2.2.2.2/tcp/2', '/ip4/10.0.0.2/tcp/2'])
  })

  test('the address that was dialled with success stays the first, whoever dialled since and whatever the peer announces', async () => {
    const store = memoryPeerStore()
    const clock = new ManualClock()
    const book = new AddressBook({ store, clock }, 'self')
    book.worked('a', ['/ip4/192.168.1.9/tcp/1'], ['/ip4/10.8.0.2/tcp/1', '/ip4/192.168.1.9/tcp/1'])
    book.worked('a', [], ['/ip4/10.8.0.2/tcp/1', '/ip4/192.168.1.9/tcp/1'])
    expect(book.addresses('a')).toEqual(['/ip4/192.168.1.9/tcp/1', '/ip4/10.8.0.2/tcp/1'])
    await book.flush()
    const again = new AddressBook({ store, clock }, 'self')
    await again.load()
    again.worked('a', [], Array.from({ length: 9 }, (_, index) => `/ip4/10.9.0.${index}/tcp/1`))
    expect(again.proven('a')).toBe('/ip4/192.168.1.9/tcp/1')
    expect(again.addresses('a')[0]).toBe('/ip4/192.168.1.9/tcp/1')
    again.worked('a', ['/ip4/10.9.0.3/tcp/1'])
    expect(again.addresses('a').slice(0, 2)).toEqual(['/ip4/10.9.0.3/tcp/1', '/ip4/192.168.1.9/tcp/1'])
  })

  test('is bounded: the peer that worked longest ago makes room, and old addresses do', async () => {
    const store = memoryPeerStore()
    const clock = new ManualClock()
    const book = new AddressBook({ store, clock }, 'self')
    for (let index = 0; index < MAX_BOOK_PEERS + 5; index++) {
      clock.advance(1)
      book.worked(`peer-${index}`, [`/ip4/1.1.1.1/tcp/${index + 1}`])
    }
    for (let port = 1; port < 20; port++) {
      book.worked('peer-100', [`/ip4/1.1.1.2/tcp/${port}`])
    }
    await book.flush()
    expect(store.held.size).toBe(MAX_BOOK_PEERS)
    expect(store.held.has('peer-4')).toBe(false)
    expect(store.held.get('peer-100')!.addresses).toHaveLength(MAX_BOOK_ADDRESSES)
  })

  test('a clock that was wrong once costs nobody a place, and does not decide who is dialled first', async () => {
    const store = memoryPeerStore()
    const day = 86_400_000
    let nowMs = 1_000 * day
    const clock = { now: () => nowMs, monotonicMs: () => 5 }
    const book = new AddressBook({ store, clock }, 'self')
    book.worked('early', ['/ip4/1.1.1.1/tcp/1'])
    await book.flush()
    nowMs += 100 * day
    const ahead = new AddressBook({ store, clock }, 'self')
    await ahead.load()
    ahead.worked('ahead', ['/ip4/1.1.1.1/tcp/2'])
    await ahead.flush()
    nowMs -= 200 * day
    const back = new AddressBook({ store, clock }, 'self')
    await back.load()
    expect(back.entries().map(({ peer }) => peer)).toEqual(['ahead', 'early'])
    // when that was is not known: no reason to expect it here
    expect(back.connectedWithin('ahead', 600_000)).toBe(false)
    back.worked('early', [])
    expect(back.connectedWithin('early', 600_000)).toBe(true)
    await back.flush()
    const again = new AddressBook({ store, clock }, 'self')
    await again.load()
    expect(again.entries().map(({ peer }) => peer)).toEqual(['early', 'ahead'])
  })

  test('a store that cannot be written does not disturb anybody', async () => {
    const store = { ...memoryPeerStore(), putPeer: async () => await Promise.reject(new RangeError('disk full')) }
    const book = new AddressBook({ store, clock: new ManualClock() }, 'self')
    book.worked('a', ['/ip4/1.1.1.1/tcp/1'])
    await book.flush()
    expect(book.addresses('a')).toEqual(['/ip4/1.1.1.1/tcp/1'])
  })

  test('who said goodbye is not missed until it is here again', () => {
    const book = new AddressBook({ store: memoryPeerStore(), clock: new ManualClock() }, 'self')
    book.worked('a', ['/ip4/1.1.1.1/tcp/1'])
    book.left('a')
    expect(book.hasLeft('a')).toBe(true)
    book.worked('a', [])
    expect(book.hasLeft('a')).toBe(false)
  })
})

describe('the redial schedule', () => {
  test('doubles the wait up to its bound, with jitter, and for ever', () => {
    const clock = new ManualClock()
    for (const [jitter, factor] of [[0, 0.75], [0.999, 1.25]] as const) {
      const schedule = new RedialSchedule({ clock, random: () => jitter, firstMs: 1_000 })
      expect(schedule.isDue('a')).toBe(true)
      for (const waitMs of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]) {
        schedule.failed('a', 10_000)
        clock.advance(waitMs * factor - 10)
        expect(schedule.isDue('a')).toBe(false)
        clock.advance(20)
        expect(schedule.isDue('a')).toBe(true)
      }
    }
  })

  test('begins anew after news', () => {
    const clock = new ManualClock()
    const schedule = new RedialSchedule({ clock, random: () => 0.5, firstMs: 1_000 })
    schedule.failed('a', 10_000)
    schedule.failed('a', 10_000)
    schedule.reset('a', 500)
    expect(schedule.isDue('a')).toBe(false)
    clock.advance(500)
    expect(schedule.isDue('a')).toBe(true)
    schedule.failed('a', 10_000)
    clock.advance(1_000)
    expect(schedule.isDue('a')).toBe(true)
    schedule.failed('b', 10_000)
    schedule.retain(new Set(['a']))
    expect(schedule.isDue('b')).toBe(true)
  })
})

describe('liveness', () => {
  class Scene {
    readonly clock = new ManualClock()
    received = 0
    cut = 0
    beats = 0
    pings = 0
    returns = 0
    readonly liveness: Liveness

    constructor (canBeat = true) {
      const peer = { toString: () => 'a' }
      const connection = { status: 'open', abort: () => { this.cut++ } }
      const host = {
        receivedOn: () => this.received,
        libp2p: {
          getPeers: () => this.cut > 0 ? [] : [peer],
          getConnections: () => [connection],
          services: { ping: { ping: async () => { this.pings++ } } }
        }
      }
      const beat = (): boolean => {
        this.beats++
        return canBeat
      }
      const onReturn = (): void => { this.returns++ }
      this.liveness = new Liveness({ host: host as unknown as LivenessComponents['host'], clock: this.clock }, { beat, onReturn })
    }

    run (seconds: number, eachSecond: (second: number) => void = () => {}): void {
      for (let second = 1; second <= seconds && this.cut === 0; second++) {
        eachSecond(second)
        this.clock.advance(1_000)
        this.liveness.tick()
      }
    }
  }

  test('a peer without a byte is cut off within fifteen seconds', () => {
    const scene = new Scene()
    scene.run(11)
    expect(scene.cut).toBe(0)
    scene.run(4)
    expect(scene.cut).toBe(1)
  })

  test('a trickle of bytes is life, for hours', () => {
    const scene = new Scene()
    scene.run(7_200, (second) => { scene.received += second % 10 === 0 ? 1 : 0 })
    expect(scene.cut).toBe(0)
    expect(scene.beats).toBe(1_800)
    expect(scene.pings).toBe(0)
  })

  test('a peer that stood still and was not cut off is told of when it is back, a slow one that beats is not', () => {
    const scene = new Scene()
    scene.run(60, (second) => { scene.received += second % 5 === 0 ? 1 : 0 })
    expect(scene.returns).toBe(0)
    scene.run(8)
    expect(scene.returns).toBe(0)
    scene.run(20, () => { scene.received += 1 })
    expect(scene.returns).toBe(1)
    expect(scene.cut).toBe(0)
    // and not where this process stood still itself
    scene.clock.advance(9_000)
    scene.run(5, () => { scene.received += 1 })
    expect(scene.returns).toBe(1)
  })

  test('a process that stood still itself gives the others their time again', () => {
    const scene = new Scene()
    scene.run(5)
    scene.clock.advance(60_000)
    scene.run(10)
    expect(scene.cut).toBe(0)
    scene.run(5)
    expect(scene.cut).toBe(1)
  })

  test('a peer that does not speak our protocol is pinged', () => {
    const scene = new Scene(false)
    scene.run(9)
    expect(scene.pings).toBe(3)
  })
})

describe('a quiet period', () => {
  test('waits until the news stops, but not for ever', async () => {
    const clock = new ManualClock()
    let calls = 0
    const { signal } = new AbortController()
    const quiet = new QuietPeriod({ clock, quietMs: () => 100, maxWaitMs: 1_000, signal, onQuiet: () => { calls++ } })
    const pass = async (ms: number): Promise<void> => {
      clock.advance(ms)
      for (let turn = 0; turn < 5; turn++) {
        await Promise.resolve()
      }
    }
    quiet.news()
    await pass(60)
    quiet.news()
    await pass(60)
    expect(calls).toBe(0)
    await pass(60)
    expect(calls).toBe(1)
    for (let index = 0; index < 30; index++) {
      quiet.news()
      await pass(50)
    }
    expect(calls).toBe(2)
  })
})
