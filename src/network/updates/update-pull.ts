/**
 * Fetches payloads that did not fit into a gossip message, and updates that were missed
 *
 * A transfer that breaks goes on at the byte where it stopped, from the author or from any other peer that holds the
 * update. Streams are kept for the next request: opening one costs a round trip.
 */
import '../../promise-with-resolvers.ts'
import { createHash } from 'node:crypto'
import { anySignal } from 'any-signal'
import { peerIdFromString } from '@libp2p/peer-id'
import { PullError } from '../../errors.ts'
import { strangeness } from '../signed/header-fields.ts'
import { Limiter } from '../support/limiter.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { RecentMap } from '../support/recent-map.ts'
import { openThrough } from '../host/peer-gate.ts'
import { headerOf, sizeProblem } from './response-header.ts'
import { StreamBytes, watchStream } from '../support/stream-bytes.ts'
import { authorTopic, UPDATE_PROTOCOL } from '../support/topics.ts'
import { withinDeadline } from './transfer-deadline.ts'
import { MAX_HEADER_BYTES } from '../signed/update-header.ts'
import { REQUESTS, STATUS_BUSY, STATUS_OK } from './update-server.ts'
import { UpdateRequest, UpdateResponse } from '../wire/update.ts'
import type { Hash } from 'node:crypto'
import type { AbortOptions, Clock, PeerName, RejectionReason } from '../../interface.ts'
import type { Understanding } from '../signed/header-fields.ts'
import type { Host } from '../host/host.ts'
import type { PeerRanks } from '../host/peer-ranks.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { SignedHeader } from '../signed/update-header.ts'

const MAX_RESPONSE_BYTES = MAX_HEADER_BYTES + 256
/**
 * Transfers at a time: the memory of unfinished payloads is this many of the largest. Those that were announced by whom
 * this node follows, questions to neighbours and questions to all others do not wait for each other: slow peers of one
 * kind hold up nobody of another
 */
const MAX_ANNOUNCED = 12
const MAX_ASKED = 6
const MAX_ASKED_OF_OTHERS = 6
const STALL_MS = 10_000
const OPEN_TIMEOUT_MS = 5_000
const IDLE_STREAMS_PER_PEER = 2
/** Less than any peer takes from this node, whatever liars announce */
const REQUESTS_MADE = { perSecond: 0.8 * REQUESTS.perSecond, burst: 0.5 * REQUESTS.burst }
const MAX_ATTEMPTS = 8
/** Authors whose updates are of a later version */
const MAX_PASSED_OVER = 1_024
const RETRY_MS = 100
const MAX_RETRY_MS = 2_000

export interface PulledUpdate {
  signed: SignedHeader
  payload: Uint8Array
  from: PeerName
}

export interface PullOptions extends AbortOptions {
  /** Asked after a failure: false gives up at once, because nobody needs this update any more */
  isWanted?: () => boolean
}

interface Transfer {
  signed: SignedHeader
  payload: Uint8Array
  received: number
  hash: Hash
  contributors: Set<PeerName>
}

export interface UpdatePullerComponents {
  host: Host
  clock: Clock
  ranks: Pick<PeerRanks, 'of'>
  /** A peer sent bytes that are not what it promised: counted and scored */
  refuse: (peer: PeerName, reason: RejectionReason, author?: PeerName) => void
}

export interface UpdatePullerInit extends Understanding {
  federation: string
  maxPayloadBytes: number
}

export class UpdatePuller {
  private readonly components: UpdatePullerComponents
  private readonly init: UpdatePullerInit
  private readonly announced = new Limiter(MAX_ANNOUNCED)
  private readonly asked = new Limiter(MAX_ASKED)
  private readonly askedOfOthers = new Limiter(MAX_ASKED_OF_OTHERS)
  private readonly idle = new Map<PeerName, StreamBytes[]>()
  private readonly running = new Map<string, Promise<PulledUpdate>>()
  private readonly requests: RateLimit
  /** Sequences of the newest genuine updates that only a later version understands, by author */
  private readonly passedOver = new RecentMap<number>(MAX_PASSED_OVER)

  constructor (components: UpdatePullerComponents, init: UpdatePullerInit) {
    this.components = components
    this.init = init
    this.requests = createRateLimit(components.clock, REQUESTS_MADE)
  }

