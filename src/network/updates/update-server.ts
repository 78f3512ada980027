/**
 * Answers requests for updates on streams of /grapevine/update/2.0.0, from the cache of recent ones
 */
import '../../promise-with-resolvers.ts'
import { KeyframeEncodings } from './keyframe-encodings.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { StreamBytes, watchStream } from '../support/stream-bytes.ts'
import { UPDATE_PROTOCOL } from '../support/topics.ts'
import { withinDeadline } from './transfer-deadline.ts'
import { TransferPlaces } from './transfer-places.ts'
import { authorKey } from '../signed/author-key.ts'
import { UpdateRequest, UpdateResponse } from '../wire/update.ts'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { Connection, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock, KeyframeSource, PeerName, RejectionReason } from '../../interface.ts'
import type { AuthorLog } from '../signed/author-log.ts'
import type { Host } from '../host/host.ts'
import type { PeerRanks } from '../host/peer-ranks.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { TransferPlace } from './transfer-places.ts'
import type { UpdateCache } from './update-cache.ts'
import type { SignedHeader } from '../signed/update-header.ts'
import type { SignedUpdate } from '../wire/update.ts'

export const STATUS_OK = 1
export const STATUS_NOT_HELD = 2
export const STATUS_NOTHING_NEWER = 3
export const STATUS_BUSY = 4

const MAX_REQUEST_BYTES = 512

/** Streams of one peer: some idle ones and as many transfers as one peer can need at a time */
const MAX_STREAMS_PER_PEER = 16
/** A peer that reads nothing for this long loses its transfer */
const STALL_MS = 20_000
/** Of one peer. What it asks beyond that waits: liars can make an honest peer ask often */
export const REQUESTS = { perSecond: 50, burst: 200 }
/** Payload bytes for one peer: this many of the largest payload at once, then this many each second */
const BURST_PAYLOADS = 32
const PAYLOADS_PER_SECOND = 4
const MIN_PAYLOAD_RATE_BYTES = 1_048_576

export interface UpdateServerComponents {
  host: Host
  cache: UpdateCache
  log: Pick<AuthorLog, 'newest'>
  clock: Clock
  ranks: Pick<PeerRanks, 'of'>
  /** Undefined where every update is a keyframe */
  replicas?: Pick<KeyframeSource, 'keyframe'> | undefined
  /** A request that nobody makes who keeps the rules: counted and scored */
  refuse: (peer: PeerName, reason: RejectionReason) => void
}

export class UpdateServer {
  private readonly components: UpdateServerComponents
  private readonly federation: string
  private readonly requests: RateLimit
  private readonly payloadBytes: RateLimit
  private readonly places: TransferPlaces
  private readonly encodings = new KeyframeEncodings()

  constructor (components: UpdateServerComponents, init: { federation: string, maxPayloadBytes: number }) {
    this.components = components
    this.federation = init.federation
    const unit = Math.max(init.maxPayloadBytes, MIN_PAYLOAD_RATE_BYTES)
    this.places = new TransferPlaces(components)
    this.requests = createRateLimit(components.clock, REQUESTS)
    this.payloadBytes = createRateLimit(components.clock, { perSecond: unit * PAYLOADS_PER_SECOND, burst: unit * BURST_PAYLOADS })
  }

  async start (): Promise<void> {
    await this.components.host.libp2p.handle(UPDATE_PROTOCOL, (stream, connection) => {
      this.serve(stream, connection).catch((err: unknown) => {
        stream.abort(err instanceof Error ? err : new TypeError(String(err)))
      })
    }, { maxInboundStreams: MAX_STREAMS_PER_PEER, maxOutboundStreams: MAX_STREAMS_PER_PEER })
  }

  async stop (): Promise<void> {
    await this.components.host.libp2p.unhandle(UPDATE_PROTOCOL)
  }

  /** Request after request, until the other side closes the stream */
  private async serve (stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    const bytes = new StreamBytes(stream)
    for (;;) {
      const message = await bytes.readMessage(MAX_REQUEST_BYTES)
      const waitMs = this.requests.charge(peer, 1)
      if (waitMs > 0) {
        await this.components.clock.delay(waitMs)
      }
      const found = this.lookUp(connection, message)
      if (typeof found === 'string') {
        this.components.refuse(peer, found)
        stream.abort(new TypeError(found))
        return
      }
      await this.respond(bytes, found)
    }
  }

  /** What to send, or why the request is refused */
  private lookUp ({ remotePeer, remoteAddr }: Connection, message: Uint8Array): Answer | RejectionReason {
    const asker: Asker = { peer: remotePeer.toString(), address: remoteAddr }
    const request = decodeRequest(message)
    const key = request === undefined ? undefined : authorKey(request.author)
    if (request === undefined || key === undefined || !Number.isSafeInteger(request.offset)) {
      return 'malformed'
    }
    if (request.federation !== this.federation) {
      // an address may lead to a peer of another federation: nothing is held for it, and nobody is to blame
      return { status: STATUS_NOT_HELD }
    }
    const author = peerIdFromPublicKey(key).toString()
    const { payloadHash } = request
    if (payloadHash === undefined) {
      return author === asker.peer ? this.newestOf(author, request) : this.newest(asker, author, request)
    }
    if (request.keyframe === true) {
      return this.keyframe(asker, payloadHash, request)
    }
    const offer = this.payload(author, payloadHash)
    return offer === undefined ? { status: STATUS_NOT_HELD } : this.admit(asker, offer, request)
  }

