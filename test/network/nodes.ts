/**
 * Real nodes for tests, on 127.0.0.1: bare hosts, and whole networks whose neighbours are given by the test
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { TypedEventEmitter } from 'main-event'
import { until } from '../../src/contracts/helpers.ts'
import { createHost } from '../../src/network/host/host.ts'
import { GossipNetwork } from '../../src/network/gossip-network.ts'
import { systemClock } from '../../src/system-clock.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Ban, PeerName, ReceivedUpdate } from '../../src/interface.ts'
import type { Host, HostInit } from '../../src/network/host/host.ts'
import type { EquivocationProof } from '../../src/network/signed/equivocation.ts'
import type { Neighbourhood } from '../../src/network/members/neighbourhood-interface.ts'
import type { NetworkInit } from '../../src/network/network-interface.ts'

export const FEDERATION = 'bafyreigrapevinetestfederation'

/** Stops everything that was made through this object */
export class Stage {
  private readonly stops: Array<() => Promise<void>> = []

  async host (init: Partial<HostInit> = {}): Promise<Host> {
    const host = await createHost({ privateKey: await generateKeyPair('Ed25519'), listen: ['/ip4/127.0.0.1/tcp/0'], isBanned: () => false, ...init })
    this.stops.push(async () => host.stop())
    return host
  }

  async startedHost (init: Partial<HostInit> = {}): Promise<Host> {
    const host = await this.host(init)
    await host.start()
    return host
  }

  async network (init: Partial<NetworkInit> = {}): Promise<TestNetwork> {
    const network = await TestNetwork.create(init)
    this.stops.push(async () => network.stop())
    return network
  }

  /** Networks that are all each other's neighbours, connected, with their gossip streams up */
  async mesh (count: number, init: Partial<NetworkInit> = {}): Promise<TestNetwork[]> {
    const networks = await Promise.all(Array.from({ length: count }, async () => this.network(init)))
    await Promise.all(networks.map(async (network) => network.start()))
    const names = networks.map(({ self }) => self)
    networks.forEach((network) => { network.neighbourhood.set(names.filter((name) => name !== network.self)) })
    for (const [index, network] of networks.entries()) {
      for (const other of networks.slice(0, index)) {
        await network.connect(other)
      }
    }
    await Promise.all(networks.map(async (network) => until(() => network.neighbours().every(({ live, peer }) => live && network.subscribers().includes(peer)))))
    return networks
  }

  async strike (): Promise<void> {
    await Promise.all(this.stops.splice(0).map(async (stop) => stop()))
  }
}

