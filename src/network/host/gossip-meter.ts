/**
 * What comes in on the gossip streams of each peer, before the router sees it
 *
 * The router keeps no count of data that it cannot decode, and limits neither rate nor volume. This scanner follows the
 * length prefixes and the outermost protobuf fields, without keeping or copying a byte, so that garbage and oversized
 * frames can be counted and their sender banned. Volume bans nobody, for whoever keeps the rules may be made to pass on
 * much: a peer that sends more than its allowance is read more slowly, and what it sends waits with it.
 */
import '../../promise-with-resolvers.ts'
import { MAX_GOSSIP_FRAME_BYTES } from './gossip-settings.ts'
import { streamInternals } from './internals.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Clock, PeerName, RejectionReason } from '../../interface.ts'
import type { PeerRanks } from './peer-ranks.ts'
import type { RateLimit } from '../support/rate-limit.ts'

const GOSSIP_PROTOCOL = /^\/(meshsub|floodsub)\//
/** Frames, or what is in them where that is more: an honest router sends one message in each */
const UNITS = { perSecond: 500, burst: 3_000 }
const BYTES = { perSecond: 8_388_608, burst: 50_331_648 }
/** Of a peer that is no member: it has little to say, and ids are free */
const STRANGER_UNITS = { perSecond: 100, burst: 1_000 }
const STRANGER_BYTES = { perSecond: 1_048_576, burst: 8_388_608 }
/** A message that everybody had long ago counts as this many */
const REPLAY_UNITS = 20
const MAX_VARINT_BYTES = 5
/** Malformed frames of one piece of data that are reported: enough for a ban, and no flood of events */
const MAX_REPORTED = 5
/**
 * subscriptions, publish, control: length-delimited fields 1 to 3 of the gossip RPC. Others may come with extensions
 */
const LENGTH_DELIMITED = 2
const VARINT = 0

type Expecting = 'frame-length' | 'tag' | 'field-length' | 'field-varint' | 'skip'

/** Finds frames in a stream of bytes, in whatever pieces they come */
export class FrameScanner {
  private expecting: Expecting = 'frame-length'
  private value = 0
  private shift = 0
  private frameLeft = 0
  private skipLeft = 0
  /** A frame was announced that is longer than allowed: nothing after it can be understood */
  oversized = false
  frames = 0
  /** Subscriptions, messages and control parts of all frames */
  fields = 0
  malformed = 0

  push (bytes: Uint8Array): void {
    let position = 0
    while (position < bytes.byteLength && !this.oversized) {
      position += this.expecting === 'skip' ? this.skip(bytes.byteLength - position) : this.varintByte(bytes[position]!)
    }
  }

  private skip (available: number): number {
    const skipped = Math.min(available, this.skipLeft)
    this.skipLeft -= skipped
    this.frameLeft -= skipped
    if (this.skipLeft === 0) {
      this.nextField()
    }
    return skipped
  }

  /** Always takes the byte */
  private varintByte (byte: number): 1 {
    this.value += (byte & 0x7f) * 2 ** this.shift
    this.shift += 7
    if (this.expecting !== 'frame-length') {
      this.frameLeft--
    }
    if (byte < 0x80) {
      const { value } = this
      this.value = 0
      this.shift = 0
      this.onVarint(value)
    } else if (this.shift >= 7 * MAX_VARINT_BYTES || (this.frameLeft <= 0 && this.expecting !== 'frame-length')) {
      this.onOverlong()
    }
    return 1
  }

  private onOverlong (): void {
    this.value = 0
    this.shift = 0
    if (this.expecting === 'frame-length') {
      this.oversized = true
    } else {
      this.abandonFrame()
    }
  }

  private onVarint (value: number): void {
    switch (this.expecting) {
      case 'frame-length': this.onFrame(value); break
      case 'tag': this.onTag(value); break
      case 'field-length': this.onFieldLength(value); break
      default: this.nextField()
    }
  }

  private onFrame (length: number): void {
    if (length > MAX_GOSSIP_FRAME_BYTES) {
      this.oversized = true
      return
    }
    this.frames++
    this.frameLeft = length
    this.nextField()
  }

  private onTag (tag: number): void {
    const type = tag & 7
    if (tag < 8 || (type !== LENGTH_DELIMITED && type !== VARINT) || this.frameLeft === 0) {
      this.abandonFrame()
    } else {
      this.fields++
      this.expecting = type === LENGTH_DELIMITED ? 'field-length' : 'field-varint'
    }
  }

  private onFieldLength (length: number): void {
    if (length > this.frameLeft) {
      this.abandonFrame()
    } else if (length === 0) {
      this.nextField()
    } else {
      this.skipLeft = length
      this.expecting = 'skip'
    }
  }

