/**
 * Governors in one thread over a virtual clock: what the network does between them is here, without a network
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { Governor } from '../../src/governor/governor.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { VirtualClock } from '../../src/simulation/virtual-clock.ts'
import type { KeyObject } from 'node:crypto'
import type { MembershipSettings, RecordVerdict } from '../../src/governance/governance-interface.ts'
import type { Signer, VotingKeys } from '../../src/governor/governor-interface.ts'
import type { PeerName } from '../../src/interface.ts'

export const FEDERATION = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
const RECONCILE_MS = 5_000
const LINK_MS = 50

function rawPublic (key: KeyObject): Buffer {
  return Buffer.from((key.export({ format: 'jwk' })).x!, 'base64url')
}

export interface TestIdentity { signer: Signer, privateKey: KeyObject }

export function testIdentity (): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const peer = base58btc.baseEncode(Buffer.concat([Buffer.from([0, 0x24, 8, 1, 0x12, 0x20]), rawPublic(publicKey)]))
  return { privateKey, signer: { peer, sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)) } }
}

/** As files would keep them */
export function memoryKeys (): VotingKeys & { held: Map<string, { epoch: number, privateKey: KeyObject }> } {
  const held = new Map<string, { epoch: number, privateKey: KeyObject }>()
  return {
    held,
    create: async (epoch) => {
      const present = [...held].find(([, key]) => key.epoch === epoch)
      if (present !== undefined) {
        return present[0]
      }
      const { publicKey, privateKey } = generateKeyPairSync('ed25519')
      const votingKey = rawPublic(publicKey).toString('hex')
      held.set(votingKey, { epoch, privateKey })
      return votingKey
    },
    load: async () => new Map(held),
    deleteBefore: async (epoch, kept) => {
      const old = [...held].filter(([votingKey, key]) => key.epoch < epoch && !kept.has(votingKey))
      old.forEach(([votingKey]) => held.delete(votingKey))
      return old.map(([, key]) => key.epoch)
    }
  }
}

export class MemoryDisk {
  readonly entries = new Map<string, Uint8Array>()
  isFull = false

  governance = async (): Promise<Map<string, Uint8Array>> => new Map([...this.entries].map(([key, value]) => [key, value.slice()]))

  putGovernance = async (entries: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> => {
    if (this.isFull) {
      throw new RangeError('the disk is full')
    }
    for (const [key, value] of entries) {
      value === undefined ? this.entries.delete(key) : this.entries.set(key, value.slice())
    }
  }
}

export interface Seat {
  peer: PeerName
  identity: TestIdentity
  keys: ReturnType<typeof memoryKeys>
  disk: MemoryDisk
  governor: Governor
  warnings: string[]
  verdicts: Record<RecordVerdict, number>
  isRunning: boolean
}

/** Peers that hear each other unless they are parted */
export class Council {
  readonly clock = new VirtualClock()
  readonly seats: Seat[] = []
  readonly settings: MembershipSettings
  private readonly random
  /** Which part of the mesh each peer is in */
  private readonly parts = new Map<Seat, number>()
  /** Whom the messages of a peer do not reach, whatever the parts */
  dropped: (from: Seat, to: Seat) => boolean = () => false
  /** What nobody passes on */
  held: (record: Uint8Array) => boolean = () => false

  private constructor (settings: MembershipSettings, seed: number) {
    this.settings = settings
    this.random = seededRandom(seed)
  }

  /** `voters` founders */
  static async found (voters: number, { seed = 1, guestsPerMember = 4, certificateDays = 10 } = {}): Promise<Council> {
    const founders = await Promise.all(Array.from({ length: voters }, async () => {
      const identity = testIdentity()
      const keys = memoryKeys()
      return { identity, keys, votingKey: await keys.create(0) }
    }))
    const settings: MembershipSettings = { admission: 'invited', voters: founders.map(({ identity, votingKey }) => ({ peer: identity.signer.peer, votingKey })), guestsPerMember, certificateDays }
    const council = new Council(settings, seed)
    for (const { identity, keys } of founders) {
      await council.seat(identity, { keys })
    }
    return council
  }

