import { connect } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { afterEach, describe, expect, it } from 'vitest'
import { rangeOf } from '../../src/network/host/address-range.ts'
import { Doors } from '../../src/network/host/doors.ts'
import { connectionLimits, openFileLimit } from '../../src/network/host/open-files.ts'
import { TransferPlaces } from '../../src/network/updates/transfer-places.ts'
import { signHeader } from '../../src/network/signed/update-header.ts'
import { UpdateRequest } from '../../src/network/wire/update.ts'
import { ManualClock } from '../manual-clock.ts'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { FEDERATION, Stage } from './nodes.ts'
import type { Socket } from 'node:net'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { ConnectionLimits } from '../../src/network/host/open-files.ts'
import type { Rank } from '../../src/network/host/peer-ranks.ts'
import type { TransferPlace } from '../../src/network/updates/transfer-places.ts'
import type { TestNetwork } from './nodes.ts'

const stage = new Stage()
const sockets: Socket[] = []

afterEach(async () => {
  sockets.splice(0).forEach((socket) => { socket.destroy() })
  await stage.strike()
})

/**
 * Connects without a word, and again some seconds after it is cut off, not all at once. Resolves when each has
 * connected
 */
async function silentSockets (count: number, target: TestNetwork): Promise<void> {
  const [, , host, , port] = target.addresses()[0]!.split('/')
  const connected = new Set<number>()
  for (let i = 0; i < count; i++) {
    const open = (): void => {
      const socket = sockets[i] = connect(Number(port), host, () => { connected.add(i) })
      socket.on('error', () => {})
      socket.once('close', () => { sockets[i] === socket && setTimeout(() => { sockets[i] === socket && open() }, 1_000 + 100 * (i % 40)) })
    }
    open()
  }
  await until(() => connected.size === count)
}

