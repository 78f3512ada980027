import { streamPair } from '@libp2p/utils'
import { TypedEventEmitter } from 'main-event'
import { describe, expect, test } from 'vitest'
import { ExchangeLink } from '../../src/network/members/exchange-link.ts'
import { ManualClock } from '../manual-clock.ts'
import type { ExchangeLinkComponents } from '../../src/network/members/exchange-link.ts'

/** A peer that takes every stream and resets it at once */
function resetting (): { libp2p: ExchangeLinkComponents['libp2p'], opened: () => number } {
  let opened = 0
  const newStream = async (): Promise<unknown> => {
    opened++
    return Object.assign(new TypedEventEmitter(), { status: 'reset', close: async () => {} })
  }
  return { libp2p: { getConnections: () => [{ status: 'open', newStream }] } as unknown as ExchangeLinkComponents['libp2p'], opened: () => opened }
}

describe('the link to a peer that resets every stream', () => {
  test('waits longer each time: every new stream costs the whole list', async () => {
    const clock = new ManualClock()
    const { libp2p, opened } = resetting()
    const link = new ExchangeLink({ libp2p, clock }, { peer: 'peer' as never, protocol: '/test', snapshot: () => [], needed: false, batchMs: 0 })
    link.start()
    const waits: number[] = []
    for (let attempt = 1; attempt <= 6; attempt++) {
      await clock.waited()
      expect(opened()).toBe(attempt)
      waits.push(clock.nextInMs!)
      clock.advance(clock.nextInMs!)
    }
    await link.stop()
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000])
  })
})

describe('a link that is stopped while it gathers what to send next', () => {
  test('waits for no clock', async () => {
    const clock = new ManualClock()
    const [stream] = await streamPair()
    const libp2p = { getConnections: () => [{ status: 'open', newStream: async () => stream }] } as unknown as ExchangeLinkComponents['libp2p']
    const link = new ExchangeLink({ libp2p, clock }, { peer: 'peer' as never, protocol: '/test', snapshot: () => [], needed: false, batchMs: 100 })
    link.start()
    while (!link.beat()) {
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    link.setNeeded(true)
    await clock.waited()
    await link.stop()
    expect(clock.nextInMs).toBeUndefined()
  })
})