  /** A governor that knows the document and `records` */
  async seat (identity: TestIdentity, { keys = memoryKeys(), disk = new MemoryDisk(), records = [] as Uint8Array[], vote = true } = {}): Promise<Seat> {
    const { clock, settings } = this
    const own = (): Seat => seat
    const governor = new Governor({ clock, store: disk, signer: identity.signer, votingKeys: keys, account: () => {}, trace: () => {} }, {
      federation: FEDERATION,
      document: Uint8Array.of(1, 2, 3),
      settings,
      addresses: () => [`/ip4/127.0.0.1/tcp/4001/p2p/${identity.signer.peer}`],
      present: () => this.seats.filter((seat) => seat.isRunning && this.hears(seat, own())).map(({ peer }) => peer)
    })
    const seat: Seat = { peer: identity.signer.peer, identity, keys, disk, governor, warnings: [], verdicts: { news: 0, known: 0, ignored: 0, invalid: 0 }, isRunning: true }
    governor.addEventListener('records', ({ detail }) => { detail.records.forEach((record) => { this.send(seat, record, detail.from) }) })
    governor.addEventListener('warning', ({ detail }) => { seat.warnings.push(detail.code) })
    this.seats.push(seat)
    await governor.load(records)
    governor.start()
    vote && await governor.settleEarlierLife(false)
    this.reconcile(seat)
    return seat
  }

  private send (from: Seat, record: Uint8Array, except?: PeerName): void {
    for (const to of this.held(record) ? [] : this.seats) {
      if (to !== from && (to.peer !== except || to.peer === from.peer) && to.isRunning && this.hears(from, to) && !this.dropped(from, to)) {
        this.clock.schedule(LINK_MS * (0.5 + this.random()), () => { this.hand(from, to, record) })
      }
    }
  }

  private hand (from: Seat, to: Seat, record: Uint8Array): void {
    if (to.isRunning && from.isRunning && this.hears(from, to)) {
      to.verdicts[to.governor.take(record, from.peer)]++
    }
  }

  /** What record-sync does: both get what only one has, as members of one mesh */
  private reconcile (seat: Seat): void {
    const again = (): void => {
      if (seat.isRunning) {
        const others = this.seats.filter((other) => other !== seat && other.isRunning && this.hears(seat, other))
        const other = others[Math.floor(this.random() * others.length)]
        other !== undefined && this.exchange(seat, other)
        this.clock.schedule(RECONCILE_MS * (0.8 + 0.4 * this.random()), again)
      }
    }
    this.clock.schedule(RECONCILE_MS * this.random(), again)
  }

  private exchange (a: Seat, b: Seat): void {
    if (Buffer.compare(a.governor.set.root(), b.governor.set.root()) === 0) {
      return
    }
    for (const [from, to] of [[a, b], [b, a]] as const) {
      for (let bucket = 0; bucket < 256; bucket++) {
        for (const id of from.governor.set.idsIn(bucket)) {
          to.governor.set.get(id) === undefined && !this.dropped(from, to) && this.hand(from, to, from.governor.set.get(id)!)
        }
      }
    }
  }

  private hears (a: Seat, b: Seat): boolean {
    return (this.parts.get(a) ?? 0) === (this.parts.get(b) ?? 0)
  }

  /** Parts the mesh: who is named nowhere is in part 0 */
  part (...parts: ReadonlyArray<readonly Seat[]>): void {
    this.parts.clear()
    parts.forEach((seats, index) => { seats.forEach((seat) => this.parts.set(seat, index)) })
  }

  heal (): void {
    this.parts.clear()
  }

  /** Lets `ms` pass */
  async pass (ms: number): Promise<void> {
    await this.clock.run(this.clock.delay(ms))
  }

  /** Until it holds, at most `ms`; how long it took */
  async until (holds: () => boolean, ms: number): Promise<number> {
    const startedMs = this.clock.monotonicMs()
    while (!holds()) {
      if (this.clock.monotonicMs() - startedMs > ms) {
        throw new RangeError(`it does not hold after ${ms} ms of virtual time`)
      }
      await this.pass(50)
    }
    return this.clock.monotonicMs() - startedMs
  }

  async stop (): Promise<void> {
    for (const seat of this.seats) {
      await this.end(seat)
    }
  }

  async end (seat: Seat): Promise<void> {
    seat.isRunning = false
    await this.clock.run(seat.governor.stop())
  }
}
