/**
 * Every private surface of libp2p that this project touches, and one check that it is there
 *
 * The router has no public way to open a stream again, to forget a peer, or to charge for bytes before it reads them.
 * A release that moves one of these would show as deaf peers, hours later; here it ends the start, by name.
 */
import { AbstractMessageStream } from '@libp2p/utils'
import { DependencyError } from '../../errors.ts'
import type { GossipSub, GossipsubMessage, Message, TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection, PeerId, Stream, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { PeerName } from '../../interface.ts'
import type { TopicScore } from './gossip-settings.ts'

/** As in package.json, whose ranges allow patches only of these two */
const ROUTER_RANGE = '~17.1.1'
const STREAM_RANGE = '~7.4.1'

/** The router: what it publishes of itself, and what is marked as its own */
export interface Pubsub extends TypedEventTarget<{
  'subscription-change': CustomEvent<{ peerId: PeerId, subscriptions: Array<{ topic: string, subscribe: boolean }> }>
  message: CustomEvent<Message>
  'gossipsub:message': CustomEvent<GossipsubMessage>
  'gossipsub:heartbeat': CustomEvent
}> {
  /** Waited for before the next one is opened. Does nothing where there is a stream already. Never rejects; its own */
  createOutboundStream: (peer: PeerId, connection: Connection) => Promise<void>
  topicValidators: Map<string, TopicValidatorFn>
  /** Peers that the router talks to. A connected peer that is missing here is deaf */
  getPeers: () => PeerId[]
  getTopics: () => string[]
  getSubscribers: (topic: string) => PeerId[]
  getMeshPeers: (topic: string) => PeerName[]
  /** Those to whom messages of a topic are passed on; the router's own, to be pruned only */
  readonly mesh: ReadonlyMap<string, Set<PeerName>>
  getScore: (peer: PeerName) => number
  /** Closes its streams and forgets it; the router's own, see router-upkeep.ts */
  removePeer: (peer: PeerId) => void
  /** Takes up a peer as when a connection with it opens, and opens a stream to it; the router's own */
  onPeerConnected: (peer: PeerId, connection: Connection) => void
  subscribe: (topic: string) => void
  unsubscribe: (topic: string) => void
  publish: (topic: string, data: Uint8Array) => Promise<{ recipients: PeerId[] }>
  /** Ends the wait of a message that was accepted by its validator: only now is it passed on */
  reportMessageValidationResult: (messageId: string, from: PeerName, result: TopicValidatorResult) => void
  /**
   * Tells those who follow a topic that this node has a message of it. The router's own, wrapped in
   * patient-forwarding.ts
   */
  sendIDontWants: (messageId: Uint8Array, topic: string, source: PeerName) => void
  /** By peer name. A peer without an entry gets nothing from this node */
  readonly streamsOutbound: ReadonlyMap<PeerName, unknown>
  readonly streamsInbound: ReadonlyMap<PeerName, unknown>
  readonly opts: { scoreParams: { topics: Record<string, TopicScore> } }
}

/** A stream, by what its multiplexer does with it */
export interface StreamInternals {
  /** What came before anybody listened: a stream is handed over some time after its protocol is agreed */
  readBuffer: Uint8ArrayList
  /** The point where the multiplexer hands over what it received */
  onData: (data: Uint8Array | Uint8ArrayList) => void
}

/** What listens, of libp2p's components */
export interface Transports {
  listen: (addresses: Multiaddr[]) => Promise<void>
  getAddrs: () => Multiaddr[]
}

const ROUTER_METHODS = [
  'createOutboundStream', 'getMeshPeers', 'getPeers', 'getScore', 'getSubscribers', 'getTopics', 'onPeerConnected', 'removePeer',
  'reportMessageValidationResult', 'sendIDontWants'
] as const satisfies ReadonlyArray<keyof Pubsub>

const ROUTER_MAPS = ['mesh', 'streamsInbound', 'streamsOutbound', 'topicValidators'] as const satisfies ReadonlyArray<keyof Pubsub>

function missing (library: string, what: string, range: string): DependencyError {
  return new DependencyError(`this release of ${library} has no ${what}, which Grapevine needs of it: install one that satisfies ${range}`)
}

/** The router with its inner side. Throws DependencyError for a release that has another one */
export function routerInternals (router: GossipSub): Pubsub {
  const inner = router as unknown as Pubsub
  const method = ROUTER_METHODS.find((name) => typeof inner[name] !== 'function')
  const map = ROUTER_MAPS.find((name) => !(inner[name] instanceof Map))
  const topics: unknown = (inner as { opts?: Partial<Pubsub['opts']> }).opts?.scoreParams?.topics
  const lost = method ?? map ?? (typeof topics === 'object' ? undefined : 'opts.scoreParams.topics')
  if (lost !== undefined) {
    throw missing('@libp2p/gossipsub', lost, ROUTER_RANGE)
  }
  return inner
}

/** Streams have what the gossip meter reads by, as far as can be told before there is one. Throws DependencyError */
export function requireStreamInternals (prototype: object = AbstractMessageStream.prototype): void {
  if (!('onData' in prototype)) {
    throw missing('@libp2p/utils', 'AbstractMessageStream.onData', STREAM_RANGE)
  }
}

/** A stream with its inner side: see requireStreamInternals */
export function streamInternals (stream: Stream): StreamInternals {
  return stream as unknown as StreamInternals
}
