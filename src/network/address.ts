/**
 * Multiaddrs that people type: checked early, with an example in the error
 */
import '../promise-with-resolvers.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { InvalidAddressError } from '../errors.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A full address to copy from */
export const ADDRESS_EXAMPLE = '/ip4/192.168.1.20/tcp/4100/p2p/12D3KooWJ3mt4ttQxoyYQmXBJH6sSCLjXzPYxEUAHB7Pf8qB9QVQ'

const HOSTS = ['ip4', 'ip6', 'dns', 'dns4', 'dns6']

/** Throws InvalidAddressError when `text` is no multiaddr */
export function parseAddress (text: string): Multiaddr {
  try {
    const address = multiaddr(text)
    const peer = peerOf(address)
    if (peer !== undefined) {
      // the parser takes any text in base58 for a peer id
      peerIdFromString(peer)
    }
    return address
  } catch (err) {
    throw new InvalidAddressError(`"${text}" is not a multiaddr; an address looks like ${ADDRESS_EXAMPLE}`, { cause: err })
  }
}

/** True for an IP address or a host name with a TCP port: nothing else is ever dialled */
export function isTcpAddress (address: Multiaddr): boolean {
  const [host, transport] = address.getComponents().map(({ name }) => name)
  return host !== undefined && HOSTS.includes(host) && transport === 'tcp'
}

/** Throws InvalidAddressError when `text` is no address that can be dialled over TCP */
export function requireAddress (text: string): Multiaddr {
  const address = parseAddress(text)
  if (!isTcpAddress(address)) {
    throw new InvalidAddressError(`"${text}" cannot be dialled: only TCP addresses can, such as ${ADDRESS_EXAMPLE}`)
  }
  return address
}

/** The peer id at the end of an address; undefined when it names none */
export function peerOf (address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}
