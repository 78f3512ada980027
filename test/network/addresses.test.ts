import { createServer } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { classOf, classOfIp } from '../../src/network/host/address-class.ts'
import { isTcpAddress, parseAddress, peerOf, requireAddress, requireAnnounceable, requireReachable } from '../../src/network/host/address.ts'
import { CONNECT_TIMEOUT_MS, dialFailure, dialInTurn } from '../../src/network/connections/dial-in-turn.ts'
import { LISTEN_ANYWHERE } from '../../src/network/host/listening.ts'
import { ordered, worthTelling } from '../../src/network/host/own-addresses.ts'
import { RecordOrigins } from '../../src/network/members/record-origins.ts'
import { failure } from '../../src/contracts/helpers.ts'
import { Stage } from './nodes.ts'
import type { Server } from 'node:net'
import type { Connection } from '@libp2p/interface'
import type { PortMemory } from '../../src/network/host/listening.ts'
import type { Interfaces } from '../../src/network/host/own-addresses.ts'

const PEER = '12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ'

const stage = new Stage()
const servers: Server[] = []

afterEach(async () => {
  servers.splice(0).forEach((server) => { server.close() })
  await stage.strike()
})

async function occupied (host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as { port: number }).port
}

function portsOf (addresses: readonly string[]): string[] {
  return [...new Set(addresses.map((address) => /\/tcp\/(\d+)/.exec(address)![1]!))]
}

class MemoryPorts implements PortMemory {
  ports: readonly number[] = []
  load = async (): Promise<number[]> => [...this.ports]
  save = async (ports: readonly number[]): Promise<void> => { this.ports = ports }
}

describe('classes of addresses', () => {
  it('tell what names another machine elsewhere, and what is no peer\'s', () => {
    const classes = {
      '/ip4/8.8.8.8/tcp/1': 'public',
      '/ip6/2a02::1/tcp/1': 'public',
      '/dns4/peer.example/tcp/1': 'name',
      '/dns4/localhost/tcp/1': 'loopback',
      '/dns/x.localhost./tcp/1': 'loopback',
      '/ip4/127.8.8.8/tcp/1': 'loopback',
      '/ip6/::1/tcp/1': 'loopback',
      '/ip6/::ffff:7f00:1/tcp/1': 'loopback',
      '/ip4/192.168.1.1/tcp/1': 'private',
      '/ip6/fd12::1/tcp/1': 'private',
      '/ip4/169.254.7.7/tcp/1': 'link-local',
      '/ip6/fe80::1/tcp/1': 'link-local',
      '/ip4/0.0.0.0/tcp/1': 'forbidden',
      '/ip6/::/tcp/1': 'forbidden',
      '/ip4/224.0.0.1/tcp/1': 'forbidden',
      '/ip4/255.255.255.255/tcp/1': 'forbidden',
      '/ip4/169.254.169.254/tcp/80': 'forbidden',
      '/ip6/::ffff:a9fe:a9fe/tcp/80': 'forbidden',
      '/ip6/fd00:ec2::254/tcp/80': 'forbidden',
      '/unix/x': 'forbidden'
    }
    expect(Object.fromEntries(Object.keys(classes).map((address) => [address, classOf(address)]))).toEqual(classes)
    expect(classOfIp('peer.example')).toBeUndefined()
  })
})

describe('addresses that people type', () => {
  it('may name a peer in any form of its id, and it comes out in one', () => {
    const forms = [PEER, peerIdFromString(PEER).toCID().toString()]
    expect(forms[1]).toMatch(/^bafz/)
    for (const form of forms) {
      const address = parseAddress(`/ip4/1.2.3.4/tcp/4/p2p/${form}`)
      expect(address.toString()).toBe(`/ip4/1.2.3.4/tcp/4/p2p/${PEER}`)
      expect(peerOf(address)).toBe(PEER)
    }
  })

  it('of another transport are told by its name', async () => {
    for (const [text, kind] of [
      ['/ip4/1.2.3.4/tcp/80/ws', 'WebSocket'],
      ['/dns4/peer.example/tcp/443/tls/ws', 'WebSocket'],
      [`/ip4/1.2.3.4/tcp/4/p2p/${PEER}/p2p-circuit`, 'relay'],
      [`/ip4/1.2.3.4/tcp/4/p2p/${PEER}/p2p-circuit/p2p/${PEER}`, 'relay'],
      ['/ip4/1.2.3.4/udp/4/quic-v1', 'QUIC'],
      ['/ip4/1.2.3.4/udp/4', 'UDP'],
      ['/dnsaddr/example.org', 'dnsaddr']
    ] as const) {
      expect(isTcpAddress(multiaddr(text)), text).toBe(false)
      expect(await failure((async () => requireAddress(text))()), text).toContain(`it is a ${kind} address, and only TCP addresses can`)
    }
  })

  it('must name a machine and a port', async () => {
    expect(await failure((async () => requireReachable('/ip4/0.0.0.0/tcp/4001'))())).toMatch(/^InvalidAddressError: .* names no machine \(0\.0\.0\.0\)/)
    expect(await failure((async () => requireReachable('/ip6/::/tcp/4001'))())).toMatch(/names no machine/)
    expect(await failure((async () => requireReachable('/ip4/1.2.3.4/tcp/0'))())).toMatch(/port 0/)
  })

  it('are announced only when others can dial them, and never under the id of another peer', async () => {
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    for (const text of ['/ip4/0.0.0.0/tcp/4001', '/ip4/1.2.3.4/tcp/0', '/ip4/1.2.3.4/tcp/80/ws', `/ip4/1.2.3.4/tcp/4/p2p/${other}`]) {
      expect(await failure(stage.host({ announce: [text] })), text).toMatch(/^InvalidAddressError: /)
    }
    expect(requireAnnounceable(`/ip4/1.2.3.4/tcp/4/p2p/${PEER}`, PEER).toString()).toContain('1.2.3.4')
    const host = await stage.startedHost({ announce: ['/dns4/peer.example/tcp/4001', '/ip4/127.0.0.1/tcp/4'] })
    expect(host.addresses()).toEqual([`/dns4/peer.example/tcp/4001/p2p/${host.self}`, `/ip4/127.0.0.1/tcp/4/p2p/${host.self}`])
    expect(host.announced()).toEqual(['/dns4/peer.example/tcp/4001', '/ip4/127.0.0.1/tcp/4'])
  })
})

