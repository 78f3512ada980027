/**
 * The exchange of one round: who hears what, until when, under which numbers
 */
import { describe, expect, it } from 'vitest'
import { failure } from '../../src/contracts/helpers.ts'
import { RoundExchange } from '../../src/round/exchange.ts'
import { StepInbox } from '../../src/round/step-inbox.ts'
import { systemClock } from '../../src/system-clock.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { Clock } from '../../src/interface.ts'
import type { RoundExchangeInit } from '../../src/round/exchange.ts'
import type { MemoryNetwork } from './memory-network.ts'

const LIMITS = { protocol: 'test', steps: 3, maxBytes: 100 }
const DEADLINE_MS = 1_000
const never = new AbortController().signal

interface Side {
  network: MemoryNetwork
  inbox: StepInbox
  exchange: (round?: number, init?: Partial<RoundExchangeInit>) => RoundExchange
}

function sidesOf (names: string[], clock: Clock = systemClock): Side[] {
  const hub = new MemoryHub({ steps: LIMITS })
  const networks = names.map((name) => hub.join(name))
  return networks.map((network) => {
    const inbox = new StepInbox(network, LIMITS)
    const peers = names.filter((name) => name !== network.self)
    const exchange: Side['exchange'] = (round = 1, init = {}) => {
      inbox.setRound(round)
      return new RoundExchange({ network, clock, inbox }, { limits: LIMITS, numbers: { round, first: 100 * round, count: 2 * peers.length, peers }, deadlineMs: DEADLINE_MS, signal: never, ...init })
    }
    return { network, inbox, exchange }
  })
}

