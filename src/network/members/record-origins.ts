/**
 * Which addresses of a member's record this node may dial
 *
 * A record is a stranger's word. Loopback and link-local addresses name this machine and its link wherever they are
 * read, so that they count only where the record came from there; a service of the machine's host never does.
 */
import '../../promise-with-resolvers.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { classOf } from '../host/address-class.ts'
import { MAX_MEMBERS } from './membership.ts'
import type { PeerName } from '../../interface.ts'
import type { AddressClass } from '../host/address-class.ts'
import type { Host } from '../host/host.ts'

const NEAR = ['loopback', 'link-local'] as const satisfies readonly AddressClass[]
type Near = typeof NEAR[number]

function nearOf (kind: AddressClass): Near | undefined {
  return NEAR.find((near) => near === kind)
}

export class RecordOrigins {
  readonly #host: Pick<Host, 'libp2p'>
  readonly #origins = new Map<PeerName, Set<Near>>()

  constructor (host: Pick<Host, 'libp2p'>) {
    this.#host = host
  }

  /** `from` passed on a record of `peer` */
  note (peer: PeerName, from: PeerName): void {
    for (const { remoteAddr } of this.#host.libp2p.getConnections(peerIdFromString(from))) {
      const near = nearOf(classOf(remoteAddr.toString()))
      if (near !== undefined) {
        this.#origins.set(peer, (this.#origins.get(peer) ?? new Set()).add(near))
      }
    }
    if (this.#origins.size > MAX_MEMBERS) {
      const [oldest] = this.#origins.keys()
      this.#origins.delete(oldest!)
    }
  }

  isUsable (peer: PeerName, address: string): boolean {
    const kind = classOf(address)
    const near = nearOf(kind)
    return kind !== 'forbidden' && (near === undefined || this.#origins.get(peer)?.has(near) === true)
  }

  forget (peer: PeerName): void {
    this.#origins.delete(peer)
  }
}
