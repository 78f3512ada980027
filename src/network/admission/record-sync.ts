/**
 * What two members know about membership, brought together: streams of /grapevine/records/2.0.0
 *
 * Equal sets cost one short message each way. Different ones are compared by buckets, then by the ids in those that
 * differ, and then the records go both ways: of what is more than one exchange may carry, the rest comes next time.
 */
import { MAX_RECORD_BYTES } from '../../governance/governance-interface.ts'
import { createRateLimit } from '../support/rate-limit.ts'
import { RECORDS_PROTOCOL } from '../support/topics.ts'
import { RecordsMessage } from '../wire/admission.ts'
import { MalformedMessage, MessageStream, required } from './message-stream.ts'
import type { Connection, Logger, Stream } from '@libp2p/interface'
import type { Gatekeeper, RecordDigests } from '../../governance/governance-interface.ts'
import type { Clock, PeerName, Random } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { RateLimit } from '../support/rate-limit.ts'

export const MAX_EXCHANGE_BYTES = 1_048_576
const ID_BYTES = 32
const BUCKETS = 256
const DIGEST_BYTES = 8
/** In one message: the rest of what differs comes next time */
const MAX_IDS = 8_192
const MAX_RECORDS = 8_192
const FRAMING_BYTES = 65_536
const MAX_MESSAGE_BYTES = MAX_EXCHANGE_BYTES + MAX_IDS * ID_BYTES + FRAMING_BYTES

const MAX_STREAMS_PER_PEER = 4
/** Streams and records of one peer */
const STREAMS = { perSecond: 10, burst: 100 }
const RECORDS = { perSecond: 200, burst: MAX_RECORDS }
/** Records that are looked at before others have their turn */
const SLICE = 32

export interface RecordSyncComponents {
  host: Pick<Host, 'libp2p'>
  gatekeeper: Pick<Gatekeeper, 'take' | 'set'>
  clock: Clock
  random: Random
  logger: Logger
  /** A peer handed over what is no record, or no message */
  onMalformed: (peer: PeerName) => void
}

type Message = Partial<RecordsMessage>

export class RecordSync {
  readonly #components: RecordSyncComponents
  readonly #streams: RateLimit
  readonly #records: RateLimit

  constructor (components: RecordSyncComponents) {
    this.#components = components
    this.#streams = createRateLimit(components.clock, STREAMS)
    this.#records = createRateLimit(components.clock, RECORDS)
  }

  async start (): Promise<void> {
    await this.#components.host.libp2p.handle(RECORDS_PROTOCOL, (raw, connection) => { void this.#onStream(raw, connection.remotePeer.toString()) }, { maxInboundStreams: MAX_STREAMS_PER_PEER })
  }

  /** Hands records over, as many as one exchange carries. Rejects as the stream does */
  async push (connection: Connection, records: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    await this.#open(connection, signal, async (stream) => { await write(stream, { records: fitting(records) }) })
  }

  /** Brings both sides' records together. Rejects as the stream does, and with PullError */
  async reconcile (connection: Connection, signal: AbortSignal): Promise<void> {
    await this.#open(connection, signal, async (stream, peer) => {
      const { set } = this.#components.gatekeeper
      await write(stream, { root: Uint8Array.from(set.root()) })
      const { buckets } = await read(stream)
      if (buckets === undefined) {
        return
      }
      const numbers = this.#differing(buckets)
      const compared = idsOf(set, numbers)
      await write(stream, { numbers: compared.numbers, ids: Uint8Array.from(Buffer.concat(compared.ids)) })
      const { ids, records } = await read(stream)
      await write(stream, { records: this.#held(split(ids)) })
      await this.#take(records, peer)
    })
  }

