/**
 * What this node says about itself: its newest signed record, and the sequence numbers of all of them
 */
import { signRecord } from './member-record.ts'
import { markOf } from './vouching.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock, PeerName, Store } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { MemberEntry, SignedRecord } from '../wire/membership.ts'

export interface OwnRecordComponents {
  host: Pick<Host, 'announced' | 'self'>
  privateKey: PrivateKey
  clock: Pick<Clock, 'now'>
  store: Pick<Store, 'putRecordSequence' | 'getRecordSequence'>
}

export class OwnRecord {
  readonly #components: OwnRecordComponents
  readonly #federation: string
  #sequence = 0
  #signedSequence = 0
  #signed: SignedRecord | undefined
  #addresses = ''
  #saidObserving = false
  #saidVouches: ReadonlySet<PeerName> = new Set()
  /** For whom this node vouches. Takes effect with the next record */
  vouches: ReadonlySet<PeerName> = new Set()
  /** This node publishes nothing and only listens. Takes effect with the next record */
  observing = false
  /** This node begins a round when enough of its neighbours say the same. Takes effect with the next record */
  ready = false

  constructor (components: OwnRecordComponents, federation: string) {
    this.#components = components
    this.#federation = federation
  }

  /** Of the newest record */
  get sequence (): number {
    return this.#sequence
  }

  /** Of the newest record that this node signed in this run; 0 when there is none */
  get signedSequence (): number {
    return this.#signedSequence
  }

  /** To be sent to others; none before the first renewal */
  get entry (): [MemberEntry] | undefined {
    return this.#signed === undefined ? undefined : [{ signed: this.#signed, ageMs: 0 }]
  }

  /** True when the newest record says something else than is true now: other addresses, or that this node publishes */
  get isOutdated (): boolean {
    return this.#signed !== undefined && (this.#currentAddresses().join() !== this.#addresses || this.observing !== this.#saidObserving)
  }

  /** True when this node vouches for somebody whom the newest record does not name, and who is short of vouchers */
  vouchesForMore (isShort: (peer: PeerName) => boolean): boolean {
    return [...this.vouches].some((peer) => !this.#saidVouches.has(peer) && isShort(peer))
  }

  /** A record with this number is about, from an earlier life with a faster clock: go on above it */
  supersede (sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence)
  }

  /**
   * Goes on above the records of earlier runs, whatever the clock said then and says now. Throws what the store throws
   */
  async load (): Promise<void> {
    this.supersede(await this.#components.store.getRecordSequence())
  }

  /** Signs a new record: strictly above all earlier ones, also those before a restart */
  async renew (leaving = false): Promise<MemberEntry> {
    const { clock, host, privateKey, store } = this.#components
    const addresses = this.#currentAddresses()
    this.#sequence = Math.max(clock.now(), this.#sequence + 1)
    // on a full disk this node goes on: it is missed only when the clock is put back before the next start, and then
    // others tell the number
    await store.putRecordSequence(this.#sequence).catch(() => {})
    const { observing, vouches } = this
    const claims = { observing, ready: this.ready && !leaving, vouches: [...vouches].map(markOf) }
    const content = { federation: this.#federation, peer: host.self, addresses, sequence: this.#sequence, leaving, ...claims }
    const signed = await signRecord(privateKey, content)
    this.#signed = signed
    this.#saidVouches = vouches
    this.#signedSequence = content.sequence
    this.#addresses = addresses.join()
    this.#saidObserving = observing
    return { signed, ageMs: 0 }
  }

  #currentAddresses (): string[] {
    return this.#components.host.announced()
  }
}
