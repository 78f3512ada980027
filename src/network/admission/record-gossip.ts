/**
 * Records about membership on their way: told at once to whoever is connected, and compared now and then
 *
 * News goes out on the control topic and straight to connected members, a few records together. Many at once come from
 * a comparison: they go straight to connected members alone, and reach all others by the comparisons that go on.
 */
import '../../promise-with-resolvers.ts'
import { controlTopic } from '../support/topics.ts'
import { ControlMessage } from '../wire/membership.ts'
import { fitting } from './record-sync.ts'
import type { Connection, Logger } from '@libp2p/interface'
import type { Gatekeeper, GatekeeperEvents } from '../../governance/governance-interface.ts'
import type { Clock, PeerName, Random } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { PeerGate } from '../host/peer-gate.ts'
import type { RecordSync } from './record-sync.ts'

/** News that comes within this time goes out together */
const BATCH_MS = 25
/** More than these at once are not told on the control topic */
const MAX_TOLD = 32
/** News that waits to go out; beyond it the comparisons bring it */
const MAX_QUEUED = 4_096
/** Between two comparisons, ± a quarter */
const COMPARE_MS = 10_000
const TIMEOUT_MS = 10_000

export interface RecordGossipComponents {
  host: Pick<Host, 'libp2p' | 'pubsub' | 'self'>
  gate: Pick<PeerGate, 'isOpen'>
  gatekeeper: Gatekeeper
  sync: Pick<RecordSync, 'push' | 'reconcile'>
  clock: Clock
  random: Random
  logger: Logger
}

export interface RecordGossipInit {
  federationId: string
  /** A record that is longer goes over streams only */
  maxToldBytes: number
  signal: AbortSignal
}

interface News { record: Uint8Array, from: PeerName | undefined }

export class RecordGossip {
  readonly #components: RecordGossipComponents
  readonly #init: RecordGossipInit
  #queue: News[] = []

  constructor (components: RecordGossipComponents, init: RecordGossipInit) {
    this.#components = components
    this.#init = init
  }

  start (): void {
    const { gatekeeper } = this.#components
    gatekeeper.addEventListener('records', this.#onRecords)
    this.#init.signal.addEventListener('abort', () => { gatekeeper.removeEventListener('records', this.#onRecords) }, { once: true })
    void this.#compareNowAndThen()
  }

  /** A member is connected and let in: one of both sides begins to compare */
  onMember (peer: PeerName): void {
    if (this.#components.host.self < peer) {
      void this.#compare(this.#members().find(({ remotePeer }) => remotePeer.toString() === peer))
    }
  }

  readonly #onRecords = ({ detail: { records, from } }: GatekeeperEvents['records']): void => {
    const { clock } = this.#components
    const { signal } = this.#init
    const isFirst = this.#queue.length === 0
    this.#queue.push(...records.slice(0, MAX_QUEUED - this.#queue.length).map((record) => ({ record, from })))
    if (isFirst && this.#queue.length > 0) {
      clock.delay(BATCH_MS, { signal }).then(() => { this.#send() }, () => { this.#queue = [] })
    }
  }

  #send (): void {
    const news = this.#queue
    this.#queue = []
    if (news.length <= MAX_TOLD) {
      news.forEach(({ record }) => { this.#tell(record) })
    }
    for (const connection of this.#members()) {
      const records = news.filter(({ from }) => from !== connection.remotePeer.toString()).map(({ record }) => record)
      if (records.length > 0) {
        void this.#attempt(connection, async (signal) => { await this.#components.sync.push(connection, fitting(records), signal) })
      }
    }
  }

  #tell (record: Uint8Array): void {
    const { host, logger } = this.#components
    if (record.byteLength <= this.#init.maxToldBytes) {
      host.pubsub.publish(controlTopic(this.#init.federationId), ControlMessage.encode({ governance: Uint8Array.from(record) })).catch((err: unknown) => {
        // nobody is there to be told, or it came round already
        logger('a record was not told - %e', err)
      })
    }
  }

  async #compareNowAndThen (): Promise<void> {
    const { clock, random } = this.#components
    const { signal } = this.#init
    while (!signal.aborted) {
      await clock.delay(COMPARE_MS * (0.75 + random() / 2), { signal }).catch(() => {})
      const members = this.#members()
      await this.#compare(members[Math.floor(random() * members.length)])
    }
  }

  async #compare (connection: Connection | undefined): Promise<void> {
    if (connection !== undefined && !this.#init.signal.aborted) {
      await this.#attempt(connection, async (signal) => { await this.#components.sync.reconcile(connection, signal) })
    }
  }

  /** Never rejects */
  async #attempt (connection: Connection, talk: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await talk(AbortSignal.timeout(TIMEOUT_MS)).catch((err: unknown) => {
      this.#components.logger('records did not get to %s - %e', connection.remotePeer, err)
    })
  }

  /** One open connection with each member */
  #members (): Connection[] {
    const { host, gate } = this.#components
    return host.libp2p.getPeers().filter((peer) => gate.isOpen(peer.toString()))
      .flatMap((peer) => host.libp2p.getConnections(peer).find(({ status }) => status === 'open') ?? [])
  }
}