  async #open (connection: Connection, signal: AbortSignal, talk: (stream: MessageStream, peer: PeerName) => Promise<void>): Promise<void> {
    const stream = new MessageStream(await connection.newStream([RECORDS_PROTOCOL], { signal }), signal)
    await this.#run(stream, connection.remotePeer.toString(), talk)
  }

  /** Never rejects */
  async #onStream (raw: Stream, peer: PeerName): Promise<void> {
    const stream = new MessageStream(raw)
    await this.#run(stream, peer, async () => {
      if (!this.#streams.take(peer, 1)) {
        throw new RangeError('too many exchanges')
      }
      const { root, records } = await read(stream)
      await (root === undefined ? this.#take(records, peer) : this.#compare(stream, root, peer))
    }).catch((err: unknown) => { this.#components.logger('records could not be exchanged with %s - %e', peer, err) })
  }

  async #run (stream: MessageStream, peer: PeerName, talk: (stream: MessageStream, peer: PeerName) => Promise<void>): Promise<void> {
    try {
      await talk(stream, peer)
      await stream.close()
    } catch (err) {
      stream.cancel(err instanceof Error ? err : new TypeError(String(err)))
      if (err instanceof MalformedMessage) {
        this.#components.onMalformed(peer)
      }
      throw err
    }
  }

  /** The other side of {@link reconcile} */
  async #compare (stream: MessageStream, root: Uint8Array, peer: PeerName): Promise<void> {
    const { set } = this.#components.gatekeeper
    if (Buffer.from(root).equals(set.root())) {
      await write(stream, {})
      return
    }
    await write(stream, { buckets: Uint8Array.from(set.buckets()) })
    const { numbers, ids } = await read(stream)
    const theirs = split(ids).map(hex)
    const own = idsOf(set, [...required(numbers, 'numbers of buckets')])
    const known = new Set(theirs)
    const lacking = own.ids.filter((id) => !known.has(hex(id)))
    const missing = theirs.map((id) => Buffer.from(id, 'hex')).filter((id) => set.get(id) === undefined)
    await write(stream, { records: this.#held(lacking), ids: Uint8Array.from(Buffer.concat(missing)) })
    const { records } = await read(stream)
    await this.#take(records, peer)
  }

  /** Buckets that differ, from a random one on: what one exchange cannot carry does not keep others back for ever */
  #differing (theirs: Uint8Array): number[] {
    const own = Buffer.from(this.#components.gatekeeper.set.buckets())
    const digest = (all: Uint8Array, bucket: number): Buffer => Buffer.from(all.subarray(bucket * DIGEST_BYTES, (bucket + 1) * DIGEST_BYTES))
    const first = Math.floor(this.#components.random() * BUCKETS)
    return Array.from({ length: BUCKETS }, (_, index) => (first + index) % BUCKETS).filter((bucket) => !digest(own, bucket).equals(digest(theirs, bucket)))
  }

  #held (ids: readonly Uint8Array[]): Array<Uint8Array<ArrayBuffer>> {
    const { set } = this.#components.gatekeeper
    return fitting(ids.slice(0, MAX_RECORDS).flatMap((id) => set.get(id) ?? []))
  }

  /** Throws MalformedMessage at the first that is none */
  async #take (records: readonly Uint8Array[], peer: PeerName): Promise<void> {
    for (const [index, record] of records.entries()) {
      if (!this.#records.take(peer, 1)) {
        throw new RangeError('too many records')
      }
      if (this.#components.gatekeeper.take(record, peer) === 'invalid') {
        throw new MalformedMessage('one of the records is none')
      }
      if (index % SLICE === SLICE - 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
}

function hex (id: Uint8Array): string {
  return Buffer.from(id).toString('hex')
}

/** As many buckets as one message carries: at least a part of the first */
function idsOf (set: RecordDigests, buckets: readonly number[]): { numbers: Uint8Array<ArrayBuffer>, ids: Uint8Array[] } {
  const numbers: number[] = []
  const ids: Uint8Array[] = []
  for (const bucket of buckets.slice(0, BUCKETS)) {
    const more = set.idsIn(bucket)
    if (ids.length + more.length > MAX_IDS && ids.length > 0) {
      break
    }
    numbers.push(bucket)
    ids.push(...more.slice(0, MAX_IDS))
  }
  return { numbers: Uint8Array.from(numbers), ids }
}

function split (ids: Uint8Array = new Uint8Array(0)): Uint8Array[] {
  return Array.from({ length: ids.byteLength / ID_BYTES }, (_, index) => ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES))
}

/** As many of them, from the first, as one exchange carries */
export function fitting (records: readonly Uint8Array[]): Array<Uint8Array<ArrayBuffer>> {
  let bytes = 0
  const end = records.findIndex(({ byteLength }) => { bytes += byteLength; return bytes > MAX_EXCHANGE_BYTES })
  return records.slice(0, end === -1 ? MAX_RECORDS : Math.min(end, MAX_RECORDS)).map((record) => Uint8Array.from(record))
}

async function write (stream: MessageStream, message: Message): Promise<void> {
  await stream.write(RecordsMessage.encode({ records: [], ...message }))
}

async function read (stream: MessageStream): Promise<RecordsMessage> {
  const message = decode(await stream.read(MAX_MESSAGE_BYTES))
  if (message === undefined || !isSound(message)) {
    throw new MalformedMessage('the peer sent what is no message about records')
  }
  return message
}

function isSound ({ root, buckets, numbers, ids, records }: RecordsMessage): boolean {
  const bytes = records.reduce((sum, { byteLength }) => sum + byteLength, 0)
  return (root === undefined || root.byteLength === ID_BYTES) && (buckets === undefined || buckets.byteLength === BUCKETS * DIGEST_BYTES) &&
    (numbers === undefined || numbers.byteLength <= BUCKETS) && (ids === undefined || (ids.byteLength % ID_BYTES === 0 && ids.byteLength <= MAX_IDS * ID_BYTES)) &&
    bytes <= MAX_EXCHANGE_BYTES && records.every(({ byteLength }) => byteLength > 0 && byteLength <= MAX_RECORD_BYTES)
}

function decode (bytes: Uint8Array): RecordsMessage | undefined {
  try {
    return RecordsMessage.decode(bytes)
  } catch {
    // whatever a peer sent
    return undefined
  }
}
