/**
 * Which neighbours are worth waiting for: linked, or heard of while a linked peer passes their updates on
 */
import type { Neighbour, PeerName } from '../../interface.ts'
import type { AuthorLog } from '../signed/author-log.ts'
import type { Host } from '../host/host.ts'
import type { Neighbourhood } from '../members/neighbourhood-interface.ts'
import type { UpdateGossip } from './update-gossip.ts'

export interface LiveNeighboursComponents {
  host: Pick<Host, 'pubsub'>
  neighbourhood: Pick<Neighbourhood, 'neighbours' | 'isConnected' | 'isHeardOf' | 'isLeftOut' | 'readyClaim'>
  gossip: Pick<UpdateGossip, 'followers'>
  log: Pick<AuthorLog, 'newest'>
}

export class LiveNeighbours {
  private readonly components: LiveNeighboursComponents
  private last = ''

  constructor (components: LiveNeighboursComponents) {
    this.components = components
  }

  list (): Neighbour[] {
    const { neighbourhood, log } = this.components
    // who counts for nobody would train and pay for updates that nobody mixes
    const isLeftOut = neighbourhood.isLeftOut()
    return neighbourhood.neighbours().map((peer) => ({
      peer,
      live: !isLeftOut && (this.isLinked(peer) || this.isRelayed(peer)),
      round: log.newest(peer)?.header.round,
      readyClaim: neighbourhood.readyClaim(peer)
    }))
  }

  /** Those with a connection over which gossip flows in both directions: they can be asked */
  linked (): PeerName[] {
    return this.components.neighbourhood.neighbours().filter((peer) => this.isLinked(peer))
  }

  /**
   * The neighbours when they, their liveness or their links are not as they were at the last call; otherwise undefined
   */
  changed (): Neighbour[] | undefined {
    const neighbours = this.list()
    const now = neighbours.map(({ peer, live }) => `${peer}:${live}:${this.isLinked(peer)}`).join()
    const isChanged = now !== this.last
    this.last = now
    return isChanged ? neighbours : undefined
  }

  private isLinked (peer: PeerName): boolean {
    const { host: { pubsub }, neighbourhood } = this.components
    // both directions: it knows what this node follows, and this node hears it
    return neighbourhood.isConnected(peer) && pubsub.streamsOutbound.has(peer) && pubsub.streamsInbound.has(peer)
  }

  /** Its records arrive, and a linked peer follows its updates as well, and passes them on: a spoke behind a hub */
  private isRelayed (peer: PeerName): boolean {
    const { neighbourhood, gossip } = this.components
    return neighbourhood.isHeardOf(peer) && gossip.followers(peer).some((follower) => follower !== peer && this.isLinked(follower))
  }
}
