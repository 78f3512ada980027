/**
 * Which of the addresses that a node listens on are worth telling, and in which order
 *
 * A machine has more addresses than a record has room for: bridges of containers, tunnels, temporary IPv6 addresses. By
 * their text they look like any other; by their interface they can be told.
 */
import { networkInterfaces } from 'node:os'
import { byUsefulness, classOf, hostOf } from './address-class.ts'
import type { AddressClass } from './address-class.ts'

/** Addresses that a member's record has room for; more of them refuse the record */
export const MAX_ADDRESSES = 8

/**
 * Bridges and links that end inside their own machine, by the names that container engines and hypervisors give them
 */
const INSIDE = /^(docker\d|br-[0-9a-f]{12}$|veth|virbr|vnet|podman|cni|flannel|cali|cilium|kube|nerdctl|lxcbr|lxdbr|incusbr|vmnet|vboxnet|vEthernet)/

/** Tunnels: whoever is not in them hears nothing */
const TUNNEL = /^(tun|tap|wg|utun|tailscale|zt|ppp|ipsec|nebula|wt\d)/

export type Interfaces = ReturnType<typeof networkInterfaces>

/** Lower is better */
type Nearness = 0 | 1 | 2

interface Ranked {
  address: string
  nearness: Nearness
  class: AddressClass
}

function nearnessOf (ip: string, interfaces: Interfaces): Nearness {
  const name = Object.keys(interfaces).find((key) => interfaces[key]?.some(({ address }) => address === ip) === true) ?? ''
  if (INSIDE.test(name)) {
    return 2
  }
  return TUNNEL.test(name) ? 1 : 0
}

function rank (addresses: readonly string[], interfaces: Interfaces): Ranked[] {
  const ranked = [...new Set(addresses)].map((address) => {
    const kind = classOf(address)
    // a public address is as good as any, whatever carries it
    return { address, class: kind, nearness: kind === 'private' ? nearnessOf(hostOf(address), interfaces) : 0 }
  })
  return ranked.sort((a, b) => a.nearness - b.nearness || byUsefulness(a.address, b.address))
    .sort((a, b) => Number(a.class === 'loopback') - Number(b.class === 'loopback'))
}

/** All of them, the most useful first */
export function ordered (addresses: readonly string[], interfaces = networkInterfaces()): string[] {
  return rank(addresses, interfaces).map(({ address }) => address)
}

/**
 * Those that others should try, the most useful first: at most `count`, and of each kind at least one before any kind
 * has two, so that eight temporary IPv6 addresses leave room for the one of the local network
 *
 * Loopback and link-local addresses only where there are no others: elsewhere they name another machine
 */
export function worthTelling (addresses: readonly string[], count: number, interfaces = networkInterfaces()): string[] {
  const ranked = rank(addresses, interfaces).filter(({ class: kind }) => kind !== 'forbidden')
  const isNear = ({ class: kind }: Ranked): boolean => kind === 'loopback' || kind === 'link-local'
  const wide = ranked.filter((candidate) => !isNear(candidate))
  const candidates = wide.length > 0 ? wide : ranked
  const kinds = new Map<string, number>()
  const turn = new Map(candidates.map((candidate) => {
    const kind = `${candidate.class} ${candidate.address.slice(0, 4)}`
    const place = kinds.get(kind) ?? 0
    kinds.set(kind, place + 1)
    // what ends inside this machine comes after all that does not
    return [candidate, candidate.nearness === 2 ? place + candidates.length : place]
  }))
  const chosen = new Set(candidates.toSorted((a, b) => turn.get(a)! - turn.get(b)!).slice(0, count))
  return candidates.filter((candidate) => chosen.has(candidate)).map(({ address }) => address)
}
