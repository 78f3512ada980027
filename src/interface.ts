/**
 * The ports between the parts of a node, and the types that cross them
 *
 * Types only: nothing in this file exists at run time. An adapter (network/, model/, store/) implements a port;
 * the round engine and the composition root know nothing but the port.
 */
import type { TypedEventTarget } from 'main-event'
import type { Sliced } from './slices.ts'

/** Options of every call that waits */
export interface AbortOptions {
  signal?: AbortSignal
}

/** A peer id in its canonical text form (base58btc, `12D3Koo…`) */
export type PeerName = string

/** Time, injected so that tests decide how it passes */
export interface Clock {
  /** Wall clock, milliseconds since 1970 */
  now: () => number
  /** Monotonic clock with an arbitrary origin, milliseconds with a fraction */
  monotonicMs: () => number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first */
  delay: (ms: number, options?: AbortOptions) => Promise<void>
}

/** Diagnostics for operators, with the placeholders of `util.format`; off unless they are asked for */
export type Trace = (format: string, ...values: unknown[]) => void

/** Uniform numbers in [0, 1), from a seed. Never used for keys or privacy noise */
export type Random = () => number

/** Where one trainable tensor lives inside the flat parameter vector */
export interface ParameterSlot {
  /** e.g. `dense_1/kernel` */
  name: string
  shape: readonly number[]
  /** Index of the first element in the flat vector */
  offset: number
  /** Number of elements */
  size: number
}

// ---------------------------------------------------------------------------------------------- data

/** Where a peer's examples come from. Local configuration: it never leaves the machine */
export type DatasetSource =
  | { kind: 'digits', seed: number, trainExamples: number, testExamples: number }
  | { kind: 'idx', directory: string }
  | { kind: 'csv', file: string, testFile?: string, testFraction?: number } & CsvDialectChoice
  /** A folder with a sub-folder of PNG and JPEG files for each class, or a CSV file of their names and labels */
  | { kind: 'images', path: string, testFraction?: number }
  /** An NPZ file, or a folder of NPY files, with arrays x and y, or x_train, y_train, x_test and y_test */
  | { kind: 'npy', path: string, testFraction?: number }
  /** A Parquet file, or a folder of them */
  | { kind: 'parquet', file: string, testFile?: string, testFraction?: number }
  /** A file with one flat JSON object in each line */
  | { kind: 'jsonl', file: string, testFile?: string, testFraction?: number }
  /** A folder with a sub-folder of .txt files for each class, or a table with a column of texts and one of classes */
  | { kind: 'text', path: string, testFile?: string, testFraction?: number, separator?: CsvDialectChoice['separator'] }

/** How a table is written, where that is not to be found in its beginning */
export interface CsvDialectChoice {
  separator?: ',' | ';' | '\t' | '|' | undefined
  decimal?: 'point' | 'comma' | undefined
}

/** Which share of a common dataset is this peer's own: part `index` (from 0) of `count` */
export interface Partition {
  index: number
  count: number
  strategy: 'iid' | 'dirichlet' | 'shards'
  /** Concentration of the Dirichlet split, > 0; smaller is more skewed */
  alpha?: number
  /** Label shards for each peer, for `shards` */
  shardsPerPeer?: number
  seed: number
}

export type * from './trainer-interface.ts'

// ---------------------------------------------------------------------------------------------- codec

/**
 * Parameters <-> bytes. Pure and versioned; decoding depends on nothing but its arguments
 */
export interface Codec {
  /** As in the federation document, e.g. `int8` */
  readonly name: string
  /** Exact or largest number of bytes that `encode` makes of d parameters */
  maxEncodedBytes: (parameterCount: number) => number
  encode: (parameters: Float32Array) => Uint8Array
  /**
   * Throws InvalidUpdateError when the bytes are not exactly `parameterCount` finite parameters.
   * Never allocates more than the result and never reads beyond `bytes`, of which the result may be a view: neither is
   * changed later
   */
  decode: (bytes: Uint8Array, parameterCount: number) => Float32Array
}

// ---------------------------------------------------------------------------------------------- replicas