  /** Peers with streams that wait for the next question */
  get idlePeers (): number {
    return this.idle.size
  }

  /** Closes the streams that were kept. Transfers end through their signals */
  stop (): void {
    for (const streams of this.idle.values()) {
      streams.forEach(({ stream }) => { stream.abort(new PullError('the node stops')) })
    }
    this.idle.clear()
  }

  /**
   * The payload of an announced update, hash checked. Asked for twice, it is fetched once
   *
   * Throws PullError when nobody delivers it in time
   */
  async payload (signed: SignedHeader, from: PeerName, options: PullOptions = {}): Promise<PulledUpdate> {
    const running = this.running.get(signed.id)
    if (running !== undefined) {
      return running
    }
    return this.track(signed.id, this.announced.run(async () => this.fetch(this.begin(signed), from, options), options))
  }

  /**
   * The newest update of `author` that `peer` holds; undefined when there is none after `afterSequence`
   *
   * Throws PullError when the peer does not deliver
   */
  async latest (peer: PeerName, author: PeerName, afterSequence: number, options: AbortOptions = {}): Promise<PulledUpdate | undefined> {
    const answer = await this.questions(peer).run(async () => withinDeadline(this.components.clock, this.init.maxPayloadBytes, async (signal) => this.ask(peer, author, afterSequence, { signal }), options), options)
    // not while holding a place: that transfer may be waiting for one
    return answer !== undefined && 'running' in answer ? answer.running : answer
  }

  /**
   * The newest update of this node that `peer` knows of: its header alone; undefined when there is none after
   * `afterSequence`
   *
   * Throws PullError when the peer does not say
   */
  async newestOwn (peer: PeerName, afterSequence: number, options: AbortOptions = {}): Promise<SignedHeader | undefined> {
    const { clock, host: { self } } = this.components
    return this.questions(peer).run(async () => withinDeadline(clock, MAX_RESPONSE_BYTES, async (signal) => this.exchange(peer, { ...this.request(self), afterSequence }, { signal }, async (_, response) => {
      if (response.status === STATUS_BUSY || response.status === STATUS_OK) {
        throw new PullError(`${peer} does not say what it knows`)
      }
      // whatever kind it is of, by a later version of this program too: its numbers are taken
      const signed = response.update === undefined ? undefined : await this.signedBy(self, peer, response)
      return signed !== undefined && signed.header.sequence > afterSequence ? signed : undefined
    }), options), options)
  }

  private questions (peer: PeerName): Limiter {
    return this.components.ranks.of(peer) === 'neighbour' ? this.asked : this.askedOfOthers
  }

  private async ask (peer: PeerName, author: PeerName, afterSequence: number, options: AbortOptions): Promise<PulledUpdate | { running: Promise<PulledUpdate> } | undefined> {
    // what is no use to this version is not sent again and again
    const after = Math.max(afterSequence, this.passedOver.get(author) ?? 0)
    return this.exchange(peer, { ...this.request(author), afterSequence: after }, options, async (bytes, response) => {
      if (response.status !== STATUS_OK) {
        return undefined
      }
      const transfer = this.begin(await this.genuine(peer, author, response))
      const running = this.running.get(transfer.signed.id)
      if (running !== undefined) {
        bytes.stream.abort(new PullError('these bytes are on their way already'))
        return { running }
      }
      return this.track(transfer.signed.id, this.finish(transfer, bytes, peer, options))
    })
  }

  /** Whoever wants the same update meanwhile waits for this transfer */
  private async track (id: string, transfer: Promise<PulledUpdate>): Promise<PulledUpdate> {
    this.running.set(id, transfer)
    try {
      return await transfer
    } finally {
      this.running.delete(id)
    }
  }

  /**
   * Reads the payload of a response that began already; when it breaks off, the rest comes from wherever it can be had
   */
  private async finish (transfer: Transfer, bytes: StreamBytes, peer: PeerName, options: AbortOptions): Promise<PulledUpdate> {
    try {
      await this.receive(bytes, transfer, peer)
    } catch (err) {
      bytes.stream.abort(err instanceof Error ? err : new PullError(String(err)))
    }
    return this.isWhole(transfer) ? { signed: transfer.signed, payload: transfer.payload, from: peer } : this.fetch(transfer, peer, options)
  }

