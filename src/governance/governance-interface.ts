/**
 * Who belongs to an invited federation and who decides: the types that cross between its parts
 *
 * Types only. Everything that peers tell each other about membership is a *record*: bytes that prove themselves to
 * whoever knows the federation's first document. A `Statement` is signed by one peer with its identity key; a
 * `Decision` carries the votes of a quorum; a `Ballot` is one vote on its way. See docs/membership.md.
 */
import type { PeerName } from '../interface.ts'
import type { MembershipSettings } from '../federation/membership-settings.ts'

export type { MembershipSettings }

/** `member`: trains and reads. `voter`: a member that decides, too */
export type Role = 'member' | 'voter'

/** A voter of one epoch. Its voting key signs ballots of this epoch alone, and is deleted when the next one stands */
export interface Voter {
  peer: PeerName
  /** Raw Ed25519 public key, 32 bytes as 64 lower-case hex digits */
  votingKey: string
}

// ---------------------------------------------------------------------------------------------- statements

/** By an inviter: `peer` is guest `number` (from 1) of the author, between two instants (ms since 1970) */
export interface CertificateBody { kind: 'certificate', federation: string, peer: PeerName, number: number, issuedAt: number, expiresAt: number, name?: string }
/** By a stranger that asks to be admitted */
export interface RequestBody { kind: 'request', federation: string, at: number, name?: string }
/** By a voter: this act should be. By another member: a proposal, which counts for nothing but is shown */
export interface EndorsementBody { kind: 'endorsement', federation: string, epoch: number, act: Act, at: number }
/** By a voter: this act should not be. Shown to people, counts for nothing */
export interface ObjectionBody { kind: 'objection', federation: string, epoch: number, actId: string, at: number }
/** By a voter, or a member that shall be one: the key with which it would vote in this epoch */
export interface VotingKeyBody { kind: 'voting-key', federation: string, epoch: number, votingKey: string }
/** By a member that leaves for good. `slot`: how many decisions it knew; a later admission takes it back */
export interface DepartureBody { kind: 'departure', federation: string, at: number, slot: number }

export type StatementBody = CertificateBody | RequestBody | EndorsementBody | ObjectionBody | VotingKeyBody | DepartureBody

export interface Statement<Body extends StatementBody = StatementBody> {
  type: 'statement'
  /** sha-256 of the domain, author and body, without the signature: hex */
  id: string
  author: PeerName
  body: Body
  /** As it travels: canonical, at most MAX_RECORD_BYTES */
  bytes: Uint8Array
}

/** What a decision does. The id of an act (`actId`) is the sha-256 of (federation, epoch, act), whoever endorses it */
export type Act =
  /**
   * A member from now on, without an expiry; also confirms a guest. `departure`: takes back a member by decision that
   * left, and the `slot` of its departure
   */
  | { do: 'admit', peer: PeerName, name?: string, departure?: number }
  /** Out for ever: a key that was revoked does not come back. Updates above `lastSequence` count nowhere */
  | { do: 'revoke', peer: PeerName, lastSequence: number, reason?: string }
  /** A member becomes a voter, or a voter none: a new epoch. `voters`: all of it, with keys of that epoch */
  | { do: 'appoint', peer: PeerName, voters: Voter[] }
  | { do: 'dismiss', peer: PeerName, voters: Voter[] }
  /** A member may have so many guests */
  | { do: 'raise-limit', peer: PeerName, guests: number }

// ---------------------------------------------------------------------------------------------- decisions

/** Decision number `slot` (from 0, over all epochs), made by the voters of `epoch` */
export interface Decision {
  type: 'decision'
  /** sha-256 of (federation, slot, act id): the same whoever put its proof together */
  id: string
  epoch: number
  slot: number
  act: Act
  actId: string
  /** Of q voters of the epoch at least */
  endorsements: Array<Statement<EndorsementBody>>
  /** Proof by the voting keys that the act was chosen for the slot: see consensus/ */
  certificate: Uint8Array
  bytes: Uint8Array
}

/** A vote of the agreement on its way (consensus/): opaque here, signed with a voting key */
export interface Ballot {
  type: 'ballot'
  id: string
  epoch: number
  slot: number
  /** As consensus/ reads it */
  message: Uint8Array
  bytes: Uint8Array
}

export type GovernanceRecord = Statement | Decision | Ballot

// ---------------------------------------------------------------------------------------------- roster

/**
 * `member`: may take part. `unknown`: nobody vouched for it here. `revoked`: by a decision, or its inviter was.
 * `expired`: its certificate, and the grace after it. `departed`: it said so itself. `over-limit`: its inviter made
 * more guests than it may, or two of one number
 */
