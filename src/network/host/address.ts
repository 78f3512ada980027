/**
 * Multiaddrs that people type: checked early, with an example in the error
 */
import '../../promise-with-resolvers.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { InvalidAddressError } from '../../errors.ts'
import { classOfIp } from './address-class.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A full address to copy from */
const ADDRESS_EXAMPLE = '/ip4/192.168.1.20/tcp/4100/p2p/12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ'

const HOSTS = ['ip4', 'ip6', 'dns', 'dns4', 'dns6']

/** What an address asks for beyond TCP, by the component that says so */
const TRANSPORTS: Readonly<Record<string, string>> = {
  ws: 'WebSocket',
  wss: 'WebSocket',
  tls: 'TLS',
  http: 'HTTP',
  https: 'HTTP',
  'p2p-circuit': 'relay',
  udp: 'UDP',
  quic: 'QUIC',
  'quic-v1': 'QUIC',
  webtransport: 'WebTransport',
  'webrtc-direct': 'WebRTC',
  webrtc: 'WebRTC',
  dnsaddr: 'dnsaddr',
  unix: 'Unix socket',
  ip6zone: 'zoned link-local',
  memory: 'memory',
  onion3: 'Tor'
}

/**
 * A peer id in it comes out in base58, whichever form was given
 *
 * Throws InvalidAddressError when `text` is no multiaddr
 */
export function parseAddress (text: string): Multiaddr {
  try {
    const address = multiaddr(text)
    const peer = peerOf(address)
    if (peer !== undefined) {
      // the parser takes any text in base58 for a peer id
      peerIdFromString(peer)
    }
    // the parser keeps a peer id in the form of a CID as it is, and then it equals no other
    return multiaddr(address.bytes)
  } catch (err) {
    throw new InvalidAddressError(`"${text}" is not a multiaddr; an address looks like ${ADDRESS_EXAMPLE}`, { cause: err })
  }
}

/**
 * True for an IP address or a host name with a TCP port, and nothing but a peer id after it: nothing else is ever
 * dialled
 */
export function isTcpAddress (address: Multiaddr): boolean {
  const [host, transport, peer, ...rest] = address.getComponents().map(({ name }) => name)
  return host !== undefined && HOSTS.includes(host) && transport === 'tcp' && (peer === undefined || peer === 'p2p') && rest.length === 0
}

/** Throws InvalidAddressError when `text` is no plain TCP address */
export function requireAddress (text: string): Multiaddr {
  const address = parseAddress(text)
  if (!isTcpAddress(address)) {
    const transport = address.getComponents().map(({ name }) => TRANSPORTS[name]).findLast((name) => name !== undefined)
    const kind = transport === undefined ? '' : `: it is a ${transport} address, and`
    throw new InvalidAddressError(`"${text}" cannot be used${kind === '' ? ':' : kind} only TCP addresses can, such as ${ADDRESS_EXAMPLE}`)
  }
  return address
}

/**
 * An address that can be dialled from elsewhere: it names a machine and a port
 *
 * Throws InvalidAddressError
 */
export function requireReachable (text: string): Multiaddr {
  const address = requireAddress(text)
  const [host, port] = address.getComponents()
  if (port?.value === '0') {
    throw new InvalidAddressError(`"${text}" has port 0, which means any free port, and nobody can dial that: give the port that the peer listens on, as it prints it when it starts`)
  }
  if (classOfIp(host?.value ?? '') === 'forbidden') {
    throw new InvalidAddressError(`"${text}" names no machine (${host?.value ?? ''}): give an address or a name of the machine, such as ${ADDRESS_EXAMPLE}`)
  }
  return address
}

/**
 * An address that the peer `self` may tell others; undefined: one that has no key yet, so that any id is another's
 *
 * Throws InvalidAddressError
 */
export function requireAnnounceable (text: string, self: string | undefined): Multiaddr {
  const address = requireReachable(text)
  const peer = peerOf(address)
  if (peer !== undefined && peer !== self) {
    throw new InvalidAddressError(`"${text}" ends in the id of another peer${self === undefined ? '' : `, not of this one (${self})`}: leave /p2p/... out, it is added`)
  }
  return address
}

/** The peer id at the end of an address; undefined when it names none */
export function peerOf (address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

/** Without the peer id at its end */
export function withoutPeer (address: Multiaddr): string {
  return address.decapsulateCode(CODE_P2P).toString()
}
