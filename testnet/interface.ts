/**
 * What a testnet takes, says and gives: types only
 *
 * The report is a contract that other tools read: ratios from 0 to 1, bytes, milliseconds. Its JSON Schema is
 * docs/report.schema.json; `format` grows with every change that is not an addition.
 */
import type { TypedEventTarget } from 'main-event'
import type { FederationDocument, FederationInit } from '../src/federation/document.ts'
import type { AbortOptions, BackendName, DatasetSource, Partition, RejectionReason } from '../src/interface.ts'
import type { PhaseTimes, RoundPhase } from '../src/round/round-events.ts'
import type { PrivacyStatus } from '../src/privacy/budget.ts'
import type { RoundFigures } from './peer-events.ts'

/** So many peers, at this round */
export interface Fault {
  count: number
  round: number
}

/** So many peers lie in this way */
export interface Attackers {
  count: number
  /** As the peer program's `--attack`: `name` or `name:strength` */
  attack: string
}

/** How the common examples are split among the peers */
export type TestnetPartition = Pick<Partition, 'strategy' | 'alpha' | 'shardsPerPeer'>

export interface TestnetInit {
  /** Number of peer processes, from 1 */
  peers: number
  /** Every peer stops after this round */
  rounds: number
  federation: FederationInit
  /** Path of a safetensors file, where the document has `model.weights` */
  weights?: string
  data: DatasetSource
  /** @default { strategy: 'iid' } */
  partition?: TestnetPartition
  /** Seed of the split and of the attackers' places. @default 1 */
  seed?: number
  /** `auto`: the first peer measures alone, the others use what it chose. @default 'auto' */
  backend?: BackendName | 'auto'
  /** Threads for one training step. @default cores / peers, at least 1 */
  threads?: number
  /** Evaluate every this many rounds. @default 1 */
  evaluateEvery?: number
  byzantine?: readonly Attackers[]
  /** SIGKILL so many peers in the middle of that round */
  kill?: readonly Fault[]
  /** Start so many killed peers again, from their homes, when the others begin that round */
  restart?: readonly Fault[]
  /** Train every honest peer alone on its own examples too, for comparison. @default true */
  alone?: boolean
  /** Folder for the peers' homes, kept afterwards; left out: a temporary one that is removed */
  homes?: string
  /** Give up after this many milliseconds, everything included. @default 1_800_000 */
  timeoutMs?: number
  /** Name of the preset that the settings came from, for the report */
  preset?: string
  /** The peer program and its first arguments. @default this Node and the `grapevine` of this package */
  command?: readonly string[]
  /** Added to the environment of every peer */
  environment?: Readonly<Record<string, string>>
}

/** One line of the peer program's `--json` output, with the peer's name in this testnet */
export interface PeerLine {
  /** `peer-1`, `peer-2`, … */
  node: string
  type: string
  [detail: string]: unknown
}

/** All running honest peers have finished this round */
export interface RoundSummary {
  round: number
  peers: number
  /** Those of them that have spent their privacy budget: they average and evaluate, and send nothing */
  observing: number
  /** Of the peers that evaluated this round; null when none did */
  meanAccuracy: number | null
  worstAccuracy: number | null
  /** The same, where a number is predicted */
  meanR2?: number
  worstR2?: number
  /** Longest round among the peers */
  durationMs: number
  rejected: Partial<Record<RejectionReason, number>>
  late: number
  /** Mean of the peers */
  bytesSent: number
  /** Null without a privacy mechanism */
  privacy: RoundPrivacy | null
}

/** What was spent by the honest peer that spent the most so far, one that observes or was killed included */
export interface RoundPrivacy extends Pick<PrivacyStatus, 'scope' | 'delta' | 'accountant' | 'limit'> {
  /** By the accountant that counts; null when it is infinite */
  worstEpsilon: number | null
}

/** A peer whose privacy budget will be spent before its last round */
export interface EndingBudget {
  node: string
  /** In its training set */
  examples: number
  /** In so many rounds it trains and sends */
  rounds: number
}

export interface TestnetEvents {
  /** A line that a peer printed */
  'peer:event': CustomEvent<PeerLine>
  /** Before anything runs: budgets that will end early, the first to end first. Never empty */
  'budget:forecast': CustomEvent<{ peers: EndingBudget[] }>
  /** Every peer has its neighbours: the rounds begin */
  ready: CustomEvent<{ peers: number, backend: BackendName, durationMs: number }>
  'round:end': CustomEvent<RoundSummary>
  'peer:kill': CustomEvent<{ node: string, round: number }>
  'peer:restart': CustomEvent<{ node: string, round: number }>
  /** A peer ended although nobody asked it to */
  'peer:fail': CustomEvent<{ node: string, reason: string, stderr: string[] }>
  /** Training alone goes on: so many of the honest peers are done */
  'alone:progress': CustomEvent<{ done: number, of: number }>
  /**
   * The privacy budget of a peer is spent: from this round on it sends nothing. Told after the `round:end` of that
   * round
   */
  'peer:exhausted': CustomEvent<{ node: string, round: number }>
  warning: CustomEvent<{ message: string }>
}

export type PeerState = 'waiting' | 'starting' | 'joined' | 'ready' | 'finished' | 'killed' | 'failed' | 'stopped'

/** A peer process as the testnet sees it at the moment */
export interface TestnetPeer {
  name: string
  /** Peer id; undefined before the process has printed it */
  id: string | undefined
  addresses: string[]
  home: string
  pid: number | undefined
  state: PeerState
  byzantine: string | undefined
  round: number
  phase: RoundPhase | undefined
  accuracy: number | null
  neighbours: number
  rejected: number
}