describe('a peer whose sockets others take', () => {
  it('still lets a newcomer in', async () => {
    const victim = await stage.network()
    await victim.start()
    await silentSockets(600, victim)
    await until(() => sockets.filter(({ readyState }) => readyState === 'open').length >= 190)
    const newcomer = await stage.startedHost()

    // at the first attempt: who tries often enough finds a gap even where the places are gone
    await newcomer.libp2p.dial(victim.host.libp2p.getMultiaddrs(), { signal: AbortSignal.timeout(15_000) })

    await until(() => victim.connections().some(({ peer }) => peer === newcomer.self))
  })

  it('has no more strangers than it has places for, and lets members and newcomers in none the less', async () => {
    const limits = { connections: 12, strangers: 4, pending: 8 }
    const members = new Set<string>()
    const victim = await stage.startedHost({ connectionLimits: limits, rankOf: (peer) => members.has(peer) ? 'member' : 'stranger' })
    const addresses = victim.libp2p.getMultiaddrs()
    const arrive = async (): Promise<string> => {
      const host = await stage.startedHost()
      await host.libp2p.dial(addresses).catch(() => {})
      return host.self
    }
    for (let i = 0; i < 8; i++) {
      await arrive()
    }
    await until(() => victim.libp2p.getPeers().length <= 4)
    const member = await stage.startedHost()
    members.add(member.self)
    await member.libp2p.dial(addresses)
    const newcomer = await stage.startedHost()
    const isIn = (peer: string): boolean => victim.libp2p.getPeers().some((known) => known.toString() === peer)
    // the last one may have its second to say who it is: who is refused tries again
    while (!isIn(newcomer.self)) {
      await newcomer.libp2p.dial(addresses).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await until(() => victim.libp2p.getPeers().length <= 5)
    expect([isIn(member.self), isIn(newcomer.self)]).toEqual([true, true])
  })
})

/** Takes as many transfers as it can get, and reads the first bytes of each only */
async function slowReader (target: TestNetwork, streams: number): Promise<string> {
  const host = await stage.startedHost()
  await host.libp2p.dial(target.host.libp2p.getMultiaddrs())
  const { header: { author } } = await signHeader(target.privateKey, { federation: FEDERATION, round: 1, sequence: 1, codec: 'float32', degree: 3 }, bytes(1))
  const request = UpdateRequest.encode({ federation: FEDERATION, author, afterSequence: 0, offset: 0 })
  const [connection] = host.libp2p.getConnections()
  let answered = 0
  for (let i = 0; i < streams; i++) {
    const stream = await connection!.newStream(['/grapevine/update/2.0.0'], { maxOutboundStreams: 16, signal: AbortSignal.timeout(30_000) })
    stream.addEventListener('message', () => {
      stream.pause()
      answered++
    }, { once: true })
    stream.send(Uint8Array.of(request.byteLength, ...request))
  }
  await until(() => answered === streams)
  return host.self
}

describe('a peer whose transfers others take', () => {
  it.each<[string, boolean]>([['strangers', false], ['neighbours', true]])('still serves a neighbour beside six slow %s', async (_, areNeighbours) => {
    const [author, reader] = await stage.mesh(2, { maxPayloadBytes: 16_000_000 })
    await author!.publishRound(1, bytes(3_000_000))
    await until(() => reader!.updates.length === 1)
    const slow = await Promise.all(Array.from({ length: 6 }, async () => slowReader(author!, 12)))
    author!.neighbourhood.set([reader!.self, ...areNeighbours ? slow : []].sort())
    await author!.publishRound(2, bytes(200_000, 2))
    await until(() => reader!.updates.length === 2 || reader!.rejected.length > 0)

    expect(reader!.rejected).toEqual([])
    expect(reader!.updates.map(({ round }) => round)).toEqual([1, 2])
  })
})

describe('a puller', () => {
  it('of announced updates does not wait for strangers that answer no question', async () => {
    const [author, reader] = await stage.mesh(2)
    const mute = await Promise.all(Array.from({ length: 16 }, async () => {
      const host = await stage.host()
      await host.libp2p.handle('/grapevine/update/2.0.0', () => {})
      await host.start()
      await host.libp2p.dial(reader!.host.libp2p.getMultiaddrs())
      return host
    }))
    await until(() => reader!.connections().length > mute.length)
    const asked = reader!.pullLatest({ signal: AbortSignal.timeout(20_000) })
    await author!.publishRound(1, bytes(200_000))
    await until(() => reader!.updates.length === 1)
    await Promise.all(mute.map(async (host) => host.stop()))
    await asked
  }, 15_000)
})

describe('places for transfers', () => {
  const at = (address: string) => multiaddr(`/ip4/${address}/tcp/1`)
  const placesOf = (ranks: Record<string, Rank>) => {
    const clock = new ManualClock()
    const places = new TransferPlaces({ clock, ranks: { of: (peer) => ranks[peer] ?? 'stranger' } })
    const fill = (peer: string, address: string, count: number): TransferPlace[] => Array.from({ length: count }, () => places.take(peer, at(address))).filter((place) => place !== undefined)
    return { clock, places, fill }
  }

  it('are few for strangers, fewer for one of them or one range, and for a neighbour always there', () => {
    const { fill } = placesOf({ friend: 'neighbour', member: 'member' })
    expect(fill('a', '192.0.2.1', 12)).toHaveLength(2)
    expect(fill('b', '192.0.2.2', 12)).toHaveLength(2)
    expect(fill('c', '192.0.2.3', 12)).toHaveLength(0)
    expect(fill('d', '198.51.100.1', 12)).toHaveLength(2)
    expect(fill('e', '203.0.113.1', 12)).toHaveLength(2)
    expect(fill('f', '233.252.0.1', 12)).toHaveLength(0)
    expect(fill('member', '192.0.2.4', 12)).toHaveLength(4)
    expect(fill('friend', '192.0.2.5', 20)).toHaveLength(12)
  })

  it('are given to the next when somebody reads too slowly, who has fewer for a while', () => {
    const { clock, fill, places } = placesOf({})
    const [first, second] = fill('slow', '192.0.2.1', 2)
    fill('brisk', '198.51.100.1', 2).forEach(({ moved }) => { moved(100_000_000) })
    fill('other', '203.0.113.1', 2).forEach(({ moved }) => { moved(100_000_000) })
    fill('last', '233.252.0.1', 2).forEach(({ moved }) => { moved(100_000_000) })
    second!.moved(50_000)
    expect(places.take('newcomer', at('198.18.0.1'))).toBeUndefined()
    clock.advance(3_000)
    expect(places.take('newcomer', at('198.18.0.1'))).toBeDefined()
    expect([first!.signal.aborted, second!.signal.aborted]).toEqual([true, false])
    second!.release(true)
    // half of two for the stall, until a minute has passed
    expect(fill('slow', '192.0.2.1', 2)).toHaveLength(1)
    clock.advance(60_000)
    expect(fill('slow', '192.0.2.1', 2)).toHaveLength(1)
  })

  it('of an honest transfer are taken from nobody', () => {
    const { clock, fill, places } = placesOf({})
    const honest = ['192.0.2.1', '198.51.100.1', '203.0.113.1', '233.252.0.1'].flatMap((address) => fill(address, address, 2))
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000)
      honest.forEach(({ moved }) => { moved(25_000) })
      expect(places.take('newcomer', at('198.18.0.1'))).toBeUndefined()
    }
    expect(honest.some(({ signal }) => signal.aborted)).toBe(false)
  })
})

class FakeConnection extends TypedEventEmitter<{ close: Event }> {
  readonly remoteAddr
  aborted = false
  constructor (address: string) {
    super()
    this.remoteAddr = multiaddr(`/ip4/${address}/tcp/1`)
  }

  abort (): void {
    this.aborted = true
    this.dispatchEvent(new Event('close'))
  }
}