/**
 * The parameters that an update stands for: made once, shared by whoever holds them, freed when the last one lets go
 */
export interface Replica {
  /** Finite, d elements; must not be mutated */
  readonly parameters: Float32Array
  /** sha-256 of the parameters as little-endian float32, 32 bytes */
  readonly hash: Uint8Array
}

/** The own model as it is published */
export interface OwnReplica {
  /** What the neighbours make of it */
  replica: Replica
  payload: Uint8Array
  /** Left out: a keyframe */
  kind?: number
  /** Of `replica`; left out for a keyframe */
  replicaHash?: Uint8Array
}

/** A replica in bytes that give it exactly and alone */
export interface Keyframe {
  byteLength: number
  encode: () => Uint8Array
}

/** What the network has to know of replicas, and whom it asks for those that it hands on */
export interface KeyframeSource {
  /** Kinds of updates that are understood: 1, a keyframe, is one of them */
  readonly kinds: ReadonlySet<number>
  /** 0 where every update is a keyframe */
  readonly maxKeyframeBytes: number
  /** Of the replica that a delta names by this hash, where it is held. Cheap, for strangers ask: hashes nothing */
  keyframe: (replicaHash: Uint8Array) => Keyframe | undefined
}

/**
 * The one owner of replicas: makes them of updates, and updates of the own model. What came before may matter: a delta
 * stands on the replica of the update before it in its author's stream
 */
export interface Replicas extends KeyframeSource {
  /** Name of the codec that makes the payloads */
  readonly codec: string
  /** Of an update */
  readonly maxPayloadBytes: number
  /** Later replicas may stand on earlier ones: `apply` is to see all that comes, in order, also what nobody averages */
  readonly keepsMemory: boolean
  /**
   * The replica of an update, or why it is refused. `needs-keyframe`: nobody's fault, it stands on what is not held.
   * Asked again for the newest update of an author it gives the same parameters. Never throws
   */
  apply: (update: ReceivedUpdate) => Replica | 'needs-keyframe' | RejectionReason
  /**
   * Takes up the replica of an update that needs a keyframe. False for bytes that are not this replica, which then
   * changes nothing. Never throws
   */
  restore: (update: ReceivedUpdate, keyframe: Uint8Array) => boolean
  /** The own model as the next update. Throws RangeError for what cannot be published */
  own: (parameters: Float32Array) => OwnReplica
  /** It was sent: the next one may stand on it. One that was not is followed by a keyframe */
  published: (own: OwnReplica) => void
  /** What the neighbours make of the own model as it was published last, or would make of it, where nothing was */
  seen: (parameters: Float32Array) => Float32Array
  /** Forgets the replicas of all other authors. The own ones stay */
  retain: (authors: ReadonlySet<PeerName>) => void
}

// ---------------------------------------------------------------------------------------------- aggregators

export interface NeighbourReplica {
  peer: PeerName
  /** Decoded, finite, d elements; must not be mutated */
  parameters: Float32Array
  /** Metropolis–Hastings weight of the edge, 1 / (1 + max(own degree, its degree)) */
  weight: number
}

export interface AggregationInput {
  /** Own public replica: what the neighbours decoded from the own update. Must not be mutated */
  own: Float32Array
  /** In ascending order of peer id, so that the result cannot depend on the order of arrival */
  neighbours: readonly NeighbourReplica[]
  /** Round in hand, for a rule whose threshold shrinks. @default 1 */
  round?: number
  /** Mean losses on a batch of own examples, for a rule with `needsLosses` */
  losses?: { own: number, neighbours: ReadonlyMap<PeerName, number> }
  /**
   * Inner products of the vectors' differences from the own one, where they are known: n x n, row-major, the own vector
   * first (its row and column are zeros), the neighbours as above. @default taken when the rule asks for them
   */
  products?: Float64Array
}

export interface AggregationResult {
  /** d elements, freshly allocated */
  parameters: Float32Array
  /** Neighbours whose replica has no part in the result */
  excluded: ReadonlyArray<{ peer: PeerName, reason: 'distance-gate' | 'loss-gate' | 'not-selected' }>
}