describe('what a record tells of many addresses', () => {
  const nic = (name: string, addresses: readonly string[]): [string, never] => [name, addresses.map((address) => ({ address })) as never]
  const containers = [0, 1, 2, 3, 4, 5, 6].map((i) => nic(`br-00000000000${i}`, [`10.${i}.0.1`]))
  const address = (ip: string): string => `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/4001`

  it('includes the one of the local network, whatever bridges of containers there are', () => {
    const interfaces: Interfaces = Object.fromEntries([nic('lo', ['127.0.0.1']), ...containers, nic('docker0', ['172.17.0.1']), nic('wg0', ['10.200.0.2']), nic('eth0', ['192.168.1.20'])])
    const all = Object.values(interfaces).flatMap((entries) => entries!.map(({ address: ip }) => address(ip)))
    expect(worthTelling(all, 8, interfaces).slice(0, 2)).toEqual([address('192.168.1.20'), address('10.200.0.2')])
    expect(worthTelling(all, 8, interfaces)).toHaveLength(8)
    expect(worthTelling(all, 8, interfaces)).not.toContain(address('127.0.0.1'))
    expect(ordered(all, interfaces).at(-1)).toBe(address('127.0.0.1'))
  })

  it('includes one of each kind before two of any', () => {
    const temporary = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `2a02::${i}`)
    const interfaces: Interfaces = Object.fromEntries([nic('eth0', [...temporary, '192.168.1.20', '45.33.1.1', 'fd12::1'])])
    const told = worthTelling([...temporary, '192.168.1.20', '45.33.1.1', 'fd12::1'].map(address), 8, interfaces)
    expect(told[0]).toBe(address('45.33.1.1'))
    expect(told).toEqual(expect.arrayContaining([address('192.168.1.20'), address('fd12::1'), address('2a02::1')]))
    expect(told).toHaveLength(8)
  })

  it('names loopback where there is nothing else', () => {
    expect(worthTelling([address('127.0.0.1'), address('::1')], 8, {})).toEqual([address('127.0.0.1'), address('::1')])
    expect(worthTelling([address('127.0.0.1'), address('10.0.0.1')], 8, {})).toEqual([address('10.0.0.1')])
  })
})

