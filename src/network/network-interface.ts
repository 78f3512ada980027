/**
 * What the network of one node is made of
 */
import type { PrivateKey } from '@libp2p/interface'
import type { FederationDocument } from '../federation/document.ts'
import type { Gatekeeper } from '../governance/governance-interface.ts'
import type { Clock, KeyframeSource, StepLimits, Store } from '../interface.ts'
import type { PortMemory } from './host/listening.ts'

export interface NetworkInit {
  privateKey: PrivateKey
  /** CID of the federation's first document */
  federationId: string
  /** How often the document has changed. @default 0 */
  epoch?: number
  /** Canonical encoding of the document, for joiners who ask */
  federationBytes: Uint8Array
  document: Pick<FederationDocument, 'topology'>
  /** Updates that the rule needs: with fewer neighbours nobody is left out for being slow. @default 0 */
  leastNeighbours?: number
  /** Larger updates are refused unread, own ones too */
  maxPayloadBytes: number
  /** How many vectors an update carries, the model included. @default 1 */
  vectors?: number | undefined
  /** What is said in the steps of a round; left out: a round has no exchange but that of updates */
  steps?: StepLimits | undefined
  /** Which kinds of updates are understood, and who holds keyframes. @default keyframes alone, each an update */
  replicas?: KeyframeSource | undefined
  /** Multiaddrs */
  listen: readonly string[]
  /** Where the port that is drawn for port 0 is kept; without it each start draws another */
  ports?: PortMemory | undefined
  /** Multiaddrs to announce instead of the listening ones; empty: announce those */
  announce: readonly string[]
  /** Full multiaddrs of peers to join through */
  bootstrap: readonly string[]
  store: Pick<Store, 'peers' | 'putPeer' | 'deletePeer' | 'putRecordSequence' | 'getRecordSequence' | 'bans' | 'putBan' | 'putPublished' | 'getPublished'>
  /** The newest own update can be had after a restart, too: where a peer may have to stop publishing. @default false */
  keepPublished?: boolean
  clock: Clock
  /** Who may take part, where the federation is an invited one. @default everybody */
  gatekeeper?: Gatekeeper | undefined
}
