/**
 * What arrives on gossip streams, before the router reads it: frames, bytes, and whether they look like gossip at all
 *
 * The router tells nobody when it cannot decode a frame, and limits neither rate nor volume. This scanner follows the
 * length prefixes and the outermost protobuf fields, without keeping or copying a byte, so that garbage, oversized
 * frames and floods can be counted and their sender banned.
 */
import '../promise-with-resolvers.ts'
import { MAX_GOSSIP_FRAME_BYTES } from './gossip-settings.ts'
import { createRateLimit } from './rate-limit.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Clock, PeerName, RejectionReason } from '../interface.ts'
import type { RateLimit } from './rate-limit.ts'

const GOSSIP_PROTOCOL = /^\/(meshsub|floodsub)\//
/** Frames, or what is in them where that is more: an honest router sends one message in each */
const UNITS_PER_SECOND = 500
const UNIT_BURST = 3_000
const BYTES_PER_SECOND = 8_388_608
const BYTES_BURST = 50_331_648
const MAX_VARINT_BYTES = 5
/** Malformed frames of one piece of data that are reported: enough for a ban, and no flood of events */
const MAX_REPORTED = 5
/** subscriptions, publish, control: length-delimited fields 1 to 3 of the gossip RPC. Others may come with extensions */
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
  refuse: (peer: PeerName, reason: RejectionReason) => void
}

interface ReadableStreamInternals {
  /** What came before anybody listened: a stream is handed over some time after its protocol is agreed */
  readBuffer: Uint8ArrayList
  /** The point where the multiplexer hands over what it received */
  onData: (data: Uint8Array | Uint8ArrayList) => void
}

/** Watches the inbound gossip streams of one node */
export class GossipMeter {
  private readonly components: GossipMeterComponents
  private readonly units: RateLimit
  private readonly bytes: RateLimit

  constructor (components: GossipMeterComponents) {
    this.components = components
    this.units = createRateLimit(components.clock, { perSecond: UNITS_PER_SECOND, burst: UNIT_BURST })
    this.bytes = createRateLimit(components.clock, { perSecond: BYTES_PER_SECOND, burst: BYTES_BURST })
  }

  /** Call for every stream when it opens; others than inbound gossip are left alone */
  watch (stream: Stream, libp2p: () => Pick<Libp2p, 'getConnections'> | undefined): void {
    if (stream.direction !== 'inbound' || !GOSSIP_PROTOCOL.test(stream.protocol)) {
      return
    }
    const scanner = new FrameScanner()
    const internals = stream as unknown as ReadableStreamInternals
    const onData = internals.onData.bind(stream)
    let peer: PeerName | undefined
    const scan = (data: Uint8Array | Uint8ArrayList): void => {
      // the connection does not know its stream yet when the stream opens
      peer ??= libp2p()?.getConnections().find(({ streams }) => streams.includes(stream))?.remotePeer.toString()
      this.scan(scanner, peer, data)
    }
    // every byte counts: a scanner that begins within a frame takes honest bytes for garbage
    scan(internals.readBuffer)
    internals.onData = (data) => {
      scan(data)
      onData(data)
    }
  }

  private scan (scanner: FrameScanner, peer: PeerName | undefined, data: Uint8Array | Uint8ArrayList): void {
    if (scanner.oversized) {
      return
    }
    const { frames, fields, malformed } = scanner
    for (const part of data instanceof Uint8Array ? [data] : data) {
      scanner.push(part)
    }
    if (peer === undefined) {
      return
    }
    if (scanner.oversized) {
      this.components.refuse(peer, 'oversized')
    }
    for (let i = malformed; i < Math.min(scanner.malformed, malformed + MAX_REPORTED); i++) {
      this.components.refuse(peer, 'malformed')
    }
    // the router remembers each message for two minutes, also of topics that nobody follows: a frame may hold dozens
    const units = Math.max(scanner.frames - frames, scanner.fields - fields)
    if (!this.units.take(peer, units) || !this.bytes.take(peer, data.byteLength)) {
      this.components.refuse(peer, 'rate')
    }
  }
}
