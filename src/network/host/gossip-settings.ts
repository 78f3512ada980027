/**
 * GossipSub for quiet topics with one author each: options, limits and score parameters
 *
 * The defaults are made for busy topics of strangers on the open internet; each value here that differs says why.
 */
import '../../promise-with-resolvers.ts'
import { createHash } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import type { GossipsubOpts, Message } from '@libp2p/gossipsub'
import type { PeerName } from '../../interface.ts'
import type { Pubsub } from './internals.ts'

/** An update whose payload is at most this long travels inside its gossip message */
export const MAX_INLINE_PAYLOAD_BYTES = 65_536

/** Payload, signed header and their protobuf framing */
export const MAX_GOSSIP_MESSAGE_BYTES = MAX_INLINE_PAYLOAD_BYTES + 2_048

/**
 * One frame of the gossip protocol. A frame above it makes the router drop the peer for as long as the connection
 * lives, so it must be more than anything that an honest router sends: one message (IHAVE is off, so that no answer
 * to IWANT batches several), its topic, and the control messages that ride along
 */
export const MAX_GOSSIP_FRAME_BYTES = 262_144

/** Unsent bytes for one peer before its gossip stream is given up: a frozen peer must not grow this process */
const MAX_GOSSIP_BACKLOG_BYTES = 4_194_304

/** Only deliveries of invalid messages (P4) count: a topic that is quiet for minutes is healthy */
const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 1,
  firstMessageDeliveriesWeight: 0,
  firstMessageDeliveriesDecay: 0.5,
  firstMessageDeliveriesCap: 1,
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 0,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  invalidMessageDeliveriesWeight: -10,
  invalidMessageDeliveriesDecay: 0.99
}

export type TopicScore = typeof TOPIC_SCORE

/**
 * Lets rejected messages on `topic` cost their sender. Without it a rejection is free: the router scores only topics
 * that have parameters, and it takes parameters only at construction, but author topics come and go
 *
 * Never taken back: the router keeps what it counted of a topic, and throws where it finds no parameters for it
 */
export function scoreTopic (pubsub: Pubsub, topic: string): void {
  pubsub.opts.scoreParams.topics[topic] = { ...TOPIC_SCORE }
}

/** Loopback, link-local and private addresses (RFC 1918, 3927, 4193, 4291, 6598) */
const LOCAL_NETWORKS = new BlockList()
for (const [network, prefix] of [['127.0.0.0', 8], ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['169.254.0.0', 16], ['100.64.0.0', 10]] as const) {
  LOCAL_NETWORKS.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [['::1', 128], ['fc00::', 7], ['fe80::', 10]] as const) {
  LOCAL_NETWORKS.addSubnet(network, prefix, 'ipv6')
}

/** True for an IPv4 or IPv6 address that only a local network can use */
export function isPrivateAddress (ip: string): boolean {
  const family = isIP(ip)
  return family !== 0 && LOCAL_NETWORKS.check(ip, family === 4 ? 'ipv4' : 'ipv6')
}

/** sha-256 over topic and data, 20 bytes: equal bytes on two topics are two messages */
function messageId (message: Message): Uint8Array {
  return createHash('sha256').update(message.topic).update('\0').update(message.data).digest().subarray(0, 20)
}

export interface GossipSettingsInit {
  /** A banned peer's messages are refused even before the connection is closed */
  isBanned: (peer: PeerName) => boolean
}

/** Options for the router. See the file's comment */
export function gossipSettings (init: GossipSettingsInit): Partial<GossipsubOpts> {
  return {
    // updates carry their author's signature, which verifies wherever the bytes come from: no second one around it,
    // and duplicates are recognised before any signature is looked at
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: messageId,
    msgIdToStrFn: (id: Uint8Array) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1'),
    // floodsub peers would get every message
    fallbackToFloodsub: false,
    // the author reaches all its neighbours itself; the mesh among them is for those whose link is down
    floodPublish: true,
    D: 3,
    Dlo: 2,
    Dhi: 6,
    Dscore: 1,
    Dout: 1,
    // no IHAVE: the answer to an IWANT batches messages beyond the largest frame. Missed updates are pulled instead
    Dlazy: 0,
    gossipFactor: 0,
    // accepted messages wait until they are released: see patient-forwarding.ts
    asyncValidation: true,
    doPX: false,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    // without it every message of a stream is worked on at once
    awaitRpcHandler: true,
    awaitRpcMessageHandler: true,
    idontwantMinDataSize: 1_024,
    // an answer that takes 5 s comes from a busy peer, not from a hostile one
    gossipsubIWantFollowupMs: 12_000,
    maxInboundDataLength: MAX_GOSSIP_FRAME_BYTES,
    maxOutboundBufferSize: MAX_GOSSIP_BACKLOG_BYTES,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    maxTopicBytesPerPeer: 262_144,
    decodeRpcLimits: {
      maxSubscriptions: 512,
      maxMessages: 64,
      maxIhaveMessageIDs: 512,
      maxIwantMessageIDs: 512,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 512,
      maxPeerInfos: 16
    },
    tagMeshPeers: false,
    scoreParams: {
      // a laboratory behind one public address is no Sybil attack, and above ten peers the score would end all gossip
      // without a word; ids are free anyway, and what one address may take up is bounded where connections are made
      IPColocationFactorWeight: 0,
      appSpecificWeight: 1,
      appSpecificScore: (peer) => init.isBanned(peer) ? -1_000_000 : 0
    }
  }
}