/** Neighbours as the test says */
export class StaticNeighbourhood extends TypedEventEmitter<{
  'neighbours:change': CustomEvent<{ neighbours: PeerName[] }>
  'members:change': CustomEvent<{ members: PeerName[] }>
  ready: CustomEvent<{ peer: PeerName }>
  equivocation: CustomEvent<EquivocationProof>
  warning: CustomEvent<{ code: string, message: string }>
}> implements Pick<Neighbourhood, 'start' | 'stop' | 'members' | 'isMember' | 'neighbours' | 'upcoming' | 'elders' | 'observe' | 'tellEquivocation' | 'setRound' | 'isConnected' | 'isHeardOf' | 'isLeftOut' | 'declareReady' | 'readyClaim' | 'suspend' | 'heard' | 'handleControl' | 'unanswered' | 'identityUse'> {
  readonly host: Host
  readonly heardFrom: PeerName[] = []
  readonly told: EquivocationProof[] = []
  private current: PeerName[] = []
  onControl: (data: Uint8Array, from: PeerName) => 'accept' | 'ignore' | 'reject' = () => 'accept'

  constructor (host: Host) {
    super()
    this.host = host
  }

  async start (): Promise<void> {}
  async stop (): Promise<void> {}

  set (neighbours: PeerName[]): void {
    this.current = [...neighbours].sort()
    this.safeDispatchEvent('neighbours:change', { detail: { neighbours: this.current } })
    this.safeDispatchEvent('members:change', { detail: { members: this.members() } })
  }

  members (): PeerName[] {
    return [...this.current, this.host.self].sort()
  }

  isMember (peer: PeerName): boolean {
    return this.current.includes(peer)
  }

  neighbours (): PeerName[] {
    return this.current
  }

  upcoming (): PeerName[] {
    return []
  }

  elders (): PeerName[] {
    return []
  }

  unanswered (): [] {
    return []
  }

  identityUse (): { inDoubt: boolean } {
    return { inDoubt: false }
  }

  setRound (): void {}

  observe (): void {}

  async tellEquivocation (proof: EquivocationProof): Promise<void> {
    this.told.push(proof)
  }

  isConnected (peer: PeerName): boolean {
    return this.host.libp2p.getPeers().some((connected) => connected.toString() === peer)
  }

  isLeftOut (): boolean {
    return false
  }

  isHeardOf (): boolean {
    return false
  }

  /** What others say of themselves is not told here */
  declareReady (): void {}

  readyClaim (): undefined {}

  suspend (peer: PeerName): void {
    this.set(this.current.filter((known) => known !== peer))
  }

  heard (peer: PeerName): void {
    this.heardFrom.push(peer)
  }

  handleControl (data: Uint8Array, from: PeerName): 'accept' | 'ignore' | 'reject' {
    return this.onControl(data, from)
  }
}

/** Keeps bans in memory; several networks can share one to stand for a restart */
export class MemoryBans {
  readonly list: Ban[] = []
  bans = async (): Promise<Ban[]> => this.list
  putBan = async (ban: Ban): Promise<void> => { this.list.push(ban) }
  published: Uint8Array | undefined
  putPublished = async (message: Uint8Array): Promise<void> => { this.published = message }
  getPublished = async (): Promise<Uint8Array | undefined> => this.published
  peers = async (): Promise<never[]> => []
  putPeer = async (): Promise<void> => {}
  deletePeer = async (): Promise<void> => {}
  sequence = 0
  putRecordSequence = async (sequence: number): Promise<void> => { this.sequence = sequence }
  getRecordSequence = async (): Promise<number> => this.sequence
}

export class TestNetwork extends GossipNetwork {
  neighbourhood!: StaticNeighbourhood
  privateKey!: PrivateKey
  readonly updates: ReceivedUpdate[] = []
  readonly rejected: Array<{ peer: PeerName, author: PeerName | undefined, reason: string }> = []

  static async create (init: Partial<NetworkInit> = {}): Promise<TestNetwork> {
    const privateKey = init.privateKey ?? await generateKeyPair('Ed25519')
    const network = new TestNetwork({
      privateKey,
      federationId: FEDERATION,
      federationBytes: Uint8Array.of(0xa0),
      document: { topology: { degree: 3 } },
      maxPayloadBytes: 4_194_304,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      bootstrap: [],
      store: new MemoryBans(),
      clock: systemClock,
      ...init
    })
    network.privateKey = privateKey
    await network.build((host) => {
      network.neighbourhood = new StaticNeighbourhood(host)
      return network.neighbourhood
    })
    network.addEventListener('update', ({ detail }) => { network.updates.push(detail) })
    network.addEventListener('update:rejected', ({ detail }) => { network.rejected.push(detail) })
    return network
  }

  get host (): Host {
    return this.neighbourhood.host
  }

  async connect (other: { host: Host }): Promise<void> {
    await this.host.libp2p.dial(other.host.libp2p.getMultiaddrs())
  }

  /** Peers that follow this node */
  subscribers (): PeerName[] {
    return this.host.pubsub.getSubscribers(`/grapevine/2/${FEDERATION}/updates/${this.self}`).map(String)
  }

  async publishRound (round: number, payload: Uint8Array): Promise<void> {
    await this.publish({ round, sequence: round, codec: 'float32', degree: 3, payload })
  }
}
