/**
 * The control topic: heartbeats (member records), suspicions and proofs of equivocation, checked before they are passed
 * on
 *
 * The router signs nothing, so that every message carries the signature of whom it speaks for. What is old news is
 * neither checked nor passed on, and what anybody sends is limited before a signature is looked at.
 */
import { OLDEST_ROUNDS_BEHIND } from '../signed/author-log.ts'
import { readProof, toWire, UNKNOWN_PROOF } from '../signed/equivocation.ts'
import { MAX_RECORD_BYTES, parseRecord, parseSuspicion, signSuspicion } from './member-record.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { RecentSet } from '../support/recent-set.ts'
import { controlTopic } from '../support/topics.ts'
import { MAX_HEADER_BYTES } from '../signed/update-header.ts'
import { ControlMessage } from '../wire/membership.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock, PeerName } from '../../interface.ts'
import type { RecordVerdict } from '../../governance/governance-interface.ts'
import type { EquivocationProof } from '../signed/equivocation.ts'
import type { Host } from '../host/host.ts'
import type { MemberClaim } from './member-record.ts'
import type { Membership, Verdict } from './membership.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { MemberEntry, SignedRecord, SignedSuspicion, EquivocationProof as WireProof } from '../wire/membership.ts'

/** The longest is a proof: two headers with their signatures, and framing */
export const MAX_CONTROL_BYTES = Math.max(MAX_RECORD_BYTES, 2 * MAX_HEADER_BYTES + 128) + 128

/** A record about membership that fits into one */
export const MAX_GOVERNANCE_BYTES = MAX_CONTROL_BYTES - 16

/** Authors whose equivocation is known: a second proof says nothing new */
const MAX_PROVEN = 1_024

export type ControlVerdict = 'accept' | 'ignore' | 'reject'

export interface ControlComponents {
  host: Pick<Host, 'pubsub' | 'self'>
  privateKey: PrivateKey
  clock: Clock
  membership: Membership
}

export interface ControlInit {
  federation: string
  isConnected: (peer: PeerName) => boolean
  /**
   * It counts as a member, or is connected: what it says of others is heard, and what is said of it. @default whose
   * record is known
   */
  isPresent?: (peer: PeerName) => boolean
  /** A record of this member, not verified yet, was passed on by that peer */
  onRecord: (peer: PeerName, from: PeerName) => void
  /** Somebody joined, moved or left */
  onNews: (claim: MemberClaim, from: PeerName) => void
  /** A member itself sent a record, which is genuine, or no newer than what is known of it */
  onDirect: (claim: MemberClaim, verdict: Verdict) => void
  /** Sequence of the newest record of this node */
  ownSequence: () => number
  /** A record of this node, genuine and newer than its own, is about: speak up */
  onOwnRecord: (claim: MemberClaim) => void
  /** Somebody suspects this node: speak up */
  onSuspected: () => void
  /** A record about membership, in an invited federation. @default nobody reads such */
  takeRecord?: ((record: Uint8Array, from: PeerName) => RecordVerdict) | undefined
  /** Somebody found that a member signed two updates that contradict each other; verified */
  onEquivocation: (proof: EquivocationProof) => void
}

export class ControlMessages {
  readonly #components: ControlComponents
  readonly #init: ControlInit
  /** By the peer that passed it on */
  readonly #senders: RateLimit
  /** By the member that signed it */
  readonly #authors: RateLimit
  /** Authors whose equivocation is proved */
  readonly #proven = new RecentSet(MAX_PROVEN)
  #round = 1
  #proofsAge = true

  constructor (components: ControlComponents, init: ControlInit) {
    this.#components = components
    this.#init = init
    this.#senders = createRateLimit(components.clock, { burst: 512, perSecond: 100 })
    this.#authors = createRateLimit(components.clock, { burst: 8, perSecond: 1 })
  }

  /** The round in hand: proofs age with it */
  setRound (round: number): void {
    this.#round = round
  }

  /** From now on no proof is too old: an observer's own rounds say nothing about those who train */
  observe (): void {
    this.#proofsAge = false
  }

  /** The verdict of the control topic's validator. Never throws */
  handle (data: Uint8Array, from: PeerName): ControlVerdict {
    if (data.byteLength > MAX_CONTROL_BYTES) {
      return 'reject'
    }
    if (!this.#senders.take(from, 1)) {
      return 'ignore'
    }
    const message = decodeControl(data)
    const { record, suspicion, equivocation, governance } = message ?? {}
    const parts = [record, suspicion, equivocation, governance].filter((part) => part !== undefined)
    if (message !== undefined && parts.length === 0) {
      // of a later version, perhaps: whoever passed it on understood it
      return 'ignore'
    }
    if (parts.length !== 1) {
      return 'reject'
    }
    if (record !== undefined) {
      return this.#onRecord(record, from)
    }
    if (governance !== undefined) {
      return this.#onGovernance(governance, from)
    }
    return suspicion === undefined ? this.#onEquivocation(equivocation!, from) : this.#onSuspicion(suspicion)
  }