describe('an exchange', () => {
  it('brings a message to the one that it is for, however early it was sent', async () => {
    const [a, b, c] = sidesOf(['a', 'b', 'c'])
    const [atA, atC] = [a!.exchange(), c!.exchange()]
    expect(atA.peers).toEqual(['b', 'c'])
    expect(await atA.send('b', 1, Uint8Array.of(7))).toBe(true)
    // it came before b was in its round
    expect(await b!.exchange().collect(1, { from: ['a'] })).toEqual(new Map([['a', Uint8Array.of(7)]]))
    expect(await atC.collect(1, { from: ['a'], deadlineMs: 1 })).toEqual(new Map())
  })

  it('collects what comes later, from all that are asked for, ascending', async () => {
    const [a, b, c] = sidesOf(['a', 'b', 'c'])
    const collecting = a!.exchange().collect(1, { from: ['c', 'b'] })
    await c!.exchange().broadcast(1, Uint8Array.of(3))
    await b!.exchange().send('a', 1, Uint8Array.of(2))
    expect([...await collecting]).toEqual([['b', Uint8Array.of(2)], ['c', Uint8Array.of(3)]])
  })

  it('says who has a broadcast', async () => {
    const [a, b] = sidesOf(['a', 'b', 'c'])
    b!.network.deafTo.add('a')
    expect(await a!.exchange().broadcast(1, Uint8Array.of(1))).toEqual(['c'])
  })

  it('waits no longer than the federation\'s deadline, whatever the protocol asks for', async () => {
    const clock = new ManualClock()
    const [a] = sidesOf(['a', 'b'], clock)
    const collecting = a!.exchange().collect(1, { from: ['b'], deadlineMs: 1_000_000 })
    await clock.waited()
    expect(clock.nextInMs).toBe(DEADLINE_MS)
    clock.advance(DEADLINE_MS)
    expect(await collecting).toEqual(new Map())
  })

  it('waits for nobody who is gone, or in a later round already', async () => {
    const [a, b, c] = sidesOf(['a', 'b', 'c'], new ManualClock())
    const collecting = a!.exchange().collect(1, { from: ['b', 'c'] })
    await c!.network.publish({ round: 2, sequence: 2, codec: 'x', degree: 1, payload: Uint8Array.of(1) })
    await b!.network.stop()
    // no timer of this clock ever fires
    expect(await collecting).toEqual(new Map())
  })

  it('keeps what a faster peer says of the next two rounds, and drops what is past', async () => {
    const [a, b] = sidesOf(['a', 'b'])
    a!.exchange(2)
    for (const round of [1, 2, 3, 4, 5]) {
      await b!.exchange(round).send('a', 1, Uint8Array.of(round))
    }
    expect([1, 2, 3, 4, 5].map((round) => a!.inbox.get(round, 1, 'b')?.[0])).toEqual([undefined, 2, 3, 4, undefined])
    a!.inbox.setRound(4)
    expect([2, 3, 4].map((round) => a!.inbox.get(round, 1, 'b')?.[0])).toEqual([undefined, undefined, 4])
  })

  it('hears one thing from each peer in a step: the first', async () => {
    const [a, b] = sidesOf(['a', 'b'])
    await b!.network.send({ round: 1, step: 1, sequence: 1, payload: Uint8Array.of(1), to: 'a' })
    await b!.network.send({ round: 1, step: 1, sequence: 2, payload: Uint8Array.of(2), to: ['a'] })
    expect(await a!.exchange().collect(1, { from: ['b'] })).toEqual(new Map([['b', Uint8Array.of(1)]]))
  })

  it('uses each number that was taken for the round once, and none beyond them', async () => {
    const [a] = sidesOf(['a', 'b', 'c'])
    const exchange = a!.exchange(1, { numbers: { round: 1, first: 500, count: 3, peers: ['b', 'c'] } })
    expect(await exchange.send('b', 1, Uint8Array.of(1))).toBe(true)
    expect(await exchange.send('c', 1, Uint8Array.of(1))).toBe(true)
    expect(await exchange.broadcast(2, Uint8Array.of(1))).toEqual(['b', 'c'])
    expect(a!.network.said.map(({ sequence }) => sequence)).toEqual([500, 501, 502])
    const short = a!.exchange(2, { numbers: { round: 2, first: 600, count: 1, peers: ['b', 'c'] } })
    expect([await short.send('b', 1, Uint8Array.of(1)), await short.send('c', 1, Uint8Array.of(1))]).toEqual([true, false])
  })

  it('speaks to live neighbours that the own update counted, and to nobody who came since', async () => {
    const [a, b] = sidesOf(['a', 'b', 'c', 'd'])
    await b!.network.stop()
    expect(a!.exchange(1, { numbers: { round: 1, first: 1, count: 4, peers: ['b', 'c'] } }).peers).toEqual(['c'])
  })

  it('refuses what a protocol must not ask for', async () => {
    const [a] = sidesOf(['a', 'b', 'c'])
    const exchange = a!.exchange()
    const one = Uint8Array.of(1)
    expect(await failure(exchange.send('x', 1, one))).toMatch(/^TypeError: x is no peer/)
    expect(await failure(exchange.send('b', 0, one))).toMatch(/^RangeError: the steps/)
    expect(await failure(exchange.broadcast(3, one))).toMatch(/^RangeError: the steps/)
    expect(await failure(exchange.collect(3, { from: [] }))).toMatch(/^RangeError: the steps/)
    expect(await failure(exchange.send('b', 1, new Uint8Array(0)))).toMatch(/^RangeError: a message/)
    expect(await failure(exchange.send('b', 1, new Uint8Array(101)))).toMatch(/^RangeError: a message/)
    expect(await exchange.send('b', 1, one)).toBe(true)
    expect(await failure(exchange.send('b', 1, one))).toMatch(/^TypeError: in step 1/)
    expect(await failure(exchange.broadcast(1, one))).toMatch(/^TypeError: in step 1/)
    expect(await exchange.broadcast(2, one)).toEqual(['b', 'c'])
    expect(await failure(exchange.send('b', 2, one))).toMatch(/^TypeError: in step 2/)
    expect(a!.network.said).toHaveLength(2)
  })

  it('ends with the round: nothing is said or waited for afterwards', async () => {
    const over = new AbortController()
    const [a] = sidesOf(['a', 'b'], new ManualClock())
    const exchange = a!.exchange(1, { signal: over.signal })
    const collecting = failure(exchange.collect(1, { from: ['b'] }))
    over.abort(new TypeError('the round is over'))
    expect(await collecting).toBe('TypeError: the round is over')
    expect(await failure(exchange.send('b', 1, Uint8Array.of(1)))).toBe('TypeError: the round is over')
    expect(a!.network.said).toEqual([])
  })
})
