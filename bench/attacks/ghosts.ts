/**
 * One stranger with a real connection, and members that it made up: they vouch for each other and say that they are
 * ready
 */
import { setTimeout } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { pbStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createHost } from '../../src/network/host/host.ts'
import { MEMBERS_PROTOCOL } from '../../src/network/members/member-exchange.ts'
import { signRecord } from '../../src/network/members/member-record.ts'
import { authorTopic, controlTopic } from '../../src/network/support/topics.ts'
import { MAX_VOUCHES, markOf } from '../../src/network/members/vouching.ts'
import { ControlMessage, MemberExchange } from '../../src/network/wire/membership.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Host } from '../../src/network/host/host.ts'
import type { SignedRecord } from '../../src/network/wire/membership.ts'

const FRAME_RECORDS = 20

/** Records are told again, newer, after this: each is a new claim to be ready */
const RENEW_MS = 4_000

/** Of the ghosts in each renewal, so that no rate limit of the receiver hides the attack */
const RENEWED = 400

interface Identity {
  key: PrivateKey
  name: string
}

export interface SwarmInit {
  federation: string
  /** Of those that it connects to */
  addresses: readonly string[]
  ghosts: number
  /** Poses as a hub: follows the ghosts' updates, so that they look alive behind it. @default false */
  poses?: boolean
}

async function identity (): Promise<Identity> {
  const key = await generateKeyPair('Ed25519')
  return { key, name: peerIdFromPrivateKey(key).toString() }
}

export class Swarm implements AsyncDisposable {
  readonly names: ReadonlySet<string>
  private readonly init: SwarmInit
  private readonly own: Identity
  private readonly ghosts: readonly Identity[]
  private readonly host: Host
  private readonly over = new AbortController()
  private running: Promise<void> = Promise.resolve()

  private constructor (init: SwarmInit, host: Host, { own, ghosts }: { own: Identity, ghosts: readonly Identity[] }) {
    this.init = init
    this.host = host
    this.own = own
    this.ghosts = ghosts
    this.names = new Set(ghosts.map(({ name }) => name))
  }

  /** Resolves when every ghost was told once; goes on until disposed */
  static async begin (init: SwarmInit): Promise<Swarm> {
    const own = await identity()
    const ghosts = await Promise.all(Array.from({ length: init.ghosts }, identity))
    const host = await createHost({ privateKey: own.key, listen: [], isBanned: () => false })
    const swarm = new Swarm(init, host, { own, ghosts })
    await host.start()
    host.pubsub.subscribe(controlTopic(init.federation))
    if (init.poses === true) {
      ghosts.forEach(({ name }) => { host.pubsub.subscribe(authorTopic(init.federation, name)) })
    }
    const first = Promise.withResolvers<void>()
    swarm.running = swarm.flood(first.resolve)
    await first.promise
    return swarm
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.over.abort()
    await this.running
    await this.host.stop()
  }

  private async flood (onFirst: () => void): Promise<void> {
    const { addresses } = this.init
    for (let from = 0; !this.over.signal.aborted; from = (from + RENEWED) % this.ghosts.length) {
      const records = await this.records(from === 0 ? this.ghosts : [...this.ghosts, ...this.ghosts].slice(from, from + RENEWED))
      // a target that went away, or that shut the door, is asked again the next time
      await Promise.allSettled(addresses.map(async (address) => this.tell(address, records)))
      onFirst()
      await setTimeout(RENEW_MS, undefined, { signal: this.over.signal }).catch(() => {
        // over: the loop ends
      })
    }
  }

  private async records (ghosts: readonly Identity[]): Promise<SignedRecord[]> {
    const all = this.ghosts.map(({ name }) => name)
    const vouches = (index: number): string[] => Array.from({ length: Math.min(MAX_VOUCHES, all.length) }, (_, i) => all[(index + i) % all.length]!)
    const signed = ghosts.map(async (ghost) => this.record(ghost, [this.own.name, ...vouches(all.indexOf(ghost.name)).slice(1)]))
    return Promise.all([this.record(this.own, vouches(0)), ...signed])
  }

  private async record ({ key, name }: Identity, vouches: readonly string[]): Promise<SignedRecord> {
    return signRecord(key, { federation: this.init.federation, peer: name, addresses: [], sequence: Date.now(), leaving: false, ready: true, vouches: vouches.map(markOf) })
  }

  private async tell (address: string, records: readonly SignedRecord[]): Promise<void> {
    const frames = pbStream(await this.host.libp2p.dialProtocol(multiaddr(address), MEMBERS_PROTOCOL))
    for (let from = 0; from < records.length; from += FRAME_RECORDS) {
      const members = records.slice(from, from + FRAME_RECORDS).map((signed) => ({ signed, ageMs: 0 }))
      await frames.write({ members, needed: true }, MemberExchange)
    }
    for (const signed of records.slice(0, FRAME_RECORDS)) {
      await this.host.pubsub.publish(controlTopic(this.init.federation), ControlMessage.encode({ record: signed }))
    }
  }
}