  async publishRecord ({ signed }: MemberEntry): Promise<void> {
    await this.#publish(ControlMessage.encode({ record: signed! }))
  }

  /** Says aloud that a member is lost */
  async publishSuspicion (peer: PeerName, sequence: number): Promise<void> {
    const { host, privateKey } = this.#components
    const content = { federation: this.#init.federation, peer, sequence, reporter: host.self }
    await this.#publish(ControlMessage.encode({ suspicion: await signSuspicion(privateKey, content) }))
  }

  /** Hands on, once for each author, what proves that it signed two updates that contradict each other */
  async publishEquivocation (proof: EquivocationProof): Promise<void> {
    if (this.#proven.add(proof.author)) {
      await this.#publish(ControlMessage.encode({ equivocation: toWire(proof) }))
    }
  }

  async #publish (data: Uint8Array): Promise<void> {
    await this.#components.host.pubsub.publish(controlTopic(this.#init.federation), data)
  }

  #onRecord (signed: SignedRecord, from: PeerName): ControlVerdict {
    const { membership, host } = this.#components
    const claim = parseRecord(signed, this.#init.federation)
    if (claim === undefined) {
      return 'reject'
    }
    if (claim.peer === host.self) {
      this.challenge(claim)
      return 'ignore'
    }
    this.#init.onRecord(claim.peer, from)
    const verdict = membership.apply(claim)
    if (verdict === 'forged') {
      return 'reject'
    }
    if (claim.peer === from) {
      this.#init.onDirect(claim, verdict)
    }
    if (verdict === 'stale' || verdict === 'full' || verdict === 'stranger') {
      return 'ignore'
    }
    if (verdict === 'news') {
      this.#init.onNews(claim, from)
    }
    return this.#authors.take(claim.peer, 1) ? 'accept' : 'ignore'
  }

  /**
   * A record of this node came back: genuine and newer than its own, it is from an earlier life, or from a copy of this
   * home
   */
  challenge (claim: MemberClaim): void {
    if (claim.sequence > this.#init.ownSequence() && claim.verify()) {
      this.#init.onOwnRecord(claim)
    }
  }

  #onGovernance (record: Uint8Array, from: PeerName): ControlVerdict {
    const verdict = this.#init.takeRecord?.(record, from)
    return verdict === 'news' ? 'accept' : verdict === 'invalid' ? 'reject' : 'ignore'
  }

  #isPresent (peer: PeerName): boolean {
    return this.#components.membership.get(peer) !== undefined && this.#init.isPresent?.(peer) !== false
  }

  #onSuspicion (signed: SignedSuspicion): ControlVerdict {
    const { membership, host } = this.#components
    const claim = parseSuspicion(signed, this.#init.federation)
    if (claim === undefined) {
      return 'reject'
    }
    const { peer, sequence, reporter } = claim
    const known = membership.get(peer)
    const isNews = peer === host.self || (known !== undefined && known.sequence <= sequence && known.suspectedMs === undefined && !this.#init.isConnected(peer))
    if (!isNews || !this.#isPresent(reporter)) {
      return 'ignore'
    }
    if (!claim.verify()) {
      return 'reject'
    }
    if (!this.#authors.take(`${reporter} suspects`, 1)) {
      return 'ignore'
    }
    if (peer === host.self) {
      // the reporter may claim any number: only a signed record moves the own one
      this.#init.onSuspected()
    } else {
      membership.suspect(peer, sequence)
    }
    return 'accept'
  }

  /** Only of members: keys are free, and so would be proofs against made-up ones */
  #onEquivocation (wire: WireProof, from: PeerName): ControlVerdict {
    const claim = readProof(wire, this.#init.federation)
    if (claim === undefined) {
      return 'reject'
    }
    if (claim === UNKNOWN_PROOF) {
      // of a later version: whoever passed it on understood it
      return 'ignore'
    }
    const { author, round } = claim.proof
    const isOld = this.#proofsAge && round < this.#round - OLDEST_ROUNDS_BEHIND
    if (isOld || this.#proven.has(author) || !this.#isPresent(author)) {
      return 'ignore'
    }
    if (!this.#authors.take(`${from} proves`, 1)) {
      return 'ignore'
    }
    if (!claim.verify()) {
      return 'reject'
    }
    if (this.#proven.add(author)) {
      this.#init.onEquivocation(claim.proof)
    }
    return 'accept'
  }
}

/** Undefined when the bytes are no control message. Never throws */
export function decodeControl (data: Uint8Array): ControlMessage | undefined {
  try {
    return ControlMessage.decode(data)
  } catch {
    // whatever a stranger sent, it is no message
    return undefined
  }
}
