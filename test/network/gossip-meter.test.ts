import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { GossipMeter } from '../../src/network/gossip-meter.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Libp2p, Stream } from '@libp2p/interface'

/** An inbound gossip stream: what was given to `watch`, and a way to let bytes arrive */
function watched (buffered: Uint8Array = new Uint8Array(0)): { receive: (bytes: Uint8Array) => void, refused: string[], passed: number[], connect: () => void } {
  const passed: number[] = []
  const refused: string[] = []
  let isConnected = true
  const stream = {
    direction: 'inbound',
    protocol: '/meshsub/1.2.0',
    readBuffer: new Uint8ArrayList(Uint8Array.from(buffered)),
    onData: (data: Uint8Array) => { passed.push(data.byteLength) }
  }
  const connection = { streams: [stream], remotePeer: { toString: () => 'sender' } }
  const libp2p = { getConnections: () => isConnected ? [connection] : [] } as unknown as Libp2p
  const meter = new GossipMeter({ clock: new ManualClock(), refuse: (peer, reason) => { refused.push(`${peer} ${reason}`) } })
  isConnected = false
  meter.watch(stream as unknown as Stream, () => libp2p)
  return { receive: (bytes) => { stream.onData(bytes) }, refused, passed, connect: () => { isConnected = true } }
}

/** A frame of `count` messages of `length` zero bytes each, both below 128 */
function frame (count: number, length: number): Uint8Array {
  const content = Buffer.concat(Array.from({ length: count }, () => Uint8Array.of(2 << 3 | 2, length, ...new Uint8Array(length))))
  return Buffer.concat([Uint8Array.of(content.byteLength & 0x7f | 0x80, content.byteLength >> 7), content])
}

describe('the meter of gossip streams', () => {
  it('counts messages, however many of them one frame carries', () => {
    const { receive, refused, connect } = watched()
    connect()
    for (let i = 0; i < 40; i++) {
      receive(frame(64, 60))
    }
    expect(refused).toEqual([])
    for (let i = 0; i < 20; i++) {
      receive(frame(64, 60))
    }
    expect(refused).toContain('sender rate')
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