  private nextField (): void {
    this.expecting = this.frameLeft > 0 ? 'tag' : 'frame-length'
  }

  private abandonFrame (): void {
    this.malformed++
    this.skipLeft = this.frameLeft
    this.expecting = this.frameLeft > 0 ? 'skip' : 'frame-length'
  }
}

export interface GossipMeterComponents {
  clock: Clock
  ranks: Pick<PeerRanks, 'of'>
  refuse: (peer: PeerName, reason: RejectionReason) => void
}

interface Allowance {
  units: RateLimit
  bytes: RateLimit
}

/** Watches the inbound gossip streams of one node */
export class GossipMeter {
  private readonly components: GossipMeterComponents
  private readonly members: Allowance
  private readonly strangers: Allowance

  constructor (components: GossipMeterComponents) {
    const { clock } = components
    this.components = components
    this.members = { units: createRateLimit(clock, UNITS), bytes: createRateLimit(clock, BYTES) }
    this.strangers = { units: createRateLimit(clock, STRANGER_UNITS), bytes: createRateLimit(clock, STRANGER_BYTES) }
  }

  /** Call for every stream when it opens; others than inbound gossip are left alone */
  watch (stream: Stream, libp2p: () => Pick<Libp2p, 'getConnections'> | undefined): void {
    if (stream.direction !== 'inbound' || !GOSSIP_PROTOCOL.test(stream.protocol)) {
      return
    }
    const scanner = new FrameScanner()
    const internals = streamInternals(stream)
    const onData = internals.onData.bind(stream)
    let peer: PeerName | undefined
    const scan = (data: Uint8Array | Uint8ArrayList): void => {
      // the connection does not know its stream yet when the stream opens
      peer ??= libp2p()?.getConnections().find(({ streams }) => streams.includes(stream))?.remotePeer.toString()
      const units = this.scan(scanner, peer, data)
      if (peer !== undefined) {
        this.slowDown(stream, peer, this.charge(peer, units, data.byteLength))
      }
    }
    // every byte counts: a scanner that begins within a frame takes honest bytes for garbage
    scan(internals.readBuffer)
    internals.onData = (data) => {
      scan(data)
      onData(data)
    }
  }

  /** The peer sent what everybody had long ago: it is heard less for it, and nobody is blamed */
  chargeReplay (peer: PeerName): void {
    this.charge(peer, REPLAY_UNITS, 0)
  }

  /** Milliseconds until the peer has paid for what it sent */
  private charge (peer: PeerName, units: number, bytes: number): number {
    const allowance = this.components.ranks.of(peer) === 'stranger' ? this.strangers : this.members
    return Math.max(allowance.units.charge(peer, units), allowance.bytes.charge(peer, bytes))
  }

  /** What is on its way already still comes: a window of the stream at most, which is paid for too */
  private slowDown (stream: Stream, peer: PeerName, waitMs: number): void {
    if (waitMs <= 0 || stream.readStatus !== 'readable') {
      return
    }
    stream.pause()
    const ended = new AbortController()
    const end = (): void => { ended.abort() }
    stream.addEventListener('close', end, { once: true })
    this.paid(peer, waitMs, ended.signal).then(() => {
      stream.removeEventListener('close', end)
      if (stream.readStatus === 'paused') {
        stream.resume()
      }
    }, () => { /* it closed meanwhile */ })
  }

  /** Resolves when the peer owes nothing any more. Rejects when the signal aborts */
  private async paid (peer: PeerName, waitMs: number, signal: AbortSignal): Promise<void> {
    for (let ms = waitMs; ms > 0; ms = this.charge(peer, 0, 0)) {
      await this.components.clock.delay(ms, { signal })
    }
  }

  /**
   * Frames, or what is in them where that is more: the router remembers each message for two minutes, also of topics
   * that nobody follows
   */
  private scan (scanner: FrameScanner, peer: PeerName | undefined, data: Uint8Array | Uint8ArrayList): number {
    if (scanner.oversized) {
      return 0
    }
    const { frames, fields, malformed } = scanner
    for (const part of data instanceof Uint8Array ? [data] : data) {
      scanner.push(part)
    }
    if (peer === undefined) {
      return 0
    }
    if (scanner.oversized) {
      this.components.refuse(peer, 'oversized')
    }
    for (let i = malformed; i < Math.min(scanner.malformed, malformed + MAX_REPORTED); i++) {
      this.components.refuse(peer, 'malformed')
    }
    return Math.max(scanner.frames - frames, scanner.fields - fields)
  }
}
