/**
 * What kind of place an IP address names: who can use it, and how likely it leads anywhere
 *
 * Pure, and without libp2p: the program orders the addresses that it prints by it.
 */
import { BlockList, isIP } from 'node:net'

/**
 * `forbidden`: no peer's, or a service of the machine's host, such as a cloud's metadata; never dialled for anybody.
 * `loopback`, `link-local`: mean another machine wherever they are read. `name`: a host name
 */
export type AddressClass = 'name' | 'public' | 'private' | 'link-local' | 'loopback' | 'forbidden'

type Range = readonly [network: string, prefix: number]

function blockList (ranges: readonly Range[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of ranges) {
    list.addSubnet(network, prefix, isIP(network) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

/** Unspecified, multicast and reserved (RFC 1122, 1112, 4291): on Linux 0.0.0.0 is the machine itself */
const UNUSABLE: readonly Range[] = [['0.0.0.0', 8], ['224.0.0.0', 4], ['240.0.0.0', 4], ['::', 96], ['ff00::', 8]]

/**
 * Metadata services, which give away credentials: AWS and most others, AWS tasks, Alibaba, Oracle, Azure, AWS and
 * Google over IPv6
 */
const METADATA: readonly Range[] = [
  ['169.254.169.254', 32], ['169.254.170.2', 32], ['100.100.100.200', 32], ['192.0.0.192', 32], ['168.63.129.16', 32],
  ['fd00:ec2::254', 128], ['fd20:ce::254', 128]
]

/** The first that fits decides. RFC 1122, 4291; 3927, 4291; 1918, 6598, 4193 */
const CLASSES: ReadonlyArray<readonly [AddressClass, BlockList]> = [
  ['loopback', blockList([['127.0.0.0', 8], ['::1', 128]])],
  ['forbidden', blockList([...UNUSABLE, ...METADATA])],
  ['link-local', blockList([['169.254.0.0', 16], ['fe80::', 10]])],
  ['private', blockList([['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['fc00::', 7]])]
]

/** Undefined when the text is no IP address */
export function classOfIp (ip: string): AddressClass | undefined {
  const family = isIP(ip)
  if (family === 0) {
    return undefined
  }
  const found = CLASSES.find(([, list]) => list.check(ip, family === 4 ? 'ipv4' : 'ipv6'))
  return found?.[0] ?? 'public'
}

/** Host of a text multiaddr: its IP address or name; empty when there is none */
export function hostOf (address: string): string {
  return /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)/.exec(address)?.[1] ?? ''
}

/** A name that this machine resolves to itself (RFC 6761) is loopback */
export function classOf (address: string): AddressClass {
  const host = hostOf(address)
  const own = /(^|\.)localhost\.?$/i.test(host) ? 'loopback' : 'name'
  return classOfIp(host) ?? (host === '' ? 'forbidden' : own)
}

const USEFULNESS: readonly AddressClass[] = ['name', 'public', 'private', 'link-local', 'loopback', 'forbidden']

/** To be sorted by: the address that most others can dial first; IPv4 before IPv6 among equals */
export function byUsefulness (a: string, b: string): number {
  return usefulness(a) - usefulness(b)
}

function usefulness (address: string): number {
  return 2 * USEFULNESS.indexOf(classOf(address)) + (address.startsWith('/ip6/') ? 1 : 0)
}
