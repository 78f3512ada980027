/**
 * Streams of gossip in a mesh that starts: none waits for another, and what failed is tried again
 */
import { describe, expect, it } from 'vitest'
import { until } from '../../src/contracts/helpers.ts'
import { DeafWatchdog } from '../../src/network/connections/deaf-watchdog.ts'
import { openAtOnce } from '../../src/network/host/gossip-streams.ts'
import type { Connection, PeerId, Stream } from '@libp2p/interface'

describe('streams of gossip', () => {
  const peerOf = (name: string): PeerId => ({ toString: () => name }) as unknown as PeerId
  const connectionOf = (id: string): Connection => ({ id }) as unknown as Connection

  it('do not wait for each other, and one peer has one attempt at a time', async () => {
    const opened: string[] = []
    const ends: Array<() => void> = []
    const router = {
      createOutboundStream: async (peer: PeerId, { id }: Connection): Promise<void> => {
        opened.push(`${peer.toString()} ${id}`)
        await new Promise<void>((resolve) => { ends.push(resolve) })
      }
    }
    openAtOnce(router)
    await router.createOutboundStream(peerOf('mute'), connectionOf('1'))
    await router.createOutboundStream(peerOf('other'), connectionOf('2'))
    await router.createOutboundStream(peerOf('mute'), connectionOf('3'))
    await router.createOutboundStream(peerOf('mute'), connectionOf('4'))
    expect(opened).toEqual(['mute 1', 'other 2'])
    ends[0]!()
    await until(() => opened.length === 3)
    expect(opened[2]).toBe('mute 4')
  })

  it('that a peer lacks are opened again before its connection is given up', () => {
    let nowMs = 0
    const attempts: string[] = []
    const hungUp: string[] = []
    const libp2p = {
      getPeers: () => [peerOf('a')],
      getConnections: () => [{ id: '1', status: 'open', streams: [] as Stream[] }],
      hangUp: async (peer: PeerId) => { hungUp.push(`${peer.toString()} at ${nowMs}`) }
    }
    const pubsub = {
      getPeers: () => [],
      streamsOutbound: new Map(),
      onPeerConnected: (peer: PeerId, { id }: Connection) => { attempts.push(`${peer.toString()} ${id} at ${nowMs}`) }
    }
    const watchdog = new DeafWatchdog({ host: { libp2p, pubsub } as never, clock: { monotonicMs: () => nowMs } }, { deafMs: 8_000 })
    for (; nowMs <= 8_000; nowMs += 1_000) {
      watchdog.tick()
    }
    expect(attempts.slice(0, 3)).toEqual(['a 1 at 2000', 'a 1 at 4000', 'a 1 at 6000'])
    expect(hungUp).toEqual(['a at 8000'])
  })
})