export interface Aggregator {
  readonly name: string
  /** Fewer valid neighbour replicas than this and the rule must not run: the node keeps its own model */
  readonly minimumNeighbours: number
  /** True when `aggregate` reads `losses` */
  readonly needsLosses: boolean
  aggregate: (input: AggregationInput) => AggregationResult
  /** The same, bit for bit, in slices; a round asks for this one. @default `aggregate`, all at once */
  aggregation?: (input: AggregationInput) => Sliced<AggregationResult>
}

// ---------------------------------------------------------------------------------------------- network

/** Why something that came from another peer was refused. Stable strings: they are counted and reported */
export type RejectionReason =
  | 'oversized' | 'malformed' | 'wrong-federation' | 'wrong-author' | 'wrong-receiver' | 'bad-signature' | 'round-window'
  | 'stranger' | 'not-member' | 'replay' | 'equivocation' | 'rate' | 'banned' | 'payload-hash' | 'payload-unavailable'
  | 'codec' | 'shape' | 'not-finite' | 'norm' | 'wrong-codec' | 'unsupported' | 'wrong-epoch'
  | 'distance-gate' | 'loss-gate' | 'not-selected' | 'quarantined'

/** What a node publishes in a round */
export interface OutgoingUpdate {
  /** Round of the author, from 1 */
  round: number
  /** Strictly increasing over the life of the author's key, restarts included */
  sequence: number
  /** Name of the codec that made the payload */
  codec: string
  payload: Uint8Array
  /** How many neighbours the author mixes with: the degree for Metropolis–Hastings weights */
  degree: number
  /** 1: keyframe. Others stand on the own update before them, and are not the first of a run. @default 1 */
  kind?: number | undefined
  /** Of the replica after it, 32 bytes; left out for a keyframe */
  replicaHash?: Uint8Array | undefined
}

export interface PublishReceipt {
  /** sha-256 of the signed header, hex: the id of this update */
  updateId: string
  /** Peers that the gossip message was handed to */
  recipients: number
  /** True when the payload travelled inside the gossip message, false when neighbours must pull it */
  inline: boolean
}

/**
 * An update whose author, signature, federation, order and payload hash are verified. Its content is not decoded yet
 */
export interface ReceivedUpdate {
  author: PeerName
  /** sha-256 of the signed header, hex */
  updateId: string
  round: number
  sequence: number
  codec: string
  degree: number
  /** Shared, must not be mutated */
  payload: Uint8Array
  /** As the author stated it. @default 1 */
  kind?: number
  /** Id of the update before it in its author's stream; absent for the first */
  follows?: string
  /** sha-256 of the replica after it, 32 bytes; absent for a keyframe */
  replicaHash?: Uint8Array
  /** Peer that handed over the bytes: not always the author */
  from: PeerName
  /** Clock.monotonicMs() when the payload was complete */
  receivedAtMs: number
}

/** What the messages of a round may be, beside its updates: all peers of a federation must agree */
export interface StepLimits {
  /** Name of what the rounds follow, 1 to 32 characters: messages that name something else are left alone */
  protocol: string
  /** Steps of a round, that of the updates included, at least 2: messages are of the steps 1 to `steps` - 1 */
  steps: number
  /** Largest payload of a message */
  maxBytes: number
}

/** What a node says in one step of a round */
export interface OutgoingMessage {
  round: number
  /** From 1 */
  step: number
  /** Strictly increasing over the life of the author's key, together with those of updates. Used once */
  sequence: number
  payload: Uint8Array
  /**
   * One name: for this peer alone, which is signed too. Several: the same message for each of them, and whom else it
   * went to is not in it
   */
  to: PeerName | readonly PeerName[]
}

/** A message of a step whose author, signature, federation, receiver and payload hash are verified */
export interface ReceivedMessage {
  /** It handed the message over itself: nobody passes such on */
  author: PeerName
  round: number
  step: number
  /** This node, where the message is for it alone; undefined: others may have it too */
  receiver: PeerName | undefined
  payload: Uint8Array
  /** Clock.monotonicMs() when the payload was complete */
  receivedAtMs: number
}

