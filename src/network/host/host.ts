/**
 * One libp2p node: TCP, Noise, Yamux, identify, ping and GossipSub, with the settings that a mesh of trainers needs
 */
import '../../promise-with-resolvers.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { classOf } from './address-class.ts'
import { requireAnnounceable, withoutPeer } from './address.ts'
import { BoundedDatastore } from './bounded-datastore.ts'
import { Doors } from './doors.ts'
import { keepMeshFaithful } from './faithful-mesh.ts'
import { gossipSettings } from './gossip-settings.ts'
import { openAtOnce } from './gossip-streams.ts'
import { requireStreamInternals, routerInternals } from './internals.ts'
import { Listening } from './listening.ts'
import { connectionLimits, openFileLimit } from './open-files.ts'
import { MAX_ADDRESSES, ordered, worthTelling } from './own-addresses.ts'
import { forwardPatiently } from './patient-forwarding.ts'
import { gatedRegistrar, gateRouter } from './peer-gate.ts'
import { forgetDisconnected, pinConnected } from './peer-store-upkeep.ts'
import { forgetInRouter } from './router-upkeep.ts'
import { createTrafficMeter } from './traffic.ts'
import type { Identify, IdentifyPush } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Libp2pOptions } from 'libp2p'
import type { PeerName, Traffic } from '../../interface.ts'
import type { Pubsub, Transports } from './internals.ts'
import type { PortMemory } from './listening.ts'
import type { ConnectionLimits } from './open-files.ts'
import type { ForwardLimits } from './patient-forwarding.ts'
import type { PeerGate } from './peer-gate.ts'
import type { Rank } from './peer-ranks.ts'
import type { StreamWatcher } from './traffic.ts'

/** A peer answers after this at the latest, in a mesh that starts on few cores as well */
const BUSY_MS = 10_000

const THIRTY_DAYS_MS = 30 * 24 * 3_600_000

export interface HostServices {
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  pubsub: Pubsub
  [name: string]: unknown
}

export interface HostInit {
  privateKey: PrivateKey
  /** Multiaddrs to listen on; empty for a client that only dials */
  listen: readonly string[]
  /** Multiaddrs to announce instead of the listening ones */
  announce?: readonly string[]
  /** Where the port that is drawn for port 0 is kept; without it each start draws another */
  ports?: PortMemory | undefined
  /** Asked for every connection, in both directions, and for every gossip message */
  isBanned: (peer: PeerName) => boolean
  /** Sees every protocol stream when it opens */
  watchStream?: StreamWatcher
  /** What a peer is to this node, for whoever needs a place. @default all are strangers */
  rankOf?: (peer: PeerName) => Rank
  /** @default what the process may open, see open-files.ts */
  connectionLimits?: ConnectionLimits
  /** How much gossip is passed on. @default without limit */
  forwarding?: ForwardLimits
  /** Who may have streams and gossip at all. @default everybody */
  gate?: PeerGate | undefined
}

/** A libp2p node that is not started yet, so that no event is missed: attach listeners, then `await libp2p.start()` */
export interface Host {
  readonly libp2p: Libp2p<HostServices>
  readonly pubsub: Pubsub
  readonly traffic: Readonly<Traffic>
  /** Bytes that came in over one connection so far: when they grow, the other end is alive */
  readonly receivedOn: (connection: Pick<Connection, 'timeline'>) => number
  readonly self: PeerName
  /** Asked before a stream is opened; undefined where all are welcome. Handlers stand behind it by themselves */
  readonly gate?: PeerGate | undefined
  /** Registers a handler in front of the gate */
  readonly handleAnyone: Libp2p['handle']
  /**
   * Full multiaddrs that this node can be dialled at, as far as it knows, ending in `/p2p/<self>`; the most useful
   * first
   */
  addresses: () => string[]
  /** The few of them that are worth telling others, without `/p2p` */
  announced: () => string[]
  /** Binds the listen addresses and starts. Throws ListenError */
  start: () => Promise<void>
  stop: () => Promise<void>
}

function gaterFor (isBanned: HostInit['isBanned'], doors: Doors): ConnectionGater {
  return {
    denyDialPeer: (peer) => isBanned(peer.toString()),
    denyDialMultiaddr: (address) => classOf(address.toString()) === 'forbidden',
    denyInboundConnection: (connection) => !doors.arrive(connection),
    denyInboundEncryptedConnection: (peer, connection) => isBanned(peer.toString()) || !doors.enter(peer.toString(), connection),
    denyOutboundEncryptedConnection: (peer, connection) => {
      doors.dialled(peer.toString(), connection)
      return isBanned(peer.toString())
    }
  }
}

/** What the doors do not decide: the library's own limits stand a little above theirs */
const SLACK = 64