describe('listening', () => {
  it('takes one port for IPv4 and IPv6 together', async () => {
    const port = await occupied()
    servers.splice(0).forEach((server) => { server.close() })
    const host = await stage.startedHost({ listen: [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`] })
    expect(portsOf(host.addresses())).toEqual([String(port)])
    expect(host.addresses()).toEqual(expect.arrayContaining([`/ip4/127.0.0.1/tcp/${port}/p2p/${host.self}`, `/ip6/::1/tcp/${port}/p2p/${host.self}`]))
  })

  it('takes an address that another one includes for what it is', async () => {
    const port = await occupied()
    servers.splice(0).forEach((server) => { server.close() })
    const host = await stage.startedHost({ listen: [`/ip4/127.0.0.1/tcp/${port}`, `/ip4/0.0.0.0/tcp/${port}`, `/ip4/0.0.0.0/tcp/${port}`] })
    expect(host.addresses()).toContain(`/ip4/127.0.0.1/tcp/${port}/p2p/${host.self}`)
  })

  it('keeps the port that was drawn first, takes another only when it is taken, and returns to it', async () => {
    const ports = new MemoryPorts()
    const listen = LISTEN_ANYWHERE
    const drawn = async (): Promise<string> => {
      const host = await stage.startedHost({ listen, ports })
      const [port, ...more] = portsOf(host.addresses())
      expect(more).toEqual([])
      await stage.strike()
      return port!
    }
    const first = await drawn()
    expect(await drawn()).toBe(first)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(Number(first), '0.0.0.0', resolve))
    const second = await drawn()
    expect(second).not.toBe(first)
    expect(await drawn()).toBe(second)
    await new Promise((resolve) => server.close(resolve))
    expect(await drawn()).toBe(first)
    expect(ports.ports).toEqual([Number(first), Number(second)])
  })
})

describe('a dial in turn', () => {
  it('gives each address its time, and tells how it failed', async () => {
    const failures: string[] = []
    const dial = async (address: { toString: () => string }): Promise<Connection> => {
      if (address.toString().includes('/tcp/3')) {
        return { id: 'reached' } as Connection
      }
      throw address.toString().includes('/tcp/1') ? new Error('connection error 1.1.1.1:1: Connection timeout after 2500ms') : new Error('connect ECONNREFUSED')
    }
    const connection = await dialInTurn({
      libp2p: { dial },
      addresses: ['/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.1/tcp/2', '/ip4/1.1.1.1/tcp/3', '/ip4/1.1.1.1/tcp/4'],
      onFailure: (address, reason) => { failures.push(`${address} ${reason}`) },
      signal: new AbortController().signal
    })
    expect(connection).toMatchObject({ id: 'reached' })
    expect(failures).toEqual(['/ip4/1.1.1.1/tcp/1 silent', '/ip4/1.1.1.1/tcp/2 refused'])
    expect(dialFailure(new TypeError('noise'))).toBe('failed')
  })

  it('waits no longer for a connection than a lost packet takes, but longer for a handshake', async () => {
    const hang = async (progress: string[]): Promise<string> => {
      const startedMs = performance.now()
      let reason = ''
      const dial = async (_: unknown, { signal, onProgress }: { signal?: AbortSignal, onProgress: (event: { type: string }) => void }): Promise<Connection> => {
        progress.forEach((type) => { onProgress({ type }) })
        await new Promise((resolve) => { signal!.addEventListener('abort', resolve) })
        throw new DOMException('aborted', 'AbortError')
      }
      const overall = new AbortController()
      const timer = setTimeout(() => { overall.abort(new RangeError('over')) }, CONNECT_TIMEOUT_MS + 2_000)
      const ended = await failure(dialInTurn({ libp2p: { dial }, addresses: ['/ip4/1.1.1.1/tcp/1'], onFailure: (_, why) => { reason = why }, signal: overall.signal }))
      clearTimeout(timer)
      return `${reason}, ${ended}, ${performance.now() - startedMs < CONNECT_TIMEOUT_MS + 1_500 ? 'soon' : 'late'}`
    }
    expect(await hang(['tcp:open-connection'])).toBe('silent, it did not fail, soon')
    expect(await hang(['tcp:open-connection', 'upgrader:encrypt-outbound-connection'])).toBe('silent, RangeError: over, late')
  })

  it('looks where a stranger\'s name leads before it goes there', async () => {
    const dialled: string[] = []
    const dial = async (address: { toString: () => string }): Promise<Connection> => {
      dialled.push(address.toString())
      return {} as Connection
    }
    const options = { libp2p: { dial }, addresses: ['/dns4/localhost/tcp/9'], onFailure: () => {}, signal: new AbortController().signal }
    expect(await dialInTurn({ ...options, isUsable: (address) => classOf(address) !== 'loopback' })).toBeUndefined()
    expect(dialled).toEqual([])
    await dialInTurn({ ...options, isUsable: () => true })
    expect(dialled).toEqual(['/ip4/127.0.0.1/tcp/9'])
  })
})

describe('a record from elsewhere', () => {
  it('does not lead to loopback or the link, and no record to a metadata service', () => {
    const remote = { near: '/ip4/127.0.0.1/tcp/5', link: '/ip4/169.254.3.3/tcp/5', far: '/ip4/45.33.1.1/tcp/5' }
    let from: string = remote.far
    const origins = new RecordOrigins({ libp2p: { getConnections: () => [{ remoteAddr: multiaddr(from) }] } } as never)
    const usable = (): boolean[] => ['/ip4/127.0.0.1/tcp/1', '/dns4/localhost/tcp/1', '/ip4/169.254.1.1/tcp/1', '/ip4/169.254.169.254/tcp/80', '/ip4/10.0.0.1/tcp/1']
      .map((address) => origins.isUsable('author', address))
    origins.note('author', PEER)
    expect(usable()).toEqual([false, false, false, false, true])
    from = remote.near
    origins.note('author', PEER)
    expect(usable()).toEqual([true, true, false, false, true])
    from = remote.link
    origins.note('author', PEER)
    expect(usable()).toEqual([true, true, true, false, true])
    origins.forget('author')
    expect(usable()).toEqual([false, false, false, false, true])
  })

  it('cannot make libp2p itself dial a metadata service', async () => {
    const host = await stage.startedHost()
    const dial = host.libp2p.dial(multiaddr('/ip4/169.254.169.254/tcp/80'), { signal: AbortSignal.timeout(5_000) })
    expect(await failure(dial)).toMatch(/DialDenied/)
  })
})
