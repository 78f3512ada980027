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

function plugIn (router: string, { name, addresses }: VirtualHost, index: number, given: HostAddresses): void {
  const port = `port${index}`
  ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', port, 'netns', router)
  for (const [netns, device] of [[name, 'lo'], [name, 'eth0'], [router, port]] as const) {
    ip('-n', netns, 'link', 'set', device, 'up')
  }
  for (const [at, address] of addresses.entries()) {
    const gateway = gatewayOf(address)
    const bits = address.includes(':') ? '/64' : '/24'
    const family = address.includes(':') ? '-6' : '-4'
    const nodad = family === '-6' ? ['nodad'] : []
    ip('-n', name, 'addr', 'add', `${address}${bits}`, 'dev', 'eth0', ...nodad)
    if (given[at]!.dropped === true) {
      ip('-n', router, family, 'route', 'replace', 'blackhole', `${gateway.replace(/(\d+|fe)$/, '')}${family === '-6' ? '' : '0'}${bits}`)
      continue
    }
    ip('-n', router, 'addr', 'add', `${gateway}${bits}`, 'dev', port, ...nodad)
    spawnSync('ip', ['-n', name, family, 'route', 'add', 'default', 'via', gateway, 'src', address], { stdio: 'ignore' })
  }
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
    cable: (host, state) => { ip('-n', host.name, 'link', 'set', 'eth0', state) },
    [Symbol.dispose]: remove
  }
}