export type Standing = 'member' | 'unknown' | 'revoked' | 'expired' | 'departed' | 'over-limit'

export interface RosterMember {
  peer: PeerName
  role: Role
  name?: string
  /** Who invited it; undefined: a founder, or admitted by decision `slot` */
  inviter?: PeerName
  slot?: number
  /** ms since 1970; undefined: does not expire */
  expiresAt?: number
  /** Its certificate ran out, and the grace goes on */
  inGrace?: boolean
}

/** What follows from the document, the decisions and the statements that a node holds, at one instant */
export interface RosterView {
  epoch: number
  /** The next decision's number */
  slot: number
  /** In the order in which ballots name them */
  voters: Voter[]
  /** Liars among the voters that decisions survive: floor((n - 1) / 3) */
  toleratedLiars: number
  /** Voters that make a decision: floor((n + F) / 2) + 1 */
  quorum: number
  members: RosterMember[]
  revoked: Array<{ peer: PeerName, slot: number, lastSequence: number, reason?: string }>
}

// ---------------------------------------------------------------------------------------------- gate

/** Why a stranger is turned away, as it is told. Stable strings */
export type RefusalReason =
  | 'not-a-member' | 'revoked' | 'expired' | 'over-limit' | 'departed' | 'wrong-federation'
  | 'inviter-not-member' | 'requests-full'
  | 'unknown-invitation' | 'invitation-used' | 'invitation-expired' | 'wrong-proof' | 'guest-limit' | 'busy' | 'malformed'

export interface GatekeeperEvents {
  /** Somebody's standing may have changed: look again at all who are connected */
  change: CustomEvent<undefined>
  /** Records that are news here, made or accepted: hand them on, but for `from` */
  records: CustomEvent<{ records: Uint8Array[], from?: PeerName }>
}

/** What became of a record that somebody handed over. `invalid` proves a fault of whoever handed it over */
export type RecordVerdict = 'news' | 'known' | 'ignored' | 'invalid'

/** Begun by `admission.begin`, one for each stream; forgotten by the network when the stream ends */
export interface AdmissionSession {
  /** To the stranger: this node's nonce and, for a redemption, proof that it knows the secret */
  challenge: { nonce: Uint8Array, proof?: Uint8Array }
  /** Checks the stranger's proof of the secret. Durable before it resolves. Never rejects */
  prove: (proof: Uint8Array) => Promise<AdmissionAnswer>
}

export type AdmissionAnswer =
  /** In: `records` prove it to anyone, `document` is the federation's first one */
  | { status: 'admitted', records: Uint8Array[], document: Uint8Array }
  /** A request is filed and waits for people */
  | { status: 'waiting' }
  | { status: 'refused', reason: RefusalReason }

/** What a stranger says first */
export interface AdmissionHello {
  peer: PeerName
  /** Undefined where the stranger knows only an address */
  federation?: string
  /** 32 bytes, fresh */
  nonce: Uint8Array
  /** What it holds to prove that it is a member: at most MAX_CREDENTIALS records */
  records: readonly Uint8Array[]
  /** jti of the invitation to redeem, 16 bytes */
  invitation?: Uint8Array
}

/** The side of governance that the network asks. Everything is cheap, and nothing throws on what a stranger sent */
export interface Gatekeeper {
  addEventListener: <K extends keyof GatekeeperEvents>(type: K, listener: (event: GatekeeperEvents[K]) => void) => void
  removeEventListener: <K extends keyof GatekeeperEvents>(type: K, listener: (event: GatekeeperEvents[K]) => void) => void
  standing: (peer: PeerName) => Standing
  /** An update of this author with this sequence may be mixed: it is a member, or was when it signed this */
  acceptsUpdate: (author: PeerName, sequence: number) => boolean
  /** Records that prove this node's standing to whoever knows the first document only, most important first */
  credentials: () => Uint8Array[]
  /** The latest decisions, in order: what a peer whose right has ended may not have heard */
  grounds: () => Uint8Array[]
  /** Takes over a record that `from` handed over (own name: made here) */
  take: (record: Uint8Array, from: PeerName) => RecordVerdict
  /** For reconciliation of what two nodes hold */
  set: RecordDigests
  admission: {
    /**
     * `admitted` at once for a member; a session for a redemption; else an answer. Files a request where a `request`
     * record is among those that it brought
     */
    begin: (hello: AdmissionHello) => AdmissionSession | AdmissionAnswer
  }
}