  // ---------------------------------------------------------------------------------------- one transfer

  private begin (signed: SignedHeader): Transfer {
    return { signed, payload: new Uint8Array(new ArrayBuffer(signed.header.payloadBytes)), received: 0, hash: createHash('sha256'), contributors: new Set() }
  }

  private isWhole ({ payload, received, hash, signed }: Transfer): boolean {
    return received === payload.byteLength && hash.copy().digest().equals(signed.header.payloadHash)
  }

  /** The author first, then who told of it, then others that follow this author */
  sources (author: PeerName, from: PeerName): PeerName[] {
    const { host } = this.components
    const connected = new Set(host.libp2p.getPeers().map(String))
    const followers = host.pubsub.getSubscribers(authorTopic(this.init.federation, author)).map(String)
    return [...new Set([author, from, ...followers])].filter((peer) => connected.has(peer) && peer !== host.self)
  }

  private async fetch (transfer: Transfer, from: PeerName, options: PullOptions): Promise<PulledUpdate> {
    return withinDeadline(this.components.clock, transfer.payload.byteLength, async (signal) => this.attempt(transfer, from, { ...options, signal }), options)
  }

  private async attempt (transfer: Transfer, from: PeerName, { signal, isWanted = () => true }: PullOptions & { signal: AbortSignal }): Promise<PulledUpdate> {
    const { signed } = transfer
    let failure: unknown = new PullError('no peer that may hold it is connected')
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !signal.aborted && (attempt === 0 || isWanted()); attempt++) {
      const sources = this.sources(signed.author, from)
      const source = sources[attempt % Math.max(1, sources.length)]
      try {
        if (source !== undefined) {
          await this.resume(transfer, source, signal)
          return { signed, payload: transfer.payload, from: source }
        }
      } catch (err) {
        failure = err
      }
      if (attempt + 1 >= sources.length) {
        await this.components.clock.delay(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.max(0, attempt - sources.length)), { signal }).catch(() => { /* the loop looks at the signal */ })
      }
    }
    throw new PullError(`update ${signed.id.slice(0, 12)} of ${signed.author} could not be fetched: ${String((failure as Error).message)}`, { cause: failure })
  }

  /** Takes the rest of the payload from `source`. Throws when it is still not whole */
  private async resume (transfer: Transfer, source: PeerName, signal: AbortSignal): Promise<void> {
    const { signed } = transfer
    const request = { ...this.request(signed.author), payloadHash: Uint8Array.from(signed.header.payloadHash), offset: transfer.received }
    await this.exchange(source, request, { signal }, async (bytes, response) => {
      if (response.status !== STATUS_OK) {
        throw new PullError(response.status === STATUS_BUSY ? `${source} is busy` : `${source} does not hold it`)
      }
      if (response.remainingBytes !== transfer.payload.byteLength - transfer.received) {
        throw new PullError(`${source} offers ${response.remainingBytes} bytes instead of ${transfer.payload.byteLength - transfer.received}`)
      }
      await this.receive(bytes, transfer, source)
    })
    if (!this.isWhole(transfer)) {
      this.blame(transfer)
      throw new PullError('the bytes are not those that the author signed')
    }
  }

  private async receive (bytes: StreamBytes, transfer: Transfer, source: PeerName): Promise<void> {
    transfer.contributors.add(source)
    await bytes.readInto(transfer.payload.subarray(transfer.received), (part) => {
      transfer.hash.update(part)
      transfer.received += part.byteLength
    })
  }

  /** Only when all bytes came from one peer is it known who lied. The transfer starts again from nothing */
  private blame (transfer: Transfer): void {
    const [only, ...others] = transfer.contributors
    if (only !== undefined && others.length === 0) {
      this.components.refuse(only, 'payload-hash', transfer.signed.author)
    }
    transfer.received = 0
    transfer.hash = createHash('sha256')
    transfer.contributors.clear()
  }

  /** The header of a response that nobody announced: checked like one that came by gossip */
  private async genuine (peer: PeerName, author: PeerName, response: UpdateResponse): Promise<SignedHeader> {
    const signed = await this.signedBy(author, peer, response)
    const { header } = signed
    const strange = strangeness(header, this.init)
    strange === undefined || this.passedOver.set(author, header.sequence)
    const problem = strange ?? sizeProblem(header, response, this.init.maxPayloadBytes)
    if (problem !== undefined) {
      throw this.refusal(peer, author, problem)
    }
    return signed
  }

  private async signedBy (author: PeerName, peer: PeerName, response: UpdateResponse): Promise<SignedHeader> {
    const signed = await headerOf(response, { author, federation: this.init.federation })
    if (typeof signed === 'string') {
      throw this.refusal(peer, author, signed)
    }
    return signed
  }

  private refusal (peer: PeerName, author: PeerName, reason: RejectionReason): PullError {
    this.components.refuse(peer, reason, author)
    return new PullError(`${peer} answered with a header that is not acceptable (${reason})`)
  }

  // ---------------------------------------------------------------------------------------- streams

  request (author: PeerName): Pick<UpdateRequest, 'federation' | 'author' | 'offset' | 'afterSequence'> {
    return { federation: this.init.federation, author: Uint8Array.from(peerIdFromString(author).toMultihash().bytes), offset: 0, afterSequence: 0 }
  }

  /** One request and its response. The stream is kept when it is clean afterwards, and aborted when anything failed */
  async exchange<T> (peer: PeerName, request: UpdateRequest, options: AbortOptions, receive: (bytes: StreamBytes, response: UpdateResponse) => Promise<T>): Promise<T> {
    options.signal?.throwIfAborted()
    for (;;) {
      const waitMs = this.requests.charge(peer, 1)
      if (waitMs > 0) {
        await this.components.clock.delay(waitMs, options)
      }
      const kept = this.takeIdle(peer)
      const bytes = kept ?? await this.open(peer, options)
      const before = bytes.received
      const stop = watchStream(bytes.stream, () => bytes.received, { stallMs: STALL_MS, signal: options.signal })
      try {
        await bytes.writeMessage(UpdateRequest.encode(request))
        const response = UpdateResponse.decode(await bytes.readMessage(MAX_RESPONSE_BYTES))
        const result = await receive(bytes, response)
        this.keep(peer, bytes)
        return result
      } catch (err) {
        bytes.stream.abort(err instanceof Error ? err : new PullError(String(err)))
        // a stream that was kept may have died unnoticed: that says nothing about the peer
        if (kept === undefined || bytes.received > before || options.signal?.aborted === true) {
          throw err
        }
      } finally {
        stop()
      }
    }
  }

  private takeIdle (peer: PeerName): StreamBytes | undefined {
    const streams = this.idle.get(peer) ?? []
    for (let bytes = streams.pop(); bytes !== undefined; bytes = streams.pop()) {
      if (bytes.isIdle) {
        return bytes
      }
    }
    this.idle.delete(peer)
    return undefined
  }

  private keep (peer: PeerName, bytes: StreamBytes): void {
    const streams = this.idle.get(peer) ?? []
    if (bytes.isIdle && streams.length < IDLE_STREAMS_PER_PEER) {
      streams.push(bytes)
      this.idle.set(peer, streams)
    } else {
      bytes.stream.abort(new PullError('not needed any more'))
    }
  }

  private async open (peer: PeerName, options: AbortOptions): Promise<StreamBytes> {
    const connection = this.components.host.libp2p.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open')
    if (connection === undefined) {
      throw new PullError(`${peer} is not connected`)
    }
    const signal = anySignal([options.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
    const stream = await openThrough(this.components.host.gate, connection, UPDATE_PROTOCOL, { signal, maxOutboundStreams: 16 }).finally(() => { signal.clear() })
    const bytes = new StreamBytes(stream)
    bytes.stream.addEventListener('close', () => { this.forget(peer, bytes) }, { once: true })
    return bytes
  }

  private forget (peer: PeerName, bytes: StreamBytes): void {
    const others = this.idle.get(peer)?.filter((kept) => kept !== bytes) ?? []
    if (others.length === 0) {
      this.idle.delete(peer)
    } else {
      this.idle.set(peer, others)
    }
  }
}