/** A neighbour: a peer whose updates this node aggregates */
export interface Neighbour {
  peer: PeerName
  /** Worth waiting for: connected and answering, or its records arrive and a connected peer passes its updates on */
  live: boolean
  /** Newest round seen in a verified update or header; undefined before the first one */
  round: number | undefined
  /**
   * Its newest record says that it begins a round when enough neighbours do: a number that grows with each such claim
   */
  readyClaim: number | undefined
}

/** Bytes on the wire (all connections, all protocols) since the network started */
export interface Traffic {
  bytesSent: number
  bytesReceived: number
}

/** What others know of updates that the own key signed */
export interface EarlierLife {
  /** Peers that said what they know */
  answers: number
  /** The newest one that they know of; absent when there is none later than was asked for */
  newest?: Publication
}

export interface NetworkEvents {
  update: CustomEvent<ReceivedUpdate>
  /** Of a followed peer, for the round in hand or one of the next two; once for each round, step and receiver */
  message: CustomEvent<ReceivedMessage>
  /** Something was refused; already counted and scored */
  'update:rejected': CustomEvent<{ peer: PeerName, author: PeerName | undefined, reason: RejectionReason }>
  'peer:connect': CustomEvent<{ peer: PeerName, address: string }>
  'peer:disconnect': CustomEvent<{ peer: PeerName }>
  /** The set of neighbours, or the liveness of one of them, changed */
  'neighbours:change': CustomEvent<{ neighbours: Neighbour[] }>
  /** A member says anew whether it is ready for a round: see `Neighbour.readyClaim` */
  'neighbours:ready': CustomEvent<{ peer: PeerName }>
  /** The set of known members changed */
  'members:change': CustomEvent<{ members: PeerName[] }>
  /** Something that the operator should read, such as an address that does not answer */
  warning: CustomEvent<{ code: string, message: string }>
}

/** An address of a wanted peer that was dialled and did not lead to it. `silent`: nothing came back */
export interface UnansweredAddress {
  /** Undefined for a bootstrap address without a peer id */
  peer: PeerName | undefined
  /** Multiaddr without `/p2p` */
  address: string
  failure: 'silent' | 'refused' | 'failed'
}

/** Another process signs with the key of this node: its home was copied */
export interface IdentityInUse {
  /** Milliseconds since 1970 */
  since: number
  /** What it announces in its newest member record, without `/p2p` */
  addresses: string[]
}

export interface IdentityUse {
  /** Another process is proved, or there was a sign of one a moment ago */
  inDoubt: boolean
  /** Only when it is proved */
  conflict?: IdentityInUse
}