  private newest (asker: Asker, author: PeerName, request: UpdateRequest): Answer {
    const held = this.components.cache.latest(author)
    if (held === undefined) {
      return { status: STATUS_NOT_HELD }
    }
    return held.signed.header.sequence <= request.afterSequence ? { status: STATUS_NOTHING_NEWER } : this.admit(asker, offerOf(held.payload, held.signed), request)
  }

  private payload (author: PeerName, payloadHash: Uint8Array): Offer | undefined {
    const held = this.components.cache.withPayload(author, payloadHash)
    return held === undefined ? undefined : offerOf(held.payload)
  }

  /** Whole or not at all: a part would cost as much as the whole, and nobody asks for one */
  private keyframe (asker: Asker, replicaHash: Uint8Array, request: UpdateRequest): Answer {
    const held = request.offset === 0 ? this.components.replicas?.keyframe(replicaHash) : undefined
    if (held === undefined) {
      return { status: STATUS_NOT_HELD }
    }
    const encoding = this.encodings.hold(replicaHash, held, this.components.ranks.of(asker.peer))
    if (encoding === undefined) {
      return { status: STATUS_BUSY }
    }
    const answer = this.admit(asker, { byteLength: held.byteLength, payload: encoding.bytes, end: encoding.release }, request)
    if (answer.status !== STATUS_OK) {
      encoding.release()
    }
    return answer
  }

  /**
   * An author has its payloads: after a restart from a backup it asks what it signed. The log knows also what was never
   * pulled, or dropped
   */
  private newestOf (author: PeerName, { afterSequence }: UpdateRequest): Answer {
    const known = this.components.log.newest(author)
    if (known === undefined) {
      return { status: STATUS_NOT_HELD }
    }
    return known.header.sequence <= afterSequence ? { status: STATUS_NOTHING_NEWER } : { status: STATUS_NOT_HELD, known }
  }

  private admit ({ peer, address }: Asker, offer: Offer, { offset }: UpdateRequest): Answer {
    const remaining = offer.byteLength - offset
    if (remaining < 0) {
      // an author may have signed the same hash with another length
      return { status: STATUS_NOT_HELD }
    }
    const place = this.places.take(peer, address)
    if (place === undefined || !this.payloadBytes.take(peer, remaining)) {
      place?.release(true)
      return { status: STATUS_BUSY }
    }
    return { status: STATUS_OK, place, offer, offset }
  }

  private async respond (bytes: StreamBytes, answer: Answer): Promise<void> {
    if (answer.status !== STATUS_OK) {
      await bytes.writeMessage(UpdateResponse.encode({ status: answer.status, remainingBytes: 0, ...(answer.known === undefined ? {} : { update: withoutPayload(answer.known) }) }))
      return
    }
    const { place, offer } = answer
    let completed = false
    try {
      await withinDeadline(this.components.clock, offer.byteLength, async (signal) => { await this.send(bytes, answer, signal) }, place)
      completed = true
    } finally {
      place.release(completed)
      offer.end?.()
    }
  }

  private async send (bytes: StreamBytes, { offer, offset, place }: Transfer, signal: AbortSignal): Promise<void> {
    const payload = offer.payload()
    let moved = 0
    const stop = watchStream(bytes.stream, () => moved, { stallMs: STALL_MS, signal })
    try {
      await bytes.writeMessage(UpdateResponse.encode({
        status: STATUS_OK,
        remainingBytes: payload.byteLength - offset,
        ...(offer.signed === undefined ? {} : { update: withoutPayload(offer.signed) })
      }))
      await bytes.write(payload.subarray(offset), (count) => {
        moved += count
        place.moved(count)
      })
    } finally {
      stop()
    }
  }
}

interface Asker {
  peer: PeerName
  address: Multiaddr
}

/** What can be sent */
interface Offer {
  byteLength: number
  /** Made when there is a place for it */
  payload: () => Uint8Array
  /** Called when it is not sent any more */
  end?: () => void
  /** Goes along where whoever asks does not know it */
  signed?: SignedHeader | undefined
}

function offerOf (payload: Uint8Array, signed?: SignedHeader): Offer {
  return { byteLength: payload.byteLength, payload: () => payload, signed }
}

interface Transfer {
  status: typeof STATUS_OK
  place: TransferPlace
  offer: Offer
  offset: number
}

type Answer =
  | { status: typeof STATUS_NOT_HELD | typeof STATUS_NOTHING_NEWER | typeof STATUS_BUSY, known?: SignedHeader }
  | Transfer

function withoutPayload ({ bytes, signature }: SignedHeader): SignedUpdate {
  return { header: Uint8Array.from(bytes), signature: Uint8Array.from(signature) }
}

function decodeRequest (message: Uint8Array): UpdateRequest | undefined {
  try {
    return UpdateRequest.decode(message)
  } catch {
    // counted by the caller as one malformed message
    return undefined
  }
}
