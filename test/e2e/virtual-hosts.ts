/**
 * Hosts of their own network, on one machine: namespaces around a router that forwards. Addresses exist inside only
 */
import { execFileSync, spawnSync } from 'node:child_process'

export interface VirtualHost {
  /** Name of the namespace */
  name: string
  /** A command in front of another one runs it on this host */
  prefix: string[]
  /** In the order in which they were given */
  addresses: string[]
}

export interface VirtualNetwork extends Disposable {
  hosts: VirtualHost[]
  /** Pulls the cable between a host and the router, or plugs it in again */
  cable: (host: VirtualHost, state: 'up' | 'down') => void
  /**
   * From now on the router drops what one host sends to the other, in both directions and without a word, or passes it
   * again. IPv4
   */
  between: (a: VirtualHost, b: VirtualHost, state: 'dropped' | 'passed') => void
}

/** Addresses of a host with their prefix lengths; `dropped`: the router drops what goes there, without a word */
export type HostAddresses = ReadonlyArray<{ address: string, dropped?: boolean }>

function ip (...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Undefined where virtual hosts can be made */
export function whyNoVirtualHosts (): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'network namespaces need root on Linux'
  }
  const name = `gv-probe-${process.pid}`
  const probe = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
  return probe.status === 0 ? undefined : `ip netns does not work here: ${probe.stderr ?? String(probe.error)}`
}

/** The gateway of an address: the last but one of its /24 or /64 */
function gatewayOf (address: string): string {
  return address.includes(':') ? address.replace(/[^:]*$/, 'fe') : address.replace(/\d+$/, '254')
}

function subnetOf ({ addresses: [first] }: VirtualHost): string {
  return first!.replace(/\d+$/, '0/24')
}

/** The host's end of the cable: a link that was down has lost its routes, and its addresses of IPv6 */
function configure ({ name, addresses }: VirtualHost, given: HostAddresses): void {
  ip('-n', name, 'link', 'set', 'eth0', 'up')
  for (const [at, address] of addresses.entries()) {
    const [bits, family, ...nodad] = address.includes(':') ? ['/64', '-6', 'nodad'] : ['/24', '-4']
    ip('-n', name, 'addr', 'replace', `${address}${bits}`, 'dev', 'eth0', ...nodad)
    if (given[at]!.dropped !== true) {
      // the first of each family is the one that it speaks from
      spawnSync('ip', ['-n', name, family, 'route', 'add', 'default', 'via', gatewayOf(address), 'src', address], { stdio: 'ignore' })
    }
  }
}

function plugIn (router: string, host: VirtualHost, index: number, given: HostAddresses): void {
  const { name, addresses } = host
  const port = `port${index}`
  ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', port, 'netns', router)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  ip('-n', router, 'link', 'set', port, 'up')
  for (const [at, address] of addresses.entries()) {
    const gateway = gatewayOf(address)
    const [bits, family, ...nodad] = address.includes(':') ? ['/64', '-6', 'nodad'] : ['/24', '-4']
    if (given[at]!.dropped === true) {
      ip('-n', router, family, 'route', 'replace', 'blackhole', `${gateway.replace(/(\d+|fe)$/, '')}${family === '-6' ? '' : '0'}${bits}`)
    } else {
      ip('-n', router, 'addr', 'add', `${gateway}${bits}`, 'dev', port, ...nodad)
    }
  }
  configure(host, given)
}

/** Hosts, each with the addresses given for it, each in a subnet of its own behind the router */
export function createVirtualNetwork (tag: string, hosts: readonly HostAddresses[]): VirtualNetwork {
  const router = `gv-${tag}-${process.pid}-r`
  const made: VirtualHost[] = hosts.map((addresses, index) => {
    const name = `gv-${tag}-${process.pid}-${index}`
    return { name, prefix: ['ip', 'netns', 'exec', name], addresses: addresses.map(({ address }) => address) }
  })
  const remove = (): void => {
    for (const name of [router, ...made.map(({ name }) => name)]) {
      spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
    }
  }
  try {
    ip('netns', 'add', router)
    ip('-n', router, 'link', 'set', 'lo', 'up')
    execFileSync('ip', ['netns', 'exec', router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'])
    for (const [index, host] of made.entries()) {
      ip('netns', 'add', host.name)
      plugIn(router, host, index, hosts[index]!)
    }
  } catch (err) {
    remove()
    throw err
  }
  return {
    hosts: made,
    cable: (host, state) => {
      if (state === 'down') {
        ip('-n', host.name, 'link', 'set', 'eth0', 'down')
      } else {
        configure(host, hosts[made.indexOf(host)]!)
      }
    },
    between: (a, b, state) => {
      for (const [from, to] of [[a, b], [b, a]] as const) {
        ip('-n', router, 'rule', state === 'dropped' ? 'add' : 'del', 'from', subnetOf(from), 'to', subnetOf(to), 'blackhole')
      }
    },
    [Symbol.dispose]: remove
  }
}
