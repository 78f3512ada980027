/**
 * Real hosts on 127.0.0.1 with a neighbourhood each, wired as the network does it
 */
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createHost } from '../../src/network/host/host.ts'
import { createNeighbourhood } from '../../src/network/members/neighbourhood.ts'
import { controlTopic } from '../../src/network/support/topics.ts'
import { systemClock } from '../../src/system-clock.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock, PeerAddress, PeerName, Store } from '../../src/interface.ts'
import type { Host } from '../../src/network/host/host.ts'
import type { Neighbourhood, NeighbourhoodInit } from '../../src/network/members/neighbourhood-interface.ts'

export const FEDERATION = 'bafyreimeshmeshmeshmeshmeshmeshmeshmeshmeshmeshmeshmesh'

export type PeerStore = Pick<Store, 'peers' | 'putPeer' | 'deletePeer' | 'putRecordSequence' | 'getRecordSequence'> & { held: Map<PeerName, PeerAddress> }

export function memoryPeerStore (): PeerStore {
  const held = new Map<PeerName, PeerAddress>()
  let recordSequence = 0
  return {
    held,
    putRecordSequence: async (sequence) => { recordSequence = sequence },
    getRecordSequence: async () => recordSequence,
    peers: async () => [...held.values()],
    putPeer: async (entry) => { held.set(entry.peer, entry) },
    deletePeer: async (peer) => { held.delete(peer) }
  }
}

export interface MeshNode {
  name: PeerName
  host: Host
  neighbourhood: Neighbourhood
  store: PeerStore
  privateKey: PrivateKey
  /** Peers that this node's gater refuses, in both directions */
  refused: Set<PeerName>
  addresses: () => string[]
  /** Without the goodbye: as if the process had been killed */
  kill: () => Promise<void>
  stop: () => Promise<void>
}

export interface MeshNodeInit extends Partial<NeighbourhoodInit> {
  listen?: string
  privateKey?: PrivateKey
  store?: PeerStore
  clock?: Clock
}

export async function createMeshNode (init: MeshNodeInit = {}): Promise<MeshNode> {
  const { listen = '/ip4/127.0.0.1/tcp/0', privateKey = await generateKeyPair('Ed25519'), store = memoryPeerStore(), clock = systemClock, ...rest } = init
  const refused = new Set<PeerName>()
  const host = await createHost({ privateKey, listen: [listen], isBanned: (peer) => refused.has(peer) })
  const neighbourhood = createNeighbourhood({ host, privateKey, store, clock }, {
    federationId: FEDERATION,
    degree: 4,
    bootstrap: [],
    ...rest
  })
  const topic = controlTopic(rest.federationId ?? FEDERATION)
  host.pubsub.topicValidators.set(topic, (from, { data }) => neighbourhood.handleControl(data, from.toString()) as never)
  await host.start()
  host.pubsub.subscribe(topic)
  return {
    name: host.self,
    host,
    neighbourhood,
    store,
    privateKey,
    refused,
    addresses: () => host.libp2p.getMultiaddrs().map(String),
    kill: async () => {
      for (const connection of host.libp2p.getConnections()) {
        connection.abort(new RangeError('killed'))
      }
      await neighbourhood.stop({ signal: AbortSignal.abort() })
      await host.stop()
    },
    stop: async () => {
      await neighbourhood.stop()
      await host.stop()
    }
  }
}

/** Resolves with the milliseconds it took until `condition` held */
export async function until (condition: () => boolean, limitMs: number, what: string): Promise<number> {
  const started = performance.now()
  while (!condition()) {
    if (performance.now() - started > limitMs) {
      throw new RangeError(`not within ${limitMs} ms: ${what}`)
    }
    await delay(10)
  }
  return performance.now() - started
}

/** Everybody knows everybody, and every edge of the graph is a connection */
export function isComplete (nodes: readonly MeshNode[]): boolean {
  return nodes.every(({ neighbourhood }) => neighbourhood.members().length === nodes.length &&
    neighbourhood.neighbours().length > 0 && neighbourhood.neighbours().every((peer) => neighbourhood.isConnected(peer)))
}