/** Peers, topics and streams, seen from the round engine */
export interface Network extends TypedEventTarget<NetworkEvents> {
  /** This node */
  readonly self: PeerName
  start: (options?: AbortOptions) => Promise<void>
  /** Says goodbye, then closes everything */
  stop: (options?: AbortOptions) => Promise<void>
  /** Full multiaddrs that this node can be dialled at, ending in `/p2p/<self>`, the most useful first */
  addresses: () => string[]
  /** Known members of the federation, this node included, ascending */
  members: () => PeerName[]
  connections: () => Array<{ peer: PeerName, address: string, direction: 'inbound' | 'outbound' }>
  neighbours: () => Neighbour[]
  /** Addresses that others announce, or that this node was given to join through, and that do not answer */
  unanswered: () => UnansweredAddress[]
  /** Whether another process uses the id of this node */
  identityUse: () => IdentityUse
  /**
   * Members that publish nothing any more, and whose last updates may be started from; empty where the neighbours are
   * as many as the document wants. Drawn like neighbours: nobody chooses to be one
   */
  elders: () => PeerName[]
  /** Whose updates arrive: the neighbours, and those whom a next round may bring */
  followed: () => PeerName[]
  /** Signs and publishes on the own topic. Throws PublishError when the update is over the size bound */
  publish: (update: OutgoingUpdate, options?: AbortOptions) => Promise<PublishReceipt>
  /**
   * Hands a message of the round in hand to those it is for, straight to each of them, and resolves to those that have
   * it, in the order given. For one round, step and receiver one message is signed, and one to several; there is no
   * second try
   *
   * Throws PublishError where that would be the second, for a step or size out of bounds, and when the network does not
   * run. When the signal aborts it resolves with whoever has said so by then
   */
  send: (message: OutgoingMessage, options?: AbortOptions) => Promise<PeerName[]>
  /**
   * Pulls the newest update of every neighbour, elder and connected peer, through others where need be: for late
   * joiners
   *
   * When the signal aborts it resolves with what has come by then
   */
  pullLatest: (options?: AbortOptions) => Promise<ReceivedUpdate[]>
  /**
   * Asks the author of an update, then others, for the keyframe of its replica, until `accept` takes what came: the
   * bytes of one peer at a time. What it does not take costs that peer its standing. False when nobody has it
   */
  pullKeyframe: (update: ReceivedUpdate, accept: (keyframe: Uint8Array) => boolean, options?: AbortOptions) => Promise<boolean>
  /** Asks connected peers what an earlier life of this key published after `afterSequence` */
  newestOwn: (afterSequence: number, options?: AbortOptions) => Promise<EarlierLife>
  /**
   * The round engine's verdict on an update that was verified but not acceptable: scored, and announced as
   * `update:rejected`
   */
  penalise: (peer: PeerName, reason: RejectionReason) => void
  /** Peers that are banned now, ascending */
  banned: () => PeerName[]
  /** This node publishes nothing from now on: others stop waiting for it, and it goes on listening */
  observe: () => void
  /**
   * Tells the members whether this node begins a round when enough neighbours do: enough live neighbours, budget left.
   * Each true is a new claim
   */
  declareReady: (isReady: boolean) => void
  /**
   * Stop waiting for this neighbour and use another one in its place, or none; forgotten when it is heard from again.
   * Where too few would remain for a round, a network may leave it where it is
   */
  suspend: (peer: PeerName) => void
  /**
   * Tells the network which round is running: it bounds the window of rounds that are accepted, and re-samples
   * neighbours
   */
  setRound: (round: number) => void
  traffic: () => Traffic
}

// ---------------------------------------------------------------------------------------------- store

/** Numbers of one finished round. Local knowledge: never sent */
export interface VersionMetrics {
  loss?: number
  accuracy?: number
  trainLoss?: number
  accepted?: number
}

/** One committed model version */
export interface ModelVersion {
  /** sha-256 over the canonical encoding of federation, round, parents and parametersHash, hex */
  id: string
  round: number
  /** Id of the own previous version first, then the ids of the neighbours' updates that were aggregated */
  parents: readonly string[]
  /** sha-256 of the little-endian float32 parameters, hex */
  parametersHash: string
  parameterCount: number
  /** Milliseconds since 1970 */
  createdAt: number
  metrics: VersionMetrics
  /**
   * sha-256, hex, of how the document prepares inputs and names outputs: see src/federation/preparation.ts. Absent for
   * what was committed by versions of Grapevine before it, or without a document
   */
  preparation?: string
  /**
   * Neighbours' updates took part in it: it was averaged, or taken over from them. False for what a peer trained alone
   */
  mixed: boolean
}

/**
 * What was last published: written durably BEFORE it is sent, so that a restart never signs two updates for one round
 */
export interface Publication {
  round: number
  sequence: number
}

/** A peer whose address worked */
export interface PeerAddress {
  peer: PeerName
  addresses: string[]
  /** Milliseconds since 1970 of the last successful connection; 0 when there was none yet */
  lastConnectedAt: number
}

/** A refused peer */
export interface Ban {
  peer: PeerName
  reason: string
  /** Milliseconds since 1970 */
  until: number
  /** For `equivocation`: both signed headers, hex of an EquivocationProof (docs/protocol.md). Convinces anyone */
  evidence?: string
}

/** Versions that were committed and are not in the store any more, though nobody went back */
export interface LostVersions {
  /** Round of the newest that was committed */
  round: number
  /** Round of the newest that is there; 0 when there is none */
  found: number
}

