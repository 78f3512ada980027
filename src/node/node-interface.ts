/**
 * What a program sees of a node: its settings, its events, its status
 */
import type { TypedEventTarget } from 'main-event'
import type { FederationDocument } from '../federation/document.ts'
import type { BackendName, Clock, DatasetSource, IdentityInUse, ModelVersion, Neighbour, Partition, PeerName, RejectionReason, Traffic, TrainerDescription, UnansweredAddress } from '../interface.ts'
import type { Act, NodeGovernance, Standing } from '../governance/governance-interface.ts'
import type { LedgerReader } from '../ledger/ledger.ts'
import type { PrivacyStatus } from '../privacy/budget.ts'
import type { RoundEvents, RoundPhase, RoundReport, Waiting } from '../round/round-events.ts'
import type { MeshLimits } from './mesh-limits.ts'

/** Local settings of one node. What peers must agree on is in the federation document instead */
export interface NodeInit {
  /** Folder of this node: identity key, database. Created with mode 0700 when absent */
  home: string
  /**
   * The document of the federation to found. Left out by a node that joins by address (it fetches the document) and
   * by one that starts again (the document is in its home)
   */
  federation?: FederationDocument
  /**
   * Weights that the federation starts from, as a safetensors file, where its document has `model.weights`: at the
   * first start, and again to mend the copy in the home. `start()` throws WeightsError when they are missing or others
   */
  weights?: Uint8Array
  /** Full multiaddrs of peers to join through. At least one must answer when the home knows no federation yet */
  bootstrap?: string[]
  /**
   * The text of an invitation to redeem when the home knows no federation yet: its inviter is dialled, and no other
   * peer. Redeeming again from the same home changes nothing. `start()` throws InvitationError, AdmissionRefusedError
   */
  invitation?: string
  /**
   * Where the peers of `bootstrap` let no stranger in: ask them to be admitted, and wait until people decided.
   * `start()` throws AdmissionRefusedError without it
   */
  requestAdmission?: { name?: string }
  /** Refuse any federation but this one (CID) */
  expectedFederation?: string
  /**
   * `start()` throws FederationMismatchError when a bootstrap address leads to another federation than the home's.
   * @default false
   */
  refuseOtherFederation?: boolean
  /** Port 0 is any free one, drawn once and kept in the home. @default ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0'] */
  listen?: string[]
  /** Multiaddrs to announce instead of the listening ones */
  announce?: string[]
  /** Where the private examples come from */
  data: DatasetSource
  /** This node's share of `data`; left out: all of it */
  partition?: Partition
  /** @default 'auto' */
  backend?: BackendName | 'auto'
  /** Threads for one training step; several nodes on one machine must share the cores. @default 1 */
  threads?: number
  /** Stop after this round (an absolute round number); left out: go on until stopped */
  rounds?: number
  /**
   * Do not begin the first round before this many members (this node included) are known and the own neighbours are
   * live
   *
   * @default as many as the aggregation rule needs, at least 2: before that there is nobody to learn with. With `alone:
   * 'train'` these are waited for some seconds only
   */
  minMembers?: number
  /** Model versions to keep in the store. @default 10 */
  keepVersions?: number
  /** Evaluate on the test examples every this many rounds; the last round always is. @default 1 */
  evaluateEvery?: number
  /**
   * What the node does while too few neighbours are there for the rule: `wait`, because a round that is not mixed costs
   * as much privacy budget as any other, or `train` on alone, at its usual pace, from the first round on
   *
   * @default 'wait'
   */
  alone?: 'wait' | 'train'
  /**
   * Folder of the privacy ledgers of this user's datasets, an absolute path. @default
   * $XDG_STATE_HOME/grapevine-ledgers, or in ~/.local/state
   */
  ledgers?: string
  /** Stop sending at this epsilon, when it is less than the federation's limit */
  epsilonLimit?: number
  /** @default the system clock */
  clock?: Clock
}

export type NodeStatus = 'stopped' | 'starting' | 'waiting' | 'training' | 'stopping'

/**
 * `rounds`: all done; `budget`: the privacy budget is spent and no other member was there for a minute; `request`:
 * stop() was called; `error`: see error
 */
export type StopReason = 'rounds' | 'budget' | 'request' | 'error'

