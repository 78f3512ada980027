/**
 * Answers those who present themselves: members, whoever redeems an invitation, whoever asks to be admitted
 *
 * Anybody may ask, and ids are free: what a stranger can cost is bounded before its records are looked at. Of more
 * streams than there are places for, the longest that waits for its peer gives way: silence holds no place.
 */
import { AdmissionStream, fitting, STATUS_ADMITTED, STATUS_REFUSED, STATUS_WAITING, WELCOME } from './frames.ts'
import { MalformedMessage } from './message-stream.ts'
import { refusalReason } from './refusal-words.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { ADMISSION_PROTOCOL } from '../support/topics.ts'
import type { Connection, Logger, Stream } from '@libp2p/interface'
import type { AdmissionAnswer, AdmissionSession, Gatekeeper, RefusalReason } from '../../governance/governance-interface.ts'
import type { Clock, PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { Gate } from './gate.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { AdmissionHello, AdmissionAnswer as WireAnswer } from '../wire/admission.ts'

/** Streams at a time, and of one peer */
const MAX_SESSIONS = 64
const MAX_STREAMS_PER_PEER = 4

/** Hellos of one peer, and of all that are no members yet */
const OF_PEER = { perSecond: 1, burst: 8 }
const OF_STRANGERS = { perSecond: 50, burst: 300 }

export interface AdmissionServerComponents {
  host: Pick<Host, 'handleAnyone'>
  gate: Pick<Gate, 'settle' | 'refuse' | 'isOpen'>
  gatekeeper: Gatekeeper
  clock: Clock
  logger: Logger
}

export interface AdmissionServerInit {
  federationId: string
  /** A connected peer turns this node away */
  onFarewell: (reason: RefusalReason, connection: Connection) => void
}

export class AdmissionServer {
  readonly #components: AdmissionServerComponents
  readonly #init: AdmissionServerInit
  readonly #ofPeer: RateLimit
  readonly #ofStrangers: RateLimit
  /** The oldest first */
  readonly #sessions = new Set<AdmissionStream>()

  constructor (components: AdmissionServerComponents, init: AdmissionServerInit) {
    this.#components = components
    this.#init = init
    this.#ofPeer = createRateLimit(components.clock, OF_PEER)
    this.#ofStrangers = createRateLimit(components.clock, OF_STRANGERS)
  }

  async start (): Promise<void> {
    await this.#components.host.handleAnyone(ADMISSION_PROTOCOL, (stream, connection) => { void this.#onStream(stream, connection) }, { maxInboundStreams: MAX_STREAMS_PER_PEER })
  }

  /** Never rejects */
  async #onStream (raw: Stream, connection: Connection): Promise<void> {
    const stream = new AdmissionStream(raw)
    this.#makeRoom()
    this.#sessions.add(stream)
    try {
      const { hello, farewell } = await stream.readFirst()
      if (hello !== undefined) {
        await this.#onHello(hello, stream, connection.remotePeer.toString())
      } else if (farewell !== undefined) {
        this.#hearGrounds(farewell.records, connection)
        this.#init.onFarewell(refusalReason(farewell.reason), connection)
      }
      await stream.close()
    } catch (err) {
      this.#components.logger('admission of %s failed - %e', connection.remotePeer, err)
      if (err instanceof MalformedMessage) {
        await this.#answer(stream, { status: 'refused', reason: 'malformed' }, true).catch(() => {})
      }
      stream.cancel(err instanceof Error ? err : new TypeError(String(err)))
    } finally {
      this.#sessions.delete(stream)
    }
  }

  /** Of a member, or of whom this node dialled: no stranger's. The first that is none proves a fault */
  #hearGrounds (records: readonly Uint8Array[], { remotePeer, direction }: Connection): void {
    const { gate, gatekeeper } = this.#components
    const peer = remotePeer.toString()
    if ((gate.isOpen(peer) || direction === 'outbound') && this.#ofPeer.take(peer, 1)) {
      records.every((record) => gatekeeper.take(record, peer) !== 'invalid')
    }
  }

  #makeRoom (): void {
    const [oldest] = this.#sessions
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) {
      this.#sessions.delete(oldest)
      oldest.cancel(new RangeError('too many want to be admitted at once'))
    }
  }

  async #onHello (hello: AdmissionHello, stream: AdmissionStream, peer: PeerName): Promise<void> {
    const begun = this.#begin(hello, peer)
    const answer = 'challenge' in begun ? await this.#challenge(begun, stream) : begun
    if (answer.status === 'admitted') {
      // before it knows, so that what it opens next is not held up
      this.#components.gate.settle(peer)
    }
    await this.#answer(stream, answer, hello.brief)
    // who knew only the address asks again, now that it knows the federation
    const isFinal = answer.status === 'refused' && answer.reason !== 'busy' && hello.federation !== ''
    if (isFinal && !this.#components.gate.isOpen(peer)) {
      // it closes its half when it has read the answer: who closes sooner may take the word back
      await stream.readProof().catch(() => {})
      await stream.close().catch(() => {})
      this.#components.gate.refuse(peer, answer.reason, true)
    }
  }

  /** What is cheap to see comes first */
  #begin ({ federation, nonce, records, invitation }: AdmissionHello, peer: PeerName): AdmissionSession | AdmissionAnswer {
    const { gatekeeper, gate } = this.#components
    if (!this.#ofPeer.take(peer, 1) || (!gate.isOpen(peer) && !this.#ofStrangers.take('', 1))) {
      return { status: 'refused', reason: 'busy' }
    }
    if (federation !== '' && federation !== this.#init.federationId) {
      return { status: 'refused', reason: 'wrong-federation' }
    }
    return gatekeeper.admission.begin({ peer, nonce, records, ...(federation === '' ? {} : { federation }), ...(invitation === undefined ? {} : { invitation }) })
  }

  async #challenge ({ challenge, prove }: AdmissionSession, stream: AdmissionStream): Promise<AdmissionAnswer> {
    const { nonce, proof } = challenge
    if (proof === undefined) {
      // where there is no secret to prove there is nothing to challenge
      return { status: 'refused', reason: 'unknown-invitation' }
    }
    await stream.write({ challenge: { nonce: Uint8Array.from(nonce), proof: Uint8Array.from(proof) } })
    return prove(await stream.readProof())
  }

  async #answer (stream: AdmissionStream, answer: AdmissionAnswer, brief: boolean): Promise<void> {
    await stream.write({ answer: this.#wire(answer, brief) })
  }

  #wire (answer: AdmissionAnswer, brief: boolean): WireAnswer {
    const nothing = { reason: '', records: [], document: new Uint8Array(0), credentials: [], federation: this.#init.federationId }
    if (answer.status === 'refused') {
      return { ...nothing, status: STATUS_REFUSED, reason: answer.reason }
    }
    if (answer.status === 'waiting') {
      return { ...nothing, status: STATUS_WAITING }
    }
    const own = { ...nothing, status: STATUS_ADMITTED, credentials: fitting(this.#components.gatekeeper.credentials()) }
    return brief ? own : { ...own, records: fitting(answer.records, WELCOME), document: Uint8Array.from(answer.document) }
  }
}