/** Everything that survives the process. One home folder, one process at a time */
export interface Store {
  /** Throws HomeLockedError, StoreFormatError, StoreCorruptError */
  open: () => Promise<void>
  close: () => Promise<void>
  /** Undefined when nothing is known to be missing, and after the next commit */
  lost: () => Promise<LostVersions | undefined>

  getFederation: () => Promise<Uint8Array | undefined>
  /** Throws FederationMismatchError when another document is stored already */
  putFederation: (document: Uint8Array) => Promise<void>

  /**
   * Atomic and synced: after it resolves the version survives SIGKILL; before, there is no trace of it. Prunes old
   * versions: so many of the newest are kept, and as many of the newest mixed ones. Throws UnsoundVersionError when a
   * parameter is not finite
   */
  commit: (version: {
    federation: string
    round: number
    parents: readonly string[]
    parameters: Float32Array
    metrics: VersionMetrics
    /**
     * Local state that goes with the version, by name (letters, digits, dashes): part of the same atomic write.
     * Undefined removes what is there. What an earlier commit gave under another name goes with this version from now
     * on
     */
    state?: Readonly<Record<string, Uint8Array | undefined>>
  }) => Promise<ModelVersion>
  /** Of the newest version; undefined where there is none of this name. A rollback and `beginAgain` forget it */
  state: (name: string) => Promise<Uint8Array | undefined>
  /** What was committed last: to go on from */
  newest: () => Promise<ModelVersion | undefined>
  /** The mixed version that was committed last: to use, and to give to others */
  newestMixed: () => Promise<ModelVersion | undefined>
  /**
   * By full id, unique id prefix (at least 4 characters), round number, `newest`, or `latest`: the newest mixed
   * version, and the newest where none was mixed. Throws AmbiguousVersionError
   */
  get: (selector: string) => Promise<ModelVersion | undefined>
  /** Throws UnsoundVersionError when one is not finite: earlier versions of Grapevine could commit such */
  parameters: (id: string) => Promise<Float32Array | undefined>
  /**
   * Forgets what was committed after version `id`, which is the newest then. Atomic and synced. What was published
   * stays as it is, so that no number is signed twice. Resolves to what was forgotten, newest first; undefined when
   * there is no version `id`. Throws as `parameters` does
   */
  rollback: (id: string) => Promise<Array<Pick<ModelVersion, 'id' | 'round'>> | undefined>
  /** Newest first */
  list: (options?: { limit?: number }) => Promise<ModelVersion[]>

  /** Synced */
  putPublication: (publication: Publication) => Promise<void>
  getPublication: () => Promise<Publication | undefined>
  /** The newest own update as it was signed, payload included: replaces the one before. Survives SIGKILL */
  putPublished: (message: Uint8Array) => Promise<void>
  getPublished: () => Promise<Uint8Array | undefined>
  /** Sequence of the newest own member record. Survives SIGKILL */
  putRecordSequence: (sequence: number) => Promise<void>
  /** 0 when there was none */
  getRecordSequence: () => Promise<number>
  /** Everything that `putGovernance` wrote, by key */
  governance: () => Promise<Map<string, Uint8Array>>
  /** One synced batch: `undefined` removes. What is not named stays. A key has 1 to 128 printable ASCII characters */
  putGovernance: (entries: ReadonlyMap<string, Uint8Array | undefined>) => Promise<void>

  /**
   * For another key: forgets what was published and the reports of rounds, and commits the latest model anew, as that
   * of round 0. Returns that version; undefined where there is none
   */
  beginAgain: () => Promise<ModelVersion | undefined>

  peers: () => Promise<PeerAddress[]>
  putPeer: (peer: PeerAddress) => Promise<void>
  deletePeer: (peer: PeerName) => Promise<void>

  bans: () => Promise<Ban[]>
  putBan: (ban: Ban) => Promise<void>

  /** One JSON-able record for each finished round; bounded, oldest dropped */
  putMetrics: (round: number, record: object) => Promise<void>
  /** Oldest first */
  metrics: (options?: { limit?: number }) => Promise<object[]>
}
