/**
 * Membership, neighbours and connections of one node, as the rest of the network sees them
 */
import type { PrivateKey } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'
import type { RecordVerdict } from '../../governance/governance-interface.ts'
import type { AbortOptions, Clock, IdentityUse, PeerName, Store, UnansweredAddress } from '../../interface.ts'
import type { KeeperTimings } from '../connections/connection-keeper.ts'
import type { ControlVerdict } from './control-messages.ts'
import type { EquivocationProof } from '../signed/equivocation.ts'
import type { Host } from '../host/host.ts'

export interface NeighbourhoodComponents {
  /** Started by the caller, before or after; stopped by the caller, after */
  host: Host
  privateKey: PrivateKey
  store: Pick<Store, 'peers' | 'putPeer' | 'deletePeer' | 'putRecordSequence' | 'getRecordSequence'>
  clock: Clock
}

export interface NeighbourhoodInit extends KeeperTimings {
  federationId: string
  /** Neighbours of each member, k */
  degree: number
  /** About how many of them change every round. @default 0 */
  resample?: number
  /** Takes over a record about membership, in an invited federation. @default nobody reads such */
  takeRecord?: ((record: Uint8Array, from: PeerName) => RecordVerdict) | undefined
  /** Updates that the rule needs: with fewer neighbours nobody is left out for being slow. @default 0 */
  leastNeighbours?: number
  /** Full multiaddrs to join through */
  bootstrap: readonly string[]
  /** How often a node says that it is there, ± 15 %. @default 10000 */
  heartbeatMs?: number
  /** A member without a sign of life for this long is dropped. @default 60000 */
  expiryMs?: number
  /** A member that cannot be reached keeps its place for this long. @default 20000 */
  graceMs?: number
  /** How often every connected peer gets a sign of life. @default 4000 */
  beatMs?: number
  /** A connection without a byte for this long is closed. @default 12000 */
  silentMs?: number
  /** A connected peer may be without gossip for this long before the connection is made anew. @default 20000 */
  deafMs?: number
}

export interface NeighbourhoodEvents {
  /** Also when only `upcoming` changed */
  'neighbours:change': CustomEvent<{ neighbours: PeerName[] }>
  'members:change': CustomEvent<{ members: PeerName[] }>
  /** A member says in a newer record whether it is ready for a round */
  ready: CustomEvent<{ peer: PeerName }>
  /** Another member found this proof, which is verified */
  equivocation: CustomEvent<EquivocationProof>
  /** Something that the operator should read */
  warning: CustomEvent<{ code: string, message: string }>
}

export interface Neighbourhood extends TypedEventTarget<NeighbourhoodEvents> {
  /** Throws what the store throws when it is read */
  start: () => Promise<void>
  /** Says goodbye and ends everything; connections are left to the host. An aborted signal skips the goodbye */
  stop: (options?: AbortOptions) => Promise<void>
  /** This node included, ascending */
  members: () => PeerName[]
  /**
   * The peer counts (vouching.ts): a record alone makes nobody a member. Cheap: asked for each piece of data that comes
   * in
   */
  isMember: (peer: PeerName) => boolean
  /** Whom this node aggregates, ascending */
  neighbours: () => PeerName[]
  /** Whom a next round may bring, ascending: by re-sampling, or because one that was slow is in step again */
  upcoming: () => PeerName[]
  /** Observers whose last updates may be started from, where few publish; ascending */
  elders: () => PeerName[]
  /** The round in hand: with re-sampling each has neighbours of its own */
  setRound: (round: number) => void
  /**
   * Tells all members, within a moment, that this node publishes nothing from now on: it is nobody's neighbour, and
   * still has neighbours to listen to
   */
  observe: () => void
  isConnected: (peer: PeerName) => boolean
  /**
   * The member's records arrive, through whomever: it lives, though perhaps not within reach. After a broken connection
   * only a record that was made since says so
   */
  isHeardOf: (peer: PeerName) => boolean
  /** Too few members hold a connection with this node, where most have enough: nobody mixes its updates */
  isLeftOut: () => boolean
  /** Says in the own record whether this node begins a round when enough neighbours do; each true is a new claim */
  declareReady: (isReady: boolean) => void
  /** Sequence of the member's newest record where that says that it is ready; undefined where it does not */
  readyClaim: (peer: PeerName) => number | undefined
  /** Addresses of wanted peers that do not lead to them */
  unanswered: () => UnansweredAddress[]
  /** Whether another process uses the id of this node */
  identityUse: () => IdentityUse
  /** Chooses another neighbour in place of this one until it is heard from, in step, or for a minute */
  suspend: (peer: PeerName) => void
  /** A verified sign of life of this author; `round` where it was an update */
  heard: (peer: PeerName, round?: number) => void
  /** Verdict on a message of the control topic that `from` passed on. Never throws */
  handleControl: (data: Uint8Array, from: PeerName) => ControlVerdict
  /** Tells all members, once for each author, that it signed two updates that contradict each other */
  tellEquivocation: (proof: EquivocationProof) => Promise<void>
}
