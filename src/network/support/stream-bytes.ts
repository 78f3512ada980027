/**
 * Exact numbers of bytes from and to a libp2p stream: length-prefixed messages, and bulk data without framing
 *
 * Bulk data goes from the stream's buffers straight to its place in the result, with one copy, and is never queued:
 * what arrives unasked beyond a small message ends the stream.
 */
import '../../promise-with-resolvers.ts'
import { PullError } from '../../errors.ts'
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { AbortOptions } from '../../interface.ts'

/** Bytes that may wait unread; a request or the head of a response is far smaller */
const MAX_UNREAD_BYTES = 65_536

/** One call of send(): large enough that the cost of a call vanishes, small enough to share a connection */
export const SEND_CHUNK_BYTES = 131_072

const MAX_VARINT_BYTES = 4

interface Demand {
  /** Takes what it needs from the start of `bytes` and returns how many it took */
  feed: (bytes: Uint8Array) => number
  done: () => boolean
  resolve: () => void
  reject: (reason: Error) => void
}

export interface StreamBytesInit {
  /** Bytes that may wait while nobody reads. @default 65536 */
  maxUnreadBytes?: number
}

export class StreamBytes {
  readonly stream: Stream
  private readonly maxUnreadBytes: number
  private readonly unread: Uint8Array[] = []
  private unreadBytes = 0
  private demand: Demand | undefined
  private failure: Error | undefined
  /** Bytes received since the stream was opened: whether it moves */
  received = 0

  constructor (stream: Stream, { maxUnreadBytes = MAX_UNREAD_BYTES }: StreamBytesInit = {}) {
    this.stream = stream
    this.maxUnreadBytes = maxUnreadBytes
    stream.addEventListener('message', ({ data }) => { this.onData(data) })
    stream.addEventListener('remoteCloseWrite', () => { this.fail(new PullError('the peer closed the stream')) })
    stream.addEventListener('close', ({ error }) => { this.fail(error ?? new PullError('the stream is closed')) })
    // handed over when it had ended already: its events have been, and what it brought comes in the next microtask
    if (stream.status !== 'open' || stream.remoteWriteStatus === 'closed') {
      queueMicrotask(() => { queueMicrotask(() => { this.fail(new PullError(`the peer ended the stream (${stream.status})`)) }) })
    }
  }

  /** Ends a wait for bytes, and all later ones: aborting a stream that is over tells nobody */
  cancel (reason: Error): void {
    this.stream.abort(reason)
    this.fail(reason)
  }

  /** True when a new exchange may begin on this stream */
  get isIdle (): boolean {
    return this.failure === undefined && this.demand === undefined && this.unreadBytes === 0 && this.stream.status === 'open'
  }

  private onData (data: Uint8Array | Uint8ArrayList): void {
    this.received += data.byteLength
    const parts = data instanceof Uint8Array ? [data] : data
    for (const part of parts) {
      this.unread.push(part)
      this.unreadBytes += part.byteLength
    }
    this.satisfy()
    if (this.demand === undefined && this.unreadBytes > this.maxUnreadBytes) {
      const error = new PullError(`the peer sent ${this.unreadBytes} bytes that nobody asked for`)
      this.unread.length = 0
      this.unreadBytes = 0
      this.stream.abort(error)
      this.fail(error)
    }
  }

  private satisfy (): void {
    const { demand } = this
    if (demand === undefined) {
      return
    }
    let used = 0
    while (!demand.done() && used < this.unread.length) {
      const part = this.unread[used]!
      const taken = demand.feed(part)
      this.unreadBytes -= taken
      if (taken === part.byteLength) {
        used++
      } else {
        this.unread[used] = part.subarray(taken)
      }
    }
    // all at once: bytes that come one by one make many parts
    this.unread.splice(0, used)
    if (demand.done()) {
      this.demand = undefined
      demand.resolve()
    }
  }

  private fail (error: Error): void {
    this.failure ??= error
    const { demand } = this
    this.demand = undefined
    demand?.reject(this.failure)
  }