function libp2pSettings (init: HostInit, doors: Doors, limits: ConnectionLimits): Omit<Libp2pOptions<HostServices>, 'services' | 'metrics'> {
  return {
    privateKey: init.privateKey,
    start: false,
    nodeInfo: { name: 'grapevine', version: '1', userAgent: 'grapevine' },
    addresses: init.announce === undefined ? {} : { announce: [...init.announce] },
    transports: [tcp({ maxConnections: limits.connections + limits.pending + SLACK })],
    connectionEncrypters: [noise()],
    // 4 MiB under way still fill 40 MB/s at 100 ms round trip; the default of 16 is memory for whoever asks for it
    streamMuxers: [yamux({ maxInboundStreams: 256, streamOptions: { maxStreamWindowSize: 4_194_304 } })],
    connectionGater: gaterFor(init.isBanned, doors),
    // a ping that waits behind a large update is no reason to cut a healthy connection; liveness is measured elsewhere
    connectionMonitor: { abortConnectionOnPingFailure: false },
    connectionManager: {
      maxConnections: limits.connections + SLACK,
      // a machine that trains is slow to shake hands
      dialTimeout: 15_000,
      addressDialTimeout: 10_000,
      // a whole mesh on one machine, or behind one router, dials at once
      inboundConnectionThreshold: 500,
      maxIncomingPendingConnections: 2 * limits.pending + SLACK,
      outboundStreamProtocolNegotiationTimeout: BUSY_MS,
      inboundStreamProtocolNegotiationTimeout: BUSY_MS,
      // nobody sets keep-alive tags: reconnecting is done elsewhere and never gives up
      reconnectRetries: 0
    },
    // counted from the first sighting, not renewed by being connected: the default hour loses peers of a long run
    peerStore: { maxAddressAge: THIRTY_DAYS_MS, maxPeerAge: THIRTY_DAYS_MS }
  }
}

/** Binds the addresses of a node. Throws ListenError, and then nothing runs */
async function startListening (libp2p: Libp2p, listening: Listening): Promise<void> {
  await libp2p.start()
  try {
    await listening.start()
  } catch (err) {
    await libp2p.stop()
    throw err
  }
}

/** The components of a router that sees only the streams of those for whom the gate is open */
function behind<T extends { registrar: { handle: Libp2p['handle'] } }> (gate: PeerGate, components: T): T {
  return Object.create(components, { registrar: { value: gatedRegistrar(gate, components.registrar) } }) as T
}

/** What mends the library while it runs. Returns what ends all of it */
function mend (libp2p: Libp2p<HostServices>, datastore: BoundedDatastore, { forwarding, gate }: Pick<HostInit, 'forwarding' | 'gate'>): () => void {
  const { pubsub } = libp2p.services
  if (gate !== undefined) {
    gateRouter(gate, pubsub)
    Object.assign(libp2p, { handle: gatedRegistrar(gate, { handle: libp2p.handle.bind(libp2p) }).handle })
  }
  openAtOnce(pubsub)
  const ends = [
    forwardPatiently(pubsub, forwarding),
    keepMeshFaithful(pubsub),
    forgetInRouter(libp2p, pubsub),
    pinConnected(libp2p, datastore),
    forgetDisconnected(libp2p)
  ]
  return () => { ends.forEach((end) => { end() }) }
}

/**
 * Makes a node that is not started yet
 *
 * Throws InvalidAddressError for a listen address that cannot be parsed, or an announced one that nobody could dial;
 * ListenError for one of another transport than TCP; DependencyError where libp2p is of a release that does not fit
 */
export async function createHost (init: HostInit): Promise<Host> {
  const self = peerIdFromPrivateKey(init.privateKey).toString()
  const announce = init.announce?.map((text) => withoutPeer(requireAnnounceable(text, self)))
  const meter = createTrafficMeter(init.watchStream)
  requireStreamInternals()
  const router = gossipsub(gossipSettings(init))
  const limits = init.connectionLimits ?? connectionLimits(openFileLimit())
  const { rankOf = () => 'stranger' } = init
  const doors = new Doors({ limits, rankOf, receivedOn: meter.receivedOn, monotonicMs: () => performance.now() })
  const datastore = new BoundedDatastore()
  let transports!: Transports
  const libp2p = await createLibp2p<HostServices>({
    ...libp2pSettings(init, doors, limits),
    datastore,
    metrics: meter.metrics,
    services: {
      identify: identify({ timeout: BUSY_MS }),
      identifyPush: identifyPush({ timeout: BUSY_MS }),
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      pubsub: (components) => {
        transports = components.transportManager
        return routerInternals(router(init.gate === undefined ? components : behind(init.gate, components)))
      }
    }
  })
  const handleAnyone = libp2p.handle.bind(libp2p)
  const listening = new Listening(transports, init.listen, init.ports)
  const addresses = (): readonly string[] => announce ?? ordered(listening.addresses())
  const stopMending = mend(libp2p, datastore, init)
  return {
    libp2p,
    pubsub: libp2p.services.pubsub,
    traffic: meter.traffic,
    receivedOn: meter.receivedOn,
    self,
    gate: init.gate,
    handleAnyone,
    addresses: () => addresses().map((address) => `${address}/p2p/${self}`),
    announced: () => announce?.slice(0, MAX_ADDRESSES) ?? worthTelling(listening.addresses(), MAX_ADDRESSES),
    start: async () => { await startListening(libp2p, listening) },
    stop: async () => {
      stopMending()
      await libp2p.stop()
    }
  }
}
