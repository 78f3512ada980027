/**
 * What a governor is made of, and what it tells the node
 */
import type { KeyObject } from 'node:crypto'
import type { Act, GatekeeperEvents, MembershipSettings, Standing } from '../governance/governance-interface.ts'
import type { Clock, PeerName, Store, Trace } from '../interface.ts'

/** The identity key of this node, without the key */
export interface Signer {
  peer: PeerName
  sign: (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array
}

/** Private voting keys of this home, one for each epoch */
export interface VotingKeys {
  /** Makes the key of an epoch, or finds it; resolves to its public half, 64 hex digits. Durable */
  create: (epoch: number) => Promise<string>
  /** All that this home holds, by their public half */
  load: () => Promise<ReadonlyMap<string, { epoch: number, privateKey: KeyObject }>>
  /** Those of epochs before this one, but for `kept` (public halves) */
  deleteBefore: (epoch: number, kept: ReadonlySet<string>) => Promise<number[]>
}

/** Where what must be accounted for later is written down */
export type Account = (kind: 'admission' | 'invitation' | 'request' | 'endorsement' | 'objection' | 'decision' | 'standing' | 'key' | 'proof', detail: Readonly<Record<string, unknown>>) => void

export interface GovernorComponents {
  clock: Clock
  store: Pick<Store, 'governance' | 'putGovernance'>
  signer: Signer
  votingKeys: VotingKeys
  account: Account
  trace: Trace
}

export interface GovernorInit {
  /** Id of the federation's first document */
  federation: string
  /** Its canonical bytes: what is handed to whoever is admitted */
  document: Uint8Array
  settings: MembershipSettings
  /** Full multiaddrs of this node, the most useful first: for tokens */
  addresses: () => string[]
  /** Members that are there, as far as is known: connected, or heard of lately */
  present: () => PeerName[]
  /** A link takes this long at most, once things are well: the agreement's timer. @default 1000 */
  deltaMs?: number
}

export interface GovernorEvents extends GatekeeperEvents {
  /** A stranger asks to be admitted */
  request: CustomEvent<{ peer: PeerName, name?: string }>
  /** Somebody wants an act that was not known here, or endorsed it: so many endorsements are missing */
  act: CustomEvent<{ actId: string, act: Act, missing: number }>
  /** Somebody redeemed an invitation of this node, and is a member */
  admission: CustomEvent<{ peer: PeerName, jti: string, name?: string }>
  decision: CustomEvent<{ slot: number, act: Act }>
  /** Of this node */
  standing: CustomEvent<{ standing: Standing }>
  /** Something that the operator should read */
  warning: CustomEvent<{ code: string, message: string }>
}
