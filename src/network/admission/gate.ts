/**
 * Who may have streams and gossip of this node: members, from when it is known that they are until it is known that
 * they are no longer
 *
 * A peer whose standing is not known yet has ten seconds to show it; whose right ends is cut off at once, and told why.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { PullError } from '../../errors.ts'
import { tellFarewell } from './farewell.ts'
import { reasonOf } from './refusal-words.ts'
import { WaitingStreams } from './waiting-streams.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Gatekeeper, RefusalReason } from '../../governance/governance-interface.ts'
import type { PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { PeerGate } from '../host/peer-gate.ts'

/** A peer that does not become a member in this time is told why, and its connection is closed */
const SETTLE_MS = 10_000

/** What is still on its way to a peer that is turned away has this long */
const PARTING_MS = 1_000

export interface GateInit {
  /** @default 10000 */
  settleMs?: number
  /** @default 5000 */
  waitMs?: number
  /** The peer turned this node away a moment ago. @default nobody did */
  isTurnedAway?: (peer: PeerName) => boolean
  /** A connected peer is let in, once for as long as it is connected */
  onMember?: (peer: PeerName) => void
}

type GateHost = Pick<Host, 'libp2p' | 'pubsub' | 'self'>

export class Gate implements PeerGate {
  readonly #gatekeeper: Gatekeeper
  readonly #settleMs: number
  readonly #isTurnedAway: (peer: PeerName) => boolean
  readonly #onMember: (peer: PeerName) => void
  readonly #waiting: WaitingStreams
  /** Connected peers that got in */
  readonly #members = new Set<PeerName>()
  /** Connected peers that have not yet shown that they are members: until when they may */
  readonly #deadlines = new Map<PeerName, NodeJS.Timeout>()
  /** Connected peers that are turned away, and why */
  readonly #refused = new Map<PeerName, RefusalReason>()
  readonly #takeUp = new Map<PeerName, () => void>()
  #host: GateHost | undefined

  constructor (gatekeeper: Gatekeeper, { settleMs = SETTLE_MS, waitMs, isTurnedAway = () => false, onMember = () => {} }: GateInit = {}) {
    this.#gatekeeper = gatekeeper
    this.#settleMs = settleMs
    this.#isTurnedAway = isTurnedAway
    this.#onMember = onMember
    this.#waiting = new WaitingStreams(waitMs === undefined ? {} : { waitMs })
  }

  /** Begins to watch who is connected; call before the host starts */
  attach (host: GateHost): void {
    this.#host = host
    host.libp2p.addEventListener('peer:connect', ({ detail }) => { this.settle(detail.toString()) })
    host.libp2p.addEventListener('peer:disconnect', ({ detail }) => { this.#forget(detail) })
    this.#gatekeeper.addEventListener('change', this.#onChange)
  }

  stop (): void {
    this.#gatekeeper.removeEventListener('change', this.#onChange)
    this.#deadlines.forEach((timer) => { clearTimeout(timer) })
    this.#deadlines.clear()
    this.#waiting.refuseAll()
  }

  readonly isOpen = (peer: PeerName): boolean => this.#gatekeeper.standing(peer) === 'member'

  readonly opens = async (peer: PeerName): Promise<boolean> => this.isOpen(peer) || (!this.#refused.has(peer) && this.#gatekeeper.standing(peer) === 'unknown' && await this.#waiting.wait(peer) && this.isOpen(peer))

  readonly whenOpen = (peer: PeerName, take: () => void): void => {
    if (this.#connections(peer).length > 0) {
      this.#takeUp.set(peer, take)
    }
  }

  readonly holdsBack = (peer: PeerName): boolean => this.#isTurnedAway(peer) || !['member', 'unknown'].includes(this.#gatekeeper.standing(peer))

  readonly onChange = (listener: () => void): (() => void) => {
    this.#gatekeeper.addEventListener('change', listener)
    return () => { this.#gatekeeper.removeEventListener('change', listener) }
  }

  /** Looks at a peer again that has just connected, or shown something, or whose standing may have changed */
  settle (peer: PeerName): void {
    if (this.#connections(peer).length === 0) {
      return
    }
    if (this.isOpen(peer)) {
      this.#letIn(peer)
    } else if (this.#members.has(peer)) {
      this.refuse(peer, reasonOf(this.#gatekeeper.standing(peer)))
    } else if (!this.#deadlines.has(peer) && !this.#refused.has(peer)) {
      this.#deadlines.set(peer, setTimeout(() => { this.refuse(peer, reasonOf(this.#gatekeeper.standing(peer))) }, this.#settleMs))
    }
  }

  /** Ends all there is with a connected peer, telling it why; `told`: it knows already */
  refuse (peer: PeerName, reason: RefusalReason, told = false): void {
    if (this.#refused.has(peer) || this.#host === undefined) {
      return
    }
    this.#endDeadline(peer)
    this.#members.delete(peer)
    this.#takeUp.delete(peer)
    this.#refused.set(peer, reason)
    this.#waiting.decide(peer, false)
    this.#host.pubsub.removePeer(peerIdFromString(peer))
    const connections = this.#connections(peer)
    if (connections.length === 0) {
      this.#refused.delete(peer)
    }
    connections.forEach((connection) => { void this.#part(connection, reason, told) })
  }

  #letIn (peer: PeerName): void {
    this.#endDeadline(peer)
    this.#refused.delete(peer)
    const isNew = !this.#members.has(peer)
    this.#members.add(peer)
    this.#waiting.decide(peer, true)
    const take = this.#takeUp.get(peer)
    this.#takeUp.delete(peer)
    take?.()
    if (isNew) {
      this.#onMember(peer)
    }
  }

  /** Never rejects. What it has of streams ends at once; the connection when it was told why, or will not listen */
  async #part (connection: Connection, reason: RefusalReason, told: boolean): Promise<void> {
    const end = new PullError(`${connection.remotePeer.toString()} is turned away: ${reason}`)
    const leave = told ? async () => connection.close({ signal: AbortSignal.timeout(PARTING_MS) }) : async () => tellFarewell(connection, { reason, records: reason === 'not-a-member' ? [] : this.#gatekeeper.grounds() }, PARTING_MS)
    if (!told) {
      connection.streams.forEach((stream) => { stream.abort(end) })
    }
    await leave().catch(() => {
      // it does not speak the protocol, or does not read: nobody has to be told
    })
    connection.abort(end)
  }

  readonly #onChange = (): void => {
    const connected = this.#host?.libp2p.getPeers() ?? []
    connected.forEach((peer) => { this.settle(peer.toString()) })
  }

  #forget (peer: PeerId): void {
    const name = peer.toString()
    if (this.#connections(name).length > 0) {
      return
    }
    this.#endDeadline(name)
    this.#members.delete(name)
    this.#refused.delete(name)
    this.#takeUp.delete(name)
    this.#waiting.decide(name, false)
  }

  #endDeadline (peer: PeerName): void {
    clearTimeout(this.#deadlines.get(peer))
    this.#deadlines.delete(peer)
  }

  #connections (peer: PeerName): Connection[] {
    return this.#host?.libp2p.getConnections(peerIdFromString(peer)) ?? []
  }
}
