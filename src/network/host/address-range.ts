/**
 * Ranges of addresses: whoever has one address of a range has many
 */
import { isIP } from 'node:net'
import { isPrivateAddress } from './gossip-settings.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface AddressRange {
  /** The same for all addresses of the range */
  key: string
  /** A machine, a laboratory or a household: any number of honest peers may share it */
  isLocal: boolean
}

const IPV6_GROUPS = 8
/** What a site gets (RFC 6177) */
const IPV6_PREFIX_GROUPS = 3

function ipv6Prefix (ip: string): string {
  const [head = '', tail] = ip.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = Array.from({ length: Math.max(0, IPV6_GROUPS - front.length - back.length) }, () => '0')
  return [...front, ...middle, ...back].slice(0, IPV6_PREFIX_GROUPS).join(':').toLowerCase()
}

/** IPv4 by /24, IPv6 by /48; a private address is a range of its own */
export function rangeOf (address: Multiaddr): AddressRange {
  const ip = address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value ?? ''
  if (isPrivateAddress(ip) || isIP(ip) === 0) {
    return { key: ip, isLocal: isIP(ip) !== 0 }
  }
  return { key: isIP(ip) === 4 ? ip.slice(0, ip.lastIndexOf('.')) : ipv6Prefix(ip), isLocal: false }
}
