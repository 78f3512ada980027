/**
 * Takes messages of steps on streams of /grapevine/step/2.0.0: one message, straight from its author, on each
 *
 * Everything that the header tells is checked before a byte of the payload is taken: memory goes only to followed
 * peers, for what they signed, once for each round, step and receiver.
 */
import '../../promise-with-resolvers.ts'
import { proofOf } from '../signed/equivocation.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { messageProblem, receiverOf } from '../signed/step-header.ts'
import { StepLog } from './step-log.ts'
import { StreamBytes, watchStream } from '../support/stream-bytes.ts'
import { STEP_PROTOCOL } from '../support/topics.ts'
import { withinDeadline } from './transfer-deadline.ts'
import { MAX_HEADER_BYTES, matchesPayload, readHeader, verifyHeader } from '../signed/update-header.ts'
import { SignedUpdate, StepAnswer } from '../wire/update.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock, PeerName, ReceivedMessage, RejectionReason } from '../../interface.ts'
import type { AuthorLog } from '../signed/author-log.ts'
import type { Host } from '../host/host.ts'
import type { PeerRanks } from '../host/peer-ranks.ts'
import type { RateLimit } from '../support/rate-limit.ts'
import type { StepRules } from '../signed/step-header.ts'
import type { SignedHeader } from '../signed/update-header.ts'

export const STEP_OK = 1
export const STEP_SEND = 2
const STEP_BUSY = 4
const STEP_REFUSED = 5

/** A payload up to this comes with its header, without a round trip: less than a stream holds unread */
export const EAGER_PAYLOAD_BYTES = 32_768
/** A header and its signature */
const MAX_FRAME_BYTES = MAX_HEADER_BYTES + 128

const MAX_STREAMS_PER_PEER = 16
/** Payloads of one author that come in at a time: the memory of unfinished ones */
const MAX_MOVING = 4
const STALL_MS = 10_000
/** Of one peer: more than any round has, and as many refusals are told */
const MESSAGES = { perSecond: 100, burst: 400 }
/** Payload bytes of one peer: this many of the largest payload at once, then as many each second */
const BURST_PAYLOADS = 32
const PAYLOADS_PER_SECOND = 8
const MIN_PAYLOAD_RATE_BYTES = 1_048_576

export interface StepServerComponents {
  host: Host
  log: Pick<AuthorLog, 'keep'>
  clock: Clock
  ranks: Pick<PeerRanks, 'of'>
  refuse: (peer: PeerName, reason: RejectionReason, author?: PeerName) => void
  deliver: (message: ReceivedMessage) => void
}

export class StepServer {
  private readonly components: StepServerComponents
  private readonly rules: StepRules
  private readonly seen = new StepLog()
  private readonly messages: RateLimit
  private readonly payloadBytes: RateLimit
  private readonly moving = new Map<PeerName, number>()
  private round = 1

  constructor (components: StepServerComponents, rules: StepRules) {
    this.components = components
    this.rules = rules
    const unit = Math.max(rules.limits.maxBytes, MIN_PAYLOAD_RATE_BYTES)
    this.messages = createRateLimit(components.clock, MESSAGES)
    this.payloadBytes = createRateLimit(components.clock, { perSecond: unit * PAYLOADS_PER_SECOND, burst: unit * BURST_PAYLOADS })
  }

  async start (): Promise<void> {
    await this.components.host.libp2p.handle(STEP_PROTOCOL, (stream, connection) => {
      this.serve(stream, connection).catch((err: unknown) => {
        stream.abort(err instanceof Error ? err : new TypeError(String(err)))
      })
    }, { maxInboundStreams: MAX_STREAMS_PER_PEER, maxOutboundStreams: MAX_STREAMS_PER_PEER })
  }

  setRound (round: number): void {
    this.round = round
    this.seen.setRound(round)
  }

  private async serve (stream: Stream, { remotePeer }: Connection): Promise<void> {
    const { clock, ranks, refuse } = this.components
    const peer = remotePeer.toString()
    if (!this.messages.take(peer, 1)) {
      stream.abort(new RangeError('too many messages'))
      return
    }
    if (ranks.of(peer) !== 'neighbour') {
      refuse(peer, 'stranger')
      stream.abort(new TypeError('not followed'))
      return
    }
    const bytes = new StreamBytes(stream)
    const status = await withinDeadline(clock, this.rules.limits.maxBytes, async (signal) => {
      const stop = watchStream(stream, () => bytes.received, { stallMs: STALL_MS, signal })
      try {
        return await this.take(bytes, peer)
      } finally {
        stop()
      }
    })
    await bytes.writeMessage(StepAnswer.encode({ status }))
    await stream.close({ signal: AbortSignal.timeout(STALL_MS) })
  }

  /** What becomes of the message that the stream brings. Rejects when the stream ends first */
  private async take (bytes: StreamBytes, peer: PeerName): Promise<number> {
    const { log, refuse, host: { self } } = this.components
    const signed = decode(await bytes.readMessage(MAX_FRAME_BYTES))
    const problem = signed === undefined ? 'malformed' : messageProblem(signed, this.rules, { self, from: peer, round: this.round })
    if (signed === undefined || problem !== undefined) {
      refuse(peer, problem ?? 'malformed')
      return STEP_REFUSED
    }
    if (!await verifyHeader(signed)) {
      refuse(peer, 'bad-signature', peer)
      return STEP_REFUSED
    }
    const standing = this.seen.judge(signed)
    if (typeof standing === 'object') {
      log.keep(proofOf(standing.contradicts, signed))
      refuse(peer, 'equivocation', peer)
      return STEP_REFUSED
    }
    return standing === 'new' ? this.receive(bytes, signed) : standing === 'taken' ? STEP_OK : STEP_BUSY
  }

  private async receive (bytes: StreamBytes, signed: SignedHeader): Promise<number> {
    const { author, header: { payloadBytes } } = signed
    const moving = this.moving.get(author) ?? 0
    if (moving >= MAX_MOVING || !this.payloadBytes.take(author, payloadBytes)) {
      return STEP_BUSY
    }
    this.moving.set(author, moving + 1)
    this.seen.note(signed, 'moving')
    let isTaken = false
    try {
      isTaken = await this.payload(bytes, signed)
      return isTaken ? STEP_OK : STEP_REFUSED
    } finally {
      this.seen.note(signed, isTaken ? 'taken' : 'seen')
      const others = this.moving.get(author)! - 1
      others === 0 ? this.moving.delete(author) : this.moving.set(author, others)
    }
  }

  /** False when the bytes are not those that the author signed */
  private async payload (bytes: StreamBytes, signed: SignedHeader): Promise<boolean> {
    const { clock, deliver, refuse } = this.components
    const { author, header } = signed
    if (header.payloadBytes > EAGER_PAYLOAD_BYTES) {
      await bytes.writeMessage(StepAnswer.encode({ status: STEP_SEND }))
    }
    const payload = new Uint8Array(header.payloadBytes)
    await bytes.readInto(payload)
    if (!matchesPayload(signed, payload)) {
      refuse(author, 'payload-hash', author)
      return false
    }
    deliver({ author, round: header.round, step: header.step, receiver: receiverOf(header), payload, receivedAtMs: clock.monotonicMs() })
    return true
  }
}

function decode (frame: Uint8Array): SignedHeader | undefined {
  try {
    const { header, signature } = SignedUpdate.decode(frame)
    return readHeader(header, signature)
  } catch {
    // counted by the caller as one malformed message
    return undefined
  }
}
