/**
 * What a node is made of: whoever embeds one can hand in parts of their own, and what is left out is of
 * default-parts.ts
 *
 * Parts that need what is known only at the start (the document, the identity) are made then, by the functions here.
 * There is no part for privacy noise: it comes from the operating system's generator in the default trainer, and a
 * trainer that takes it from elsewhere must not be given a dataset's account.
 */
import type { PrivateKey } from '@libp2p/interface'
import type { Algorithm, AlgorithmInit } from '../algorithm/algorithm.ts'
import type { AuditLog } from '../audit-log/audit-log.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { Clock, Codec, DatasetSource, KeyframeSource, Network, Partition, PeerName, Replicas, StepLimits, Store, Trace, Trainer, TrainerDescription } from '../interface.ts'
import type { Gatekeeper } from '../governance/governance-interface.ts'
import type { VotingKeys } from '../governor/governor-interface.ts'
import type { LedgerReader } from '../ledger/ledger.ts'
import type { PrivacyBudget, PrivacyStatus } from '../privacy/budget.ts'
import type { RoundProtocol } from '../round/exchange-interface.ts'
import type { Membership } from './enter-federation.ts'
import type { WeightsKeeper } from './home-weights.ts'
import type { NodeEvents, NodeInit } from './node-interface.ts'

/** Settings of a node as they were given, or left out */
type Settings<Names extends keyof NodeInit> = { [Name in Names]?: NodeInit[Name] | undefined }

export interface StorePartInit extends Pick<NodeInit, 'home'>, Settings<'keepVersions'> {
  clock: Clock
  trace: Trace
  /** For reading what a node left that has ended: nothing is written */
  readOnly: boolean
}

export interface TrainerPartInit extends Settings<'backend' | 'threads'> {
  document: FederationDocument
  /** The canonical file, where the document has `model.weights` */
  weights: Uint8Array | undefined
  data: DatasetSource
  partition: Partition | undefined
  /**
   * The description must name the dataset with it (`TrainerDescription.dataset`); undefined without a privacy mechanism
   */
  sketchSecret: Uint8Array | undefined
  /** May be called while the data are read, with the share of them from 0 to 1 */
  onRead: ((share: number) => void) | undefined
}

export interface NetworkPartInit extends Pick<NodeInit, 'home'>, Settings<'listen' | 'announce' | 'bootstrap'> {
  identity: PrivateKey
  membership: Membership
  /** Bytes of the largest update of the federation's model */
  maxPayloadBytes: number
  /** Which kinds of updates are understood, and who holds the keyframes that others ask for */
  replicas: KeyframeSource
  /**
   * Neighbours without which no round begins: where fewer would remain nobody is left out for being slow. 0: rounds
   * begin anyway
   */
  leastNeighbours: number
  /** How many vectors an update carries, the model included: others are left alone, and blame nobody */
  vectors: number
  /** What the network must be able to send in the steps of a round; undefined: nothing but updates */
  steps: StepLimits | undefined
  store: Store
  clock: Clock
  /** Who may come in; undefined in an open federation */
  gatekeeper: Gatekeeper | undefined
}

export interface ReplicasPartInit {
  /** Of the document */
  codec: Codec
  parameterCount: number
}

export interface AccountPartInit extends Pick<NodeInit, 'home'>, Settings<'ledgers' | 'epsilonLimit'> {
  clock: Clock
  trace: Trace
  onWarning: (detail: NodeEvents['warning']['detail']) => void
}

/** What a node may spend on its dataset. Without a privacy mechanism nothing is opened, and `budget` stays undefined */
export interface PrivacyAccount {
  readonly budget: Pick<PrivacyBudget, 'refuses' | 'reserve' | 'status'> | undefined
  readonly ledger: LedgerReader | undefined
  /** What the sketches of this user's datasets are made with; undefined without a privacy mechanism */
  sketchSecret: (document: FederationDocument) => Promise<Uint8Array | undefined>
  /** Before anything can be trained or sent */
  open: (membership: Membership, description: TrainerDescription, peer: PeerName) => Promise<void>
  /** Throws LedgerRollbackError when the ledger lacks what this home published */
  requireHomeCharged: (published: number | undefined) => Promise<void>
  /** Throws LedgerRollbackError when the ledger lacks what neighbours hold of this peer */
  requireHeldCharged: (published: number | undefined) => void
  /** The newest round of this federation that this peer charged; 0 when there is none */
  trainedRound: () => Promise<number>
  /** Also after `close`: what was spent then; null without a privacy mechanism */
  status: () => PrivacyStatus | null
  close: () => Promise<void>
}

/**
 * Where the numbers of a node go. What it keeps and how it names it outside is its own affair; when it throws, a
 * warning says so
 */
export interface MetricsSink {
  /**
   * @param name - With its unit, in the words of OpenMetrics: `round_duration_seconds`, `privacy_epsilon`
   * @param value - As it is now: a gauge. Totals only grow while the node runs
   */
  set: (name: string, value: number, labels?: Readonly<Record<string, string>>) => void
}

export interface DocumentRequest {
  /** Full multiaddrs, asked one after another */
  addresses: readonly string[]
  /** Refuse any federation but this one (CID) */
  expected?: string
  signal: AbortSignal
}

export interface AdmissionWish {
  identity: PrivateKey
  /** Full multiaddrs, asked one after another; an invitation has its own */
  addresses: readonly string[]
  /** Text of a token */
  invitation: string | undefined
  /** Ask to be admitted */
  request: { name?: string } | undefined
  /** Refuse any federation but this one (CID) */
  expected: string | undefined
  signal: AbortSignal
  /** Called once, when a request waits for people */
  onWaiting: (detail: { federation: string, address: string }) => void
}

export interface NodeParts {
  clock: Clock
  /** Diagnostics of a part of the node, by its name */
  logger: (part: string) => Trace
  metrics: MetricsSink
  /** Before all others: makes the folder of this node. Throws the file system's errors */
  makeHome: (home: string) => Promise<void>
  store: (init: StorePartInit) => Store
  /** Keeps the weights that a federation starts from. Asked only where the document has `model.weights` */
  weights: WeightsKeeper
  /** The key of this home, the same each time. Throws IdentityError */
  identity: (home: string) => Promise<PrivateKey>
  /** The document that a peer at one of the addresses has. Throws BootstrapError, FederationMismatchError */
  fetchDocument: (request: DocumentRequest) => Promise<{ bytes: Uint8Array, id: string, address: string }>
  /**
   * Becomes a member of an invited federation: its document, and what proves the membership. Throws InvitationError,
   * AdmissionRefusedError, BootstrapError, FederationMismatchError
   */
  enterInvited: (wish: AdmissionWish) => Promise<{ bytes: Uint8Array, records: readonly Uint8Array[] }>
  /** Keeps the private voting keys of a home */
  votingKeys: (home: string) => VotingKeys
  /** Keeps what was done about membership. Asked only in an invited federation */
  auditLog: (home: string, clock: Pick<Clock, 'now'>) => AuditLog
  trainer: (init: TrainerPartInit) => Trainer
  account: (init: AccountPartInit) => PrivacyAccount
  /** All members of a federation must have the same: no document names it yet */
  algorithm: (init: AlgorithmInit) => Algorithm
  /** What updates stand for. Peers whose kinds of updates are not understood by the others mix with nobody */
  replicas: (init: ReplicasPartInit) => Replicas
  network: (init: NetworkPartInit) => Promise<Network>
  /** What all peers of the federation follow in a round beside the exchange of updates. @default nothing */
  protocol?: RoundProtocol
}
