/**
 * Who is connected, and which members' connections broke: whether these are heard of all the same, or to be doubted
 * aloud
 */
import type { PeerId } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { Member, Membership } from './membership.ts'
import type { Presence } from './presence.ts'

export interface LinksComponents {
  host: Pick<Host, 'libp2p'>
  membership: Pick<Membership, 'get' | 'has'>
  presence: Pick<Presence, 'isSilent' | 'suspect'>
}

export interface LinksInit {
  /** Kept up to date from start to stop */
  connected: Set<PeerName>
  /** There is a connection with this peer where there was none */
  onConnect: (peer: PeerName) => void
}

export class Links {
  readonly #components: LinksComponents
  readonly #init: LinksInit
  /** Members that gave no sign since their connection broke, with the sequence of their newest record then */
  readonly #lost = new Map<PeerName, number>()

  constructor (components: LinksComponents, init: LinksInit) {
    this.#components = components
    this.#init = init
  }

  start (): void {
    const { libp2p } = this.#components.host
    const { connected } = this.#init
    libp2p.addEventListener('peer:connect', this.#onConnect)
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    connected.clear()
    libp2p.getPeers().forEach((peer) => connected.add(peer.toString()))
  }

  stop (): void {
    const { libp2p } = this.#components.host
    libp2p.removeEventListener('peer:connect', this.#onConnect)
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
  }

  /** The peer says something new, or is no member any more: that its connection broke is of no interest now */
  forget (peer: PeerName): void {
    this.#lost.delete(peer)
  }

  /** See Neighbourhood.isHeardOf */
  isHeardOf (peer: PeerName): boolean {
    const { membership, presence } = this.#components
    const member = membership.get(peer)
    return member !== undefined && member.suspectedMs === undefined && !presence.isSilent({ lastSignMs: member.recordMs }) &&
      member.sequence > (this.#lost.get(peer) ?? 0)
  }

  /**
   * The peer cannot be dialled: doubts aloud that it lives, if it is a member that broke off, or was silent for too
   * long
   */
  unreachable (peer: PeerName, signal: AbortSignal): void {
    const { membership, presence } = this.#components
    const member = membership.get(peer)
    if (member !== undefined && this.#isDoubtful(member)) {
      void presence.suspect(member, (name) => this.#init.connected.has(name), signal)
    }
  }

  #isDoubtful (member: Member): boolean {
    const { peer, suspectedMs } = member
    return suspectedMs === undefined && !this.#init.connected.has(peer) && (this.#lost.has(peer) || this.#components.presence.isSilent(member))
  }

  readonly #onConnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#init.connected.add(peer)
    this.#lost.delete(peer)
    this.#init.onConnect(peer)
  }

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => {
    const peer = detail.toString()
    this.#init.connected.delete(peer)
    const { membership } = this.#components
    const member = membership.get(peer)
    // a stranger is not missed, and nothing would tell when its record is forgotten
    if (member !== undefined && membership.has(peer)) {
      this.#lost.set(peer, member.sequence)
    }
  }
}
