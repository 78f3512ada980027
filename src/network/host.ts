/**
 * One libp2p node: TCP, Noise, Yamux, identify, ping and GossipSub, with the settings that a mesh of trainers needs
 */
import '../promise-with-resolvers.ts'
import { createServer } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { ListenError } from '../errors.ts'
import { parseAddress } from './address.ts'
import { BoundedDatastore } from './bounded-datastore.ts'
import { keepMeshFaithful } from './faithful-mesh.ts'
import { gossipSettings } from './gossip-settings.ts'
import { forwardPatiently } from './patient-forwarding.ts'
import { forgetDisconnected } from './peer-store-upkeep.ts'
import { createTrafficMeter } from './traffic.ts'
import type { Identify, IdentifyPush } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'
import type { PeerName, Traffic } from '../interface.ts'
import type { Pubsub } from './gossip-settings.ts'
import type { StreamWatcher } from './traffic.ts'

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
  /** Asked for every connection, in both directions, and for every gossip message */
  isBanned: (peer: PeerName) => boolean
  /** Any number of peers may share a private or loopback address. @default true */
  trustLocal?: boolean
  /** Sees every protocol stream when it opens */
  watchStream?: StreamWatcher
}

/** A libp2p node that is not started yet, so that no event is missed: attach listeners, then `await libp2p.start()` */
export interface Host {
  readonly libp2p: Libp2p<HostServices>
  readonly pubsub: Pubsub
  readonly traffic: Readonly<Traffic>
  /** Bytes that came in over one connection so far: when they grow, the other end is alive */
  readonly receivedOn: (connection: Pick<Connection, 'timeline'>) => number
  readonly self: PeerName
  /** Binds the listen addresses and starts. Throws ListenError */
  start: () => Promise<void>
  stop: () => Promise<void>
}

function listenReason (code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE': return 'the port is in use (EADDRINUSE); stop the other program or choose another port, or 0 for any free one'
    case 'EADDRNOTAVAIL': return 'the address does not belong to this machine (EADDRNOTAVAIL); use one of its own addresses, or 0.0.0.0 for all'
    case 'EACCES': return 'no permission for this port (EACCES); choose a port above 1023'
    default: return `the system refused it (${code ?? 'unknown reason'})`
  }
}

/** libp2p says only that listening failed; binding once beforehand says why */
async function probe (address: Multiaddr): Promise<void> {
  const parts = address.getComponents()
  const host = parts.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
  const port = parts.find(({ name }) => name === 'tcp')?.value
  if (host === undefined || port === undefined) {
    throw new ListenError(`cannot listen on ${address.toString()}: only TCP addresses can be listened on, such as /ip4/0.0.0.0/tcp/4100`)
  }
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: Number(port), exclusive: true }, resolve)
    })
  } catch (err) {
    throw new ListenError(`cannot listen on ${address.toString()}: ${listenReason((err as NodeJS.ErrnoException).code)}`, { cause: err })
  } finally {
    await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
  }
}

function gaterFor (isBanned: HostInit['isBanned']): ConnectionGater {
  return {
    denyDialPeer: (peer) => isBanned(peer.toString()),
    denyInboundEncryptedConnection: (peer) => isBanned(peer.toString()),
    denyOutboundEncryptedConnection: (peer) => isBanned(peer.toString())
  }
}

function libp2pSettings (init: HostInit): Omit<Libp2pOptions<HostServices>, 'services' | 'metrics'> {
  return {
    privateKey: init.privateKey,
    start: false,
    nodeInfo: { name: 'grapevine', version: '1', userAgent: 'grapevine' },
    addresses: { listen: [...init.listen], ...(init.announce === undefined ? {} : { announce: [...init.announce] }) },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    // 4 MiB under way still fill 40 MB/s at 100 ms round trip; the default of 16 is memory for whoever asks for it
    streamMuxers: [yamux({ maxInboundStreams: 256, streamOptions: { maxStreamWindowSize: 4_194_304 } })],
    connectionGater: gaterFor(init.isBanned),
    // a ping that waits behind a large update is no reason to cut a healthy connection; liveness is measured elsewhere
    connectionMonitor: { abortConnectionOnPingFailure: false },
    connectionManager: {
      maxConnections: 1_000,
      // a machine that trains is slow to shake hands
      dialTimeout: 15_000,
      addressDialTimeout: 10_000,
      // a whole mesh on one machine, or behind one router, dials at once
      inboundConnectionThreshold: 500,
      maxIncomingPendingConnections: 200,
      // streams to gossip are opened one after another: a mute peer must not hold up the others for 10 s
      outboundStreamProtocolNegotiationTimeout: 2_000,
      inboundStreamProtocolNegotiationTimeout: 5_000,
      // nobody sets keep-alive tags: reconnecting is done elsewhere and never gives up
      reconnectRetries: 0
    },
    // counted from the first sighting, not renewed by being connected: the default hour loses peers of a long run
    peerStore: { maxAddressAge: THIRTY_DAYS_MS, maxPeerAge: THIRTY_DAYS_MS }
  }
}

/**
 * Makes a node that is not started yet
 *
 * Throws InvalidAddressError for a listen or announce address that cannot be parsed
 */
export async function createHost (init: HostInit): Promise<Host> {
  const listen = init.listen.map(parseAddress)
  init.announce?.forEach(parseAddress)
  const { isBanned, trustLocal = true } = init
  const meter = createTrafficMeter(init.watchStream)
  const router = gossipsub(gossipSettings({ isBanned, trustLocal }))
  const libp2p = await createLibp2p<HostServices>({
    ...libp2pSettings(init),
    datastore: new BoundedDatastore(),
    metrics: meter.metrics,
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      pubsub: (components) => router(components) as unknown as Pubsub
    }
  })
  const stopForwarding = forwardPatiently(libp2p.services.pubsub)
  const stopPruning = keepMeshFaithful(libp2p.services.pubsub)
  const stopForgetting = forgetDisconnected(libp2p)
  return {
    libp2p,
    pubsub: libp2p.services.pubsub,
    traffic: meter.traffic,
    receivedOn: meter.receivedOn,
    self: libp2p.peerId.toString(),
    start: async () => {
      await Promise.all(listen.map(probe))
      try {
        await libp2p.start()
      } catch (err) {
        throw new ListenError(`cannot listen on ${init.listen.join(', ')}: ${(err as Error).message}`, { cause: err })
      }
    },
    stop: async () => {
      stopForwarding()
      stopPruning()
      stopForgetting()
      await libp2p.stop()
    }
  }
}