describe('the doors', () => {
  const limits: ConnectionLimits = { connections: 20, strangers: 6, pending: 8 }

  it('never hold more than the limits, and never send a neighbour away', () => {
    const arrival = fc.record({ peer: fc.nat(40), subnet: fc.nat(3), outcome: fc.constantFrom('silent', 'enters', 'leaves', 'dialled'), waitMs: fc.nat(800) })
    fc.assert(fc.property(fc.array(arrival, { maxLength: 200 }), (arrivals) => {
      const clock = new ManualClock()
      const rankOf = (peer: string): Rank => Number(peer) < 4 ? 'neighbour' : Number(peer) < 10 ? 'member' : 'stranger'
      const doors = new Doors({ limits, rankOf, receivedOn: () => 0, monotonicMs: clock.monotonicMs })
      const neighbours = new Map<string, FakeConnection[]>()
      for (const { peer, subnet, outcome, waitMs } of arrivals) {
        clock.advance(waitMs)
        const name = String(peer)
        const fake = new FakeConnection(`192.0.${subnet}.${peer + 1}`)
        const connection = fake as unknown as MultiaddrConnection
        if (outcome === 'dialled') {
          doors.dialled(name, connection)
        } else if (doors.arrive(connection) && outcome !== 'silent' && !doors.enter(name, connection)) {
          fake.abort()
        }
        if (outcome === 'leaves') {
          fake.abort()
        } else if (rankOf(name) === 'neighbour' && outcome === 'enters') {
          const own = neighbours.get(name) ?? []
          neighbours.set(name, [...own, fake].slice(-3))
          expect(fake.aborted).toBe(false)
        }
        const dialled = arrivals.filter((other) => other.outcome === 'dialled').length
        expect(doors.size).toBeLessThanOrEqual(limits.connections + limits.pending + dialled)
      }
      expect([...neighbours.values()].flat().some(({ aborted }) => aborted)).toBe(false)
    }))
  })

  it('send away who said least first', () => {
    const received = new Map<unknown, number>()
    const doors = new Doors({ limits, rankOf: () => 'stranger', receivedOn: (connection) => received.get(connection) ?? 0, monotonicMs: () => 0 })
    const all = Array.from({ length: 9 }, () => new FakeConnection('127.0.0.1'))
    received.set(all[0], 100)
    all.forEach((fake) => doors.arrive(fake as unknown as MultiaddrConnection))
    expect(all.map(({ aborted }) => aborted)).toEqual([false, true, ...Array.from({ length: 7 }, () => false)])
  })

  it('give one range of addresses half of the strangers\' places, and a household as many as it needs', () => {
    const clock = new ManualClock()
    const doors = new Doors({ limits, rankOf: () => 'stranger', receivedOn: () => 0, monotonicMs: clock.monotonicMs })
    const enter = (peer: string, address: string): boolean => doors.enter(peer, new FakeConnection(address) as unknown as MultiaddrConnection)
    expect(['a', 'b', 'c', 'd'].map((peer, i) => enter(peer, `192.0.2.${i}`))).toEqual([true, true, true, false])
    expect(['e', 'f', 'g', 'h'].map((peer) => enter(peer, '192.168.1.7'))).toEqual([true, true, true, false])
    clock.advance(1_000)
    expect([enter('i', '192.0.2.9'), enter('j', '198.51.100.1')]).toEqual([true, true])
  })
})

describe('limits of connections', () => {
  it('follow from what the process may open', () => {
    expect(connectionLimits(Infinity)).toEqual({ connections: 1_000, strangers: 250, pending: 200 })
    expect(connectionLimits(1_024)).toEqual({ connections: 768, strangers: 192, pending: 192 })
    expect(connectionLimits(150)).toEqual({ connections: 69, strangers: 17, pending: 17 })
    expect(connectionLimits(20)).toEqual({ connections: 16, strangers: 4, pending: 8 })
    fc.assert(fc.property(fc.integer({ min: 96, max: 5_000 }), (files) => {
      const { connections, pending } = connectionLimits(files)
      expect(connections + pending).toBeLessThanOrEqual(files - 64)
    }))
  })

  it('know the limit of this process', () => {
    expect(openFileLimit()).toBeGreaterThan(64)
  })

  it('tell ranges of addresses apart', () => {
    const key = (text: string): string => rangeOf(multiaddr(text)).key
    expect(key('/ip4/192.0.2.1/tcp/1')).toBe(key('/ip4/192.0.2.200/tcp/9'))
    expect(key('/ip4/192.0.2.1/tcp/1')).not.toBe(key('/ip4/192.0.3.1/tcp/1'))
    expect(key('/ip6/2001:db8:1::1/tcp/1')).toBe(key('/ip6/2001:db8:1:ffff::2/tcp/1'))
    expect(key('/ip6/2001:db8::1/tcp/1')).not.toBe(key('/ip6/2001:db8:1::1/tcp/1'))
    expect(rangeOf(multiaddr('/ip4/192.168.0.1/tcp/1'))).toEqual({ key: '192.168.0.1', isLocal: true })
  })
})