/** 256 buckets by the first byte of the id; ballots are not in it */
export interface RecordDigests {
  readonly size: number
  /** sha-256 over all ids, in order: 32 bytes. Equal where two sets are */
  root: () => Uint8Array
  /** 256 x 8 bytes: the first of sha-256 over the ids of each bucket, zeros for an empty one */
  buckets: () => Uint8Array
  /** Ids (32 bytes each) in a bucket, ascending */
  idsIn: (bucket: number) => Uint8Array[]
  /** The record with this id (32 bytes) */
  get: (id: Uint8Array) => Uint8Array | undefined
}

/** One record, whatever it is: two of the largest decisions of 64 voters fit */
export const MAX_RECORD_BYTES = 65_536
/** Records in one hello: a chain of certificates and what they stand on */
export const MAX_CREDENTIALS = 64
/** Records that a newcomer is handed, and their bytes together: it must be able to check everybody who lets it in */
export const MAX_WELCOME_RECORDS = 1_024
export const MAX_WELCOME_BYTES = 1_048_576

// ---------------------------------------------------------------------------------------------- invitations

/** What an inviter keeps of a token that it made */
export interface Invitation {
  /** 16 bytes, hex */
  jti: string
  /** 32 bytes, hex. Never leaves the home but in the token */
  secret: string
  name?: string
  /** Peers that may redeem it */
  uses: number
  createdAt: number
  /** ms since 1970 */
  expiresAt: number
  /** Who redeems it files a request, and waits for a decision */
  approve: boolean
  /** Who redeemed it, with the number of its certificate (0: it waits for a decision) */
  guests: Array<{ peer: PeerName, number: number }>
  cancelled?: boolean
}

/** What a token says, once its checksum and signature were found right */
export interface InvitationToken {
  federation: string
  inviter: PeerName
  /** 16 bytes */
  jti: Uint8Array
  /** 32 bytes */
  secret: Uint8Array
  /** Full multiaddrs of the inviter, 1 to 4, ending in /p2p/<inviter> */
  addresses: string[]
  /** ms since 1970, by the inviter's clock */
  issuedAt: number
  expiresAt: number
  approve: boolean
  name?: string
}

// ---------------------------------------------------------------------------------------------- what people see and do

/** An act that somebody proposed and that is not decided */
export interface OpenAct {
  actId: string
  act: Act
  epoch: number
  endorsedBy: PeerName[]
  objectedBy: PeerName[]
  /** Members that are no voters and proposed it */
  proposedBy: PeerName[]
  /** Endorsements that are missing; 0: it waits for the agreement */
  missing: number
  /** When the first of them was signed, by its author's clock: ms since 1970 */
  since: number
}

export interface AdmissionRequest { peer: PeerName, name?: string, at: number, actId?: string, missing: number }

export interface MembershipStatus extends RosterView {
  self: PeerName
  standing: Standing
  role: Role | undefined
  /** Voters heard of lately, this node included if it is one */
  reachableVoters: number
  /** undefined: decisions can be made. Else why not, for people */
  paused?: string
  /** This node does not vote in this epoch, and why */
  abstains?: string
  requests: number
  openActs: number
}

/**
 * What a node's owner does about membership. In an open federation there is none. All throw GovernanceError, whose
 * message says why not and what to do
 */
export interface NodeGovernance {
  status: () => MembershipStatus
  requests: () => AdmissionRequest[]
  acts: () => OpenAct[]
  /** The decisions so far, oldest first */
  decisions: () => Decision[]
  /** The text of a token. Durable before it resolves */
  invite: (options: { name?: string, uses?: number, lifeMs?: number, approve?: boolean, addresses?: string[] }) => Promise<{ token: string, invitation: Invitation }>
  invitations: () => Invitation[]
  cancelInvitation: (jti: string) => Promise<void>
  /** Endorses the open act with this peer or actId (or the beginning of one), or proposes it where there is none */
  approve: (selector: string) => Promise<OpenAct | Decision>
  /** Objects to it */
  reject: (selector: string) => Promise<void>
  /** Proposes an act, and endorses it where this node is a voter; an equal open one is endorsed */
  propose: (wish: ActWish) => Promise<OpenAct | Decision>
}

/** An act as people want it: what follows from the state is filled in */
export type ActWish =
  | { do: 'admit' | 'appoint' | 'dismiss', peer: PeerName, name?: string }
  | { do: 'revoke', peer: PeerName, reason?: string }
  | { do: 'raise-limit', peer: PeerName, guests: number }
