/**
 * Every address of a peer gets its turn in one attempt, each for a short time
 *
 * libp2p tries a list in an order of its own and does not say which address failed how; one silent address, such as
 * that of a VPN, would use up the time of all others.
 */
import '../../promise-with-resolvers.ts'
import { lookup } from 'node:dns/promises'
import { anySignal } from 'any-signal'
import { multiaddr } from '@multiformats/multiaddr'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AbortOptions } from '../../interface.ts'

/** A first packet that is lost is sent again after 1 s (RFC 6298); who has not answered both drops them */
export const CONNECT_TIMEOUT_MS = 2_500

/**
 * After a timer, before it is believed: a process that stood still runs its timers before it reads what came meanwhile
 */
const SECOND_LOOK_MS = 100

/** Addresses of one name that are tried */
const MAX_RESOLVED = 4

/** `silent`: nothing came back; `refused`: the machine is there, and nothing listens; `failed`: anything else */
export type DialFailure = 'silent' | 'refused' | 'failed'

export interface DialInTurnInit {
  libp2p: { dial: (address: Multiaddr, options: AbortOptions & { onProgress: (event: { type: string }) => void }) => Promise<Connection> }
  /** Full multiaddrs, in this order */
  addresses: readonly string[]
  /** May a name in an address lead here? Undefined: the name is the operator's own, and leads where it leads */
  isUsable?: ((address: string) => boolean) | undefined
  onFailure: (address: string, failure: DialFailure) => void
  signal: AbortSignal
}

/** By the error of a dial, or of one of its parts */
export function dialFailure (err: unknown): DialFailure {
  const parts = err instanceof AggregateError ? err.errors as unknown[] : [err]
  const texts = parts.map((part) => `${(part as Error).name} ${(part as NodeJS.ErrnoException).code ?? ''} ${(part as Error).message}`)
  if (texts.some((text) => text.includes('ECONNREFUSED'))) {
    return 'refused'
  }
  return texts.some((text) => /connection timeout after|ETIMEDOUT|EHOSTUNREACH/i.test(text)) ? 'silent' : 'failed'
}

/**
 * A stranger's name is looked up here, so that what it leads to can be looked at before it is dialled. Rejects when
 * there is no such name
 */
async function resolved (address: string, isUsable: DialInTurnInit['isUsable']): Promise<string[]> {
  const [, kind, name, rest] = /^\/(dns|dns4|dns6)\/([^/]+)(\/.*)$/.exec(address) ?? []
  if (kind === undefined || isUsable === undefined) {
    return [address]
  }
  const found = await lookup(name!, { all: true, family: { dns: 0, dns4: 4, dns6: 6 }[kind]! })
  return found.map(({ address: ip, family }) => `/ip${family}/${ip}${rest}`).filter(isUsable).slice(0, MAX_RESOLVED)
}

/**
 * Rejects with whatever libp2p gives, and sooner than that when nobody accepts the connection; shaking hands may take
 * longer
 */
async function dial ({ libp2p, signal }: Pick<DialInTurnInit, 'libp2p' | 'signal'>, target: string): Promise<Connection> {
  const silent = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const giveUp = (): void => { silent.abort(new DOMException(`connection timeout after ${CONNECT_TIMEOUT_MS} ms`, 'TimeoutError')) }
  const onProgress = ({ type }: { type: string }): void => {
    clearTimeout(timer)
    if (type === 'tcp:open-connection') {
      timer = setTimeout(() => { timer = setTimeout(giveUp, SECOND_LOOK_MS) }, CONNECT_TIMEOUT_MS)
    }
  }
  const either = anySignal([signal, silent.signal])
  try {
    return await libp2p.dial(multiaddr(target), { signal: either, onProgress })
  } catch (err) {
    throw silent.signal.aborted ? silent.signal.reason : err
  } finally {
    clearTimeout(timer)
    either.clear()
  }
}

/**
 * The first connection that comes about; undefined when no address leads to one
 *
 * Rejects with the signal's reason when it aborts
 */
export async function dialInTurn ({ libp2p, addresses, isUsable, onFailure, signal }: DialInTurnInit): Promise<Connection | undefined> {
  for (const address of addresses) {
    let failure: DialFailure = 'failed'
    for (const target of await resolved(address, isUsable).catch(() => [])) {
      try {
        return await dial({ libp2p, signal }, target)
      } catch (err) {
        failure = signal.aborted ? 'silent' : dialFailure(err)
      }
    }
    onFailure(address, failure)
    signal.throwIfAborted()
  }
  return undefined
}