export interface Testnet extends TypedEventTarget<TestnetEvents>, AsyncDisposable {
  /** A snapshot, peer 1 first */
  peers: () => TestnetPeer[]
  /**
   * Starts the peers, waits for their rounds, stops them, trains each alone, and reports. Once only.
   *
   * Throws TestnetPeerError when a peer ends before the mesh is ready, TestnetTimeoutError, the signal's reason, and
   * DatasetError and InvalidFederationError before anything is started. No process is left in any case
   */
  run: (options?: AbortOptions) => Promise<TestnetReport>
  /** Ends what runs: politely, or at once with `force`. Idempotent. `run` rejects */
  stop: (options?: { force?: boolean }) => Promise<void>
}

/** What all peers promise, and what the honest ones that finished have spent */
export interface ReportPrivacy extends RoundPrivacy {
  mechanism: PrivacyStatus['mechanism']
  /** As `worstEpsilon`; both are null too when no peer finished */
  meanEpsilon: number | null
  /** Peers whose budget was spent before their last round */
  exhausted: number
}

/** One finished round of one peer */
export interface ReportRound {
  round: number
  /** Null when this round was not evaluated, or a number is predicted */
  accuracy: number | null
  /** Left out when this round was not evaluated */
  figures?: RoundFigures
  loss: number | null
  /** Null when training diverged */
  trainLoss: number | null
  accepted: number
  rejected: Partial<Record<RejectionReason, number>>
  late: number
  keptOwn: boolean
  /** The peer's own estimate of the consensus distance, from its neighbours' updates; null without neighbours */
  neighbourDistance: number | null
  bytesSent: number
  bytesReceived: number
  durationMs: number
  phases: PhaseTimes
  /** Spent so far, by either accountant (null: infinite); null without a privacy mechanism */
  epsilon: Record<PrivacyStatus['accountant'], number | null> | null
}

export interface ReportPeer {
  id: string
  name: string
  /** The attack it ran; false for an honest peer */
  byzantine: string | false
  backend: BackendName
  /** `finished`: did all rounds; `killed`: by --kill, and not finished afterwards; `failed`: ended by itself */
  state: 'finished' | 'killed' | 'failed'
  finalAccuracy: number | null
  /** Null for attackers and with --no-alone */
  aloneAccuracy: number | null
  /** Names of its neighbours at the end */
  neighbours: string[]
  /** The first round in which its privacy budget let it send nothing; null when it never came to that */
  exhaustedAtRound: number | null
  rounds: ReportRound[]
}

export interface ReportKill {
  name: string
  /** Killed in the middle of this round */
  round: number
  /** From the kill until the last surviving honest peer had finished that round; null when one never did */
  survivorsMs: number | null
  /** Restarted when the others began this round; null when it was not */
  restartedAtRound: number | null
  /** The last round in its store, where it went on; null when it was not restarted */
  resumedAtRound: number | null
  /** From the restart until it had its neighbours again */
  backInMeshMs: number | null
}

export interface ReportAttacker {
  name: string
  attack: string
  /** How often honest neighbours refused its update or left it out, and how often they could have */
  excluded: number
  of: number
  /** Honest neighbours that suspected it in their last round, of all that had it as a neighbour then */
  suspectedBy: number
  neighbours: number
}

export interface TestnetReport {
  format: 1
  configuration: {
    preset: string | null
    peers: number
    rounds: number
    seed: number
    data: DatasetSource
    partition: TestnetPartition
    backend: BackendName | 'auto'
    threads: number
    evaluateEvery: number
    byzantine: Attackers[]
    kill: Fault[]
    restart: Fault[]
    /** The document and its id, as the first peer printed it */
    federation: { id: string, document: FederationDocument }
  }
  versions: { grapevine: string, node: string, platform: string, cores: number }
  startedAt: string
  peers: ReportPeer[]
  kills: ReportKill[]
  attackers: ReportAttacker[]
  /** Means over the honest peers that finished */
  summary: {
    peers: number
    finished: number
    failed: number
    meanAccuracy: number | null
    worstAccuracy: number | null
    aloneMeanAccuracy: number | null
    /** Means of the last evaluated rounds; null what the model's task does not have */
    figures?: Record<'majorityAccuracy' | 'balancedAccuracy' | 'auc' | 'r2' | 'meanAbsoluteError', number | null>
    /** Where a number is predicted: of the same peers, each trained alone. Left out when that was not measured */
    aloneFigures?: Record<'r2' | 'meanAbsoluteError', number | null>
    /** sqrt(mean |x_i - mean x|^2) of the final models; null when fewer than two could be read */
    consensusDistance: number | null
    bytesSentPerPeerPerRound: number
    /** Wall time from the first honest peer's first round to the last one's last, over the rounds */
    secondsPerRound: number
    /** Milliseconds of the mean round, by phase */
    phases: PhaseTimes
    /** (encode + publish + aggregate + persist) / round */
    nonTrainingShare: number
    rejected: Partial<Record<RejectionReason, number>>
    late: number
    /**
     * Of all (honest peer, suspect) pairs of the last round, those that named an attacker; of all (honest peer,
     * attacking neighbour) pairs, those that were named. Null where there was nothing to name
     */
    detection: { precision: number | null, recall: number | null }
    /**
     * The graph of the honest peers that still sent updates at the end: how many they are, its algebraic connectivity,
     * and the liars per neighbourhood that it withstands
     */
    honestGraph: { peers: number, algebraicConnectivity: number, toleratedLiars: number }
    /** Null without a privacy mechanism */
    privacy: ReportPrivacy | null
    /** From the first process to the ready mesh, and the whole run */
    readyMs: number
    totalMs: number
  }
}