  /** Waits until `feed` has all it needs. One reader at a time */
  private async require (feed: Demand['feed'], done: Demand['done']): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.demand = { feed, done, resolve, reject }
      this.satisfy()
      if (this.demand !== undefined && this.failure !== undefined) {
        this.fail(this.failure)
      }
    })
  }

  /** Fills `target`, calling `onBytes` with each part as soon as it is in place. Rejects when the stream ends first */
  async readInto (target: Uint8Array, onBytes: (part: Uint8Array) => void = () => {}): Promise<void> {
    let filled = 0
    await this.require((bytes) => {
      const taken = Math.min(bytes.byteLength, target.byteLength - filled)
      target.set(taken === bytes.byteLength ? bytes : bytes.subarray(0, taken), filled)
      onBytes(target.subarray(filled, filled + taken))
      filled += taken
      return taken
    }, () => filled === target.byteLength)
  }

  /**
   * One message, prefixed with its length. Rejects with PullError when it is longer than `maxBytes`: nothing is
   * allocated
   */
  async readMessage (maxBytes: number): Promise<Uint8Array> {
    let length = 0
    let shift = 0
    let complete = false
    await this.require((bytes) => {
      let taken = 0
      while (taken < bytes.byteLength && !complete) {
        const byte = bytes[taken++]!
        length += (byte & 0x7f) * 2 ** shift
        shift += 7
        complete = byte < 0x80 || shift === 7 * MAX_VARINT_BYTES
      }
      return taken
    }, () => complete)
    if (length > maxBytes) {
      throw new PullError(`the peer announced a message of ${length} bytes, more than ${maxBytes}`)
    }
    const message = new Uint8Array(length)
    await this.readInto(message)
    return message
  }

  /** Sends bytes as they are, waiting whenever the stream is full */
  async write (bytes: Uint8Array, onBytes: (count: number) => void = () => {}): Promise<void> {
    for (let offset = 0; offset < bytes.byteLength; offset += SEND_CHUNK_BYTES) {
      const chunk = bytes.subarray(offset, offset + SEND_CHUNK_BYTES)
      if (!this.stream.send(chunk)) {
        await drained(this.stream)
      }
      onBytes(chunk.byteLength)
    }
  }

  async writeMessage (message: Uint8Array): Promise<void> {
    const prefixed = new Uint8Array(MAX_VARINT_BYTES + message.byteLength)
    let length = message.byteLength
    let position = 0
    for (; length > 0x7f; length >>>= 7) {
      prefixed[position++] = (length & 0x7f) | 0x80
    }
    prefixed[position++] = length
    prefixed.set(message, position)
    await this.write(prefixed.subarray(0, position + message.byteLength))
  }
}

/**
 * Resolves when the stream takes more; rejects when it is closed, or with the signal's reason
 *
 * The stream's own onDrain() waits once in its life: its promise is never renewed (@libp2p/utils 7.4.1), so that after
 * the first pause everything is buffered at once, however slowly it is read.
 */
export async function drained (stream: Stream, { signal }: AbortOptions = {}): Promise<void> {
  while (stream.writableNeedsDrain) {
    signal?.throwIfAborted()
    if (stream.status !== 'open') {
      throw new PullError('the stream is closed')
    }
    await new Promise<void>((resolve) => {
      const end = (): void => {
        stream.removeEventListener('drain', end)
        stream.removeEventListener('close', end)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      stream.addEventListener('drain', end)
      stream.addEventListener('close', end)
      signal?.addEventListener('abort', end)
    })
  }
}

/** Streams with an exchange under way */
const watched = new WeakSet<Stream>()

/** True while bytes are awaited on the stream, in either direction; false for one that is kept for the next exchange */
export function isMoving (stream: Stream): boolean {
  return watched.has(stream)
}

/**
 * Aborts `stream` when it does not move for `stallMs`, or when `signal` aborts; call the result when all is done
 *
 * @param progress - Any number that changes when bytes move
 */
export function watchStream (stream: Stream, progress: () => number, options: { stallMs: number, signal?: AbortSignal | undefined }): () => void {
  watched.add(stream)
  let last = progress()
  const timer = setInterval(() => {
    const now = progress()
    if (now === last) {
      stream.abort(new PullError(`nothing moved for ${options.stallMs / 1_000} s`))
    }
    last = now
  }, options.stallMs)
  const onAbort = (): void => {
    const reason: unknown = options.signal?.reason
    stream.abort(reason instanceof PullError ? reason : new PullError('the transfer was cancelled', { cause: reason }))
  }
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted === true) {
    onAbort()
  }
  return () => {
    watched.delete(stream)
    clearInterval(timer)
    options.signal?.removeEventListener('abort', onAbort)
  }
}