export interface NodeEvents extends RoundEvents {
  /** The private examples are being read: the share of them, from 0 to 1. Not of all formats */
  'data:read': CustomEvent<{ share: number }>
  listening: CustomEvent<{ peer: PeerName, addresses: string[] }>
  /**
   * The node belongs to a federation: founded, joined by address, or resumed from its home. `round` is the last
   * committed one
   */
  joined: CustomEvent<{ federation: string, name: string, how: 'founded' | 'joined' | 'resumed', round: number, backend: BackendName }>
  'peer:connect': CustomEvent<{ peer: PeerName, address: string }>
  'peer:disconnect': CustomEvent<{ peer: PeerName }>
  'neighbours:change': CustomEvent<{ neighbours: Neighbour[] }>
  /** Enough members and all own neighbours are live: the first round begins */
  'mesh:ready': CustomEvent<{ members: number, neighbours: number }>
  'update:rejected': CustomEvent<{ peer: PeerName, author: PeerName | undefined, reason: RejectionReason }>
  /** A request to be admitted was filed: the node waits for people, and `start()` with it */
  'admission:waiting': CustomEvent<{ peer: PeerName, federation: string, address: string }>
  /** Somebody asks to be admitted */
  'governance:request': CustomEvent<{ peer: PeerName, name?: string }>
  /** Somebody redeemed an invitation that this node made, and is a member */
  'governance:admission': CustomEvent<{ peer: PeerName, jti: string, name?: string }>
  /** An act was proposed, or somebody endorsed it */
  'governance:act': CustomEvent<{ actId: string, act: Act, missing: number }>
  'governance:decision': CustomEvent<{ slot: number, act: Act }>
  /** What this node itself may do has changed */
  'governance:standing': CustomEvent<{ standing: Standing }>
  stopped: CustomEvent<{ reason: StopReason, round: number, error?: Error }>
}

/** A snapshot for `status` */
export interface NodeDescription {
  status: NodeStatus
  peer: PeerName
  home: string
  addresses: string[]
  federation: { id: string, name: string } | undefined
  startedAt: number
  round: number
  phase: RoundPhase | undefined
  /** What the next round waits for; undefined when it does not */
  waiting: Waiting | undefined
  /** The first round waits for this many, this node included */
  minMembers: number
  members: PeerName[]
  /** What the mesh of the known members withstands; undefined before there is one */
  limits: MeshLimits | undefined
  connections: Array<{ peer: PeerName, address: string, direction: 'inbound' | 'outbound' }>
  neighbours: Neighbour[]
  /** Addresses of wanted peers that do not answer */
  unanswered: UnansweredAddress[]
  /** Another process uses the id of this peer; undefined when none is known */
  identityInUse: IdentityInUse | undefined
  trainer: Omit<TrainerDescription, 'layout'> | undefined
  lastRound: RoundReport | undefined
  /** The newest version that neighbours took part in; the newest where there is none */
  latestVersion: ModelVersion | undefined
  /** What was committed last: the peer goes on from it */
  newestVersion: ModelVersion | undefined
  traffic: Traffic
  /** Spent on this dataset, in all runs together; null without a privacy mechanism */
  privacy: PrivacyStatus | null
}

/** A running peer of a federation */
export interface GrapevineNode extends TypedEventTarget<NodeEvents> {
  readonly status: NodeStatus
  /**
   * Resolves when the node runs; a second call waits for the first. After a failure nothing keeps running, and another
   * try is possible. Throws the errors of the adapters (see errors.ts), and NodeStateError once the node was stopped
   */
  start: () => Promise<void>
  /**
   * Idempotent, and final. Finishes what must not be torn, says goodbye, closes everything; `force` skips the courtesy,
   * also of a stop that is under way
   */
  stop: (options?: { force?: boolean }) => Promise<void>
  /** Resolves when the node has stopped for good, for whatever reason; a start that fails does not count */
  stopped: () => Promise<{ reason: StopReason, error?: Error }>
  describe: () => NodeDescription
  /** Model versions in the store, newest first */
  versions: (options?: { limit?: number }) => Promise<ModelVersion[]>
  /**
   * By id, unique prefix, round number, `newest`, or `latest`: the newest that neighbours took part in, and the newest
   * where there is none
   */
  version: (selector: string) => Promise<{ version: ModelVersion, parameters: Float32Array } | undefined>
  federation: () => FederationDocument | undefined
  /**
   * The canonical safetensors file of the weights that the federation started from, for `createPredictor` and exports;
   * undefined for a federation without, and before the start
   */
  weights: () => Uint8Array | undefined
  /**
   * The privacy ledger of the dataset, for reading; undefined without a privacy mechanism, and when the node does not
   * run
   */
  ledger: () => LedgerReader | undefined
  /** Who belongs and who decides; undefined in an open federation, and before the start */
  governance: () => NodeGovernance | undefined
}
