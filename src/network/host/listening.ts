/**
 * Binding the listen addresses, one after another, so that an error names its address and a port that was drawn stays
 *
 * Port 0 means any free port, but the same at every start: others remember a peer by its address. libp2p would draw
 * anew each time, binds all at once, and leaves public addresses out of its own list until a service of strangers has
 * confirmed them.
 */
import '../../promise-with-resolvers.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { ListenError } from '../../errors.ts'
import { parseAddress, isTcpAddress } from './address.ts'
import type { Transports } from './internals.ts'

/** Every address of the machine; the second has no effect where there is no IPv6 */
export const LISTEN_ANYWHERE: readonly string[] = ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0']

/** Ports that were drawn and taken by another program later: tried in this order, then a new one is drawn */
const MAX_PORTS = 4

/** Where drawn ports outlive the process */
export interface PortMemory {
  /** Drawn first comes first */
  load: () => Promise<number[]>
  save: (ports: readonly number[]) => Promise<void>
}

interface Socket {
  text: string
  family: 'ip4' | 'ip6'
  host: string
  port: number
}

const WILDCARDS = { ip4: '0.0.0.0', ip6: '::' } as const

/** Throws ListenError */
function socketOf (text: string): Socket {
  const address = parseAddress(text)
  const [host, port] = address.getComponents()
  if (!isTcpAddress(address) || (host?.name !== 'ip4' && host?.name !== 'ip6')) {
    throw new ListenError(`cannot listen on ${text}: only TCP addresses can be listened on, such as /ip4/0.0.0.0/tcp/4100`)
  }
  return { text, family: host.name, host: host.value!, port: Number(port!.value) }
}

/** One that another one includes would find its port in use by the other */
function isIncluded (socket: Socket, index: number, all: readonly Socket[]): boolean {
  return all.some((other, at) => other.family === socket.family && other.port === socket.port && at !== index &&
    ((other.host === socket.host && at < index) || (other.host === WILDCARDS[socket.family] && socket.host !== other.host)))
}

function listenReason (code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE': return 'the port is in use (EADDRINUSE); stop the other program or choose another port, or 0 for any free one'
    case 'EADDRNOTAVAIL': return 'the address does not belong to this machine (EADDRNOTAVAIL); use one of its own addresses, or 0.0.0.0 for all'
    case 'EAFNOSUPPORT': return 'this machine has no IPv6 (EAFNOSUPPORT); use an IPv4 address'
    case 'EACCES': return 'no permission for this port (EACCES); choose a port above 1023'
    default: return `the system refused it (${code ?? 'unknown reason'})`
  }
}

/** libp2p keeps the system's code in the text only */
function codeOf (err: unknown): string | undefined {
  return /\bE[A-Z]{4,}\b/.exec((err as Error).message)?.[0]
}

export class Listening {
  readonly #transports: Transports
  readonly #sockets: Socket[]
  readonly #memory: PortMemory | undefined

  /** Throws InvalidAddressError, and ListenError for an address that is not of TCP */
  constructor (transports: Transports, addresses: readonly string[], memory?: PortMemory) {
    this.#transports = transports
    this.#sockets = addresses.map(socketOf).filter((socket, index, all) => !isIncluded(socket, index, all))
    this.#memory = memory
  }

  /** Throws ListenError, and what the port memory throws */
  async start (): Promise<void> {
    const remembered = (await this.#memory?.load() ?? []).slice(0, MAX_PORTS)
    let drawn: number | undefined
    for (const [index, socket] of this.#sockets.entries()) {
      const port = await this.#bind(socket, this.#candidates(socket, [...drawn === undefined ? [] : [drawn], ...remembered]), index > 0)
      drawn ??= socket.port === 0 && port !== 0 ? port : undefined
    }
    if (drawn !== undefined && !remembered.includes(drawn)) {
      await this.#memory?.save([...remembered.slice(0, MAX_PORTS - 1), drawn])
    }
  }

  /** Ports to try; the last one decides */
  #candidates ({ port }: Socket, preferred: readonly number[]): number[] {
    return port === 0 ? [...preferred, 0] : [port]
  }

  /** The addresses of all interfaces that are listened on, without peer id */
  addresses (): string[] {
    return this.#transports.getAddrs().map(String)
  }

  /** The port; undefined when the machine has no IPv6 and something else is listened on */
  async #bind (socket: Socket, candidates: readonly number[], isOptional: boolean): Promise<number | undefined> {
    for (const [index, port] of candidates.entries()) {
      const before = new Set(this.addresses())
      try {
        await this.#transports.listen([multiaddr(`/${socket.family}/${socket.host}/tcp/${port}`)])
        const added = this.#transports.getAddrs().find((address) => !before.has(address.toString()))
        return Number(added?.getComponents().find(({ name }) => name === 'tcp')?.value ?? port)
      } catch (err) {
        const code = codeOf(err)
        if (code === 'EADDRINUSE' && index < candidates.length - 1) {
          continue
        }
        if (isOptional && socket.host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
          return undefined
        }
        throw new ListenError(`cannot listen on ${socket.text}: ${listenReason(code)}`, { cause: err })
      }
    }
    return undefined
  }
}
