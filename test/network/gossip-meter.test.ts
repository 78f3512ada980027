import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { GossipMeter } from '../../src/network/host/gossip-meter.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { Rank } from '../../src/network/host/peer-ranks.ts'

interface Watched {
  receive: (bytes: Uint8Array) => void
  refused: string[]
  passed: number[]
  connect: () => void
  isPaused: () => boolean
  clock: ManualClock
  meter: GossipMeter
}

/** An inbound gossip stream: what was given to `watch`, and a way to let bytes arrive */
function watched (buffered: Uint8Array = new Uint8Array(0), rank: Rank = 'member'): Watched {
  const clock = new ManualClock()
  const passed: number[] = []
  const refused: string[] = []
  let isConnected = true
  const stream = {
    direction: 'inbound',
    readStatus: 'readable',
    pause: () => { stream.readStatus = 'paused' },
    resume: () => { stream.readStatus = 'readable' },
    addEventListener: () => {},
    removeEventListener: () => {},
    protocol: '/meshsub/1.2.0',
    readBuffer: new Uint8ArrayList(Uint8Array.from(buffered)),
    onData: (data: Uint8Array) => { passed.push(data.byteLength) }
  }
  const connection = { streams: [stream], remotePeer: { toString: () => 'sender' } }
  const libp2p = { getConnections: () => isConnected ? [connection] : [] } as unknown as Libp2p
  const meter = new GossipMeter({ clock, ranks: { of: () => rank }, refuse: (peer, reason) => { refused.push(`${peer} ${reason}`) } })
  isConnected = false
  meter.watch(stream as unknown as Stream, () => libp2p)
  return {
    receive: (bytes) => { stream.onData(bytes) },
    refused,
    passed,
    connect: () => { isConnected = true },
    isPaused: () => stream.readStatus === 'paused',
    clock,
    meter
  }
}

/** A frame of `count` messages of `length` zero bytes each, both below 128 */
function frame (count: number, length: number): Uint8Array {
  const content = Buffer.concat(Array.from({ length: count }, () => Uint8Array.of(2 << 3 | 2, length, ...new Uint8Array(length))))
  return Buffer.concat([Uint8Array.of(content.byteLength & 0x7f | 0x80, content.byteLength >> 7), content])
}

describe('the meter of gossip streams', () => {
  it('reads a peer more slowly that sends more than its allowance, however many messages a frame carries, and blames it for nothing', async () => {
    const { receive, refused, connect, clock, isPaused } = watched()
    connect()
    for (let i = 0; i < 40; i++) {
      receive(frame(64, 60))
    }
    expect(isPaused()).toBe(false)
    for (let i = 0; i < 20; i++) {
      receive(frame(64, 60))
    }
    expect(isPaused()).toBe(true)
    // 3,840 messages, of which 3,000 are free: the pause lasts until the 840 are paid for, at 500 a second
    const owed = 60 * 64 - 3_000
    const startMs = clock.now()
    while (isPaused()) {
      clock.advance(20)
      await new Promise((resolve) => { setImmediate(resolve) })
    }
    expect(clock.now() - startMs).toBeGreaterThanOrEqual(owed / 500 * 1_000)
    expect(clock.now() - startMs).toBeLessThan(owed / 500 * 1_000 + 100)
    expect(refused).toEqual([])
  })

  it('hears a stranger less than a member, and less again when it sends old messages', () => {
    const messages = (rank: Rank, replays: number): number => {
      const { receive, connect, isPaused, meter } = watched(new Uint8Array(0), rank)
      connect()
      let count = 0
      for (; !isPaused() && count < 10_000; count++) {
        receive(frame(1, 60))
        if (count < replays) {
          meter.chargeReplay('sender')
        }
      }
      return count
    }
    expect(messages('neighbour', 0)).toBe(3_001)
    expect(messages('member', 0)).toBe(3_001)
    expect(messages('stranger', 0)).toBe(1_001)
    expect(messages('stranger', 40)).toBe(1_001 - 40 * 20)
  })

  it('leaves a peer alone that sends one message in each frame', () => {
    const { receive, refused, connect } = watched()
    connect()
    for (let i = 0; i < 2_000; i++) {
      receive(frame(1, 60))
    }
    expect(refused).toEqual([])
  })

  it('stays in step with a frame that began to arrive while the stream was being set up', () => {
    const whole = frame(64, 60)
    const { receive, refused, connect } = watched(whole.subarray(0, 1_000))
    connect()
    receive(whole.subarray(1_000))
    receive(frame(1, 10))
    expect(refused).toEqual([])
  })

  it('stays in step while the connection of the stream is not known yet', () => {
    const whole = frame(64, 60)
    const { receive, refused, connect, passed } = watched()
    receive(whole.subarray(0, 1_000))
    connect()
    receive(whole.subarray(1_000))
    expect(refused).toEqual([])
    expect(passed).toEqual([1_000, whole.byteLength - 1_000])
    receive(Uint8Array.of(3, 0xff, 0xff, 0xff))
    expect(refused).toEqual(['sender malformed'])
  })

  it('does not let one piece of garbage become thousands of events', () => {
    const { receive, refused, connect } = watched()
    connect()
    receive(Buffer.concat(Array.from({ length: 1_000 }, () => Uint8Array.of(1, 0))))
    expect(refused.filter((refusal) => refusal === 'sender malformed').length).toBeLessThanOrEqual(5)
    expect(refused).toContain('sender malformed')
  })
})
