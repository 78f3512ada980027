/**
 * A stream of a few short messages, which ends by itself when nothing moves
 */
import { PullError } from '../../errors.ts'
import { StreamBytes, watchStream } from '../support/stream-bytes.ts'
import type { Stream } from '@libp2p/interface'

/** Without a byte for this long the stream is over, and after the other one in any case */
const STALL_MS = 5_000
const LIFE_MS = 15_000

/** The rest of a long message comes together with its length, before anybody can ask for it: twice a first window */
const MAX_UNREAD_BYTES = 2_097_152

export class MessageStream {
  readonly #bytes: StreamBytes
  readonly #end: () => void
  #sent = 0

  constructor (stream: Stream, signal?: AbortSignal) {
    this.#bytes = new StreamBytes(stream, { maxUnreadBytes: MAX_UNREAD_BYTES })
    const stop = watchStream(stream, () => this.#bytes.received + this.#sent, { stallMs: STALL_MS, signal })
    const timer = setTimeout(() => { this.cancel(new PullError('it takes too long')) }, LIFE_MS)
    this.#end = () => {
      clearTimeout(timer)
      stop()
    }
  }

  /** Rejects with PullError when the message is longer, and as the stream does */
  async read (maxBytes: number): Promise<Uint8Array> {
    return this.#bytes.readMessage(maxBytes)
  }

  async write (message: Uint8Array): Promise<void> {
    await this.#bytes.writeMessage(message)
    this.#sent++
  }

  /** Resolves when all is sent */
  async close (): Promise<void> {
    try {
      await this.#bytes.stream.close({ signal: AbortSignal.timeout(STALL_MS) })
    } finally {
      this.#end()
    }
  }

  cancel (reason: Error): void {
    this.#end()
    this.#bytes.cancel(reason)
  }
}

/** What came is no message, or not the one that is due */
export class MalformedMessage extends PullError {}

export function required<T> (part: T | undefined, what: string): T {
  if (part === undefined) {
    throw new MalformedMessage(`the peer sent something else where ${what} was due`)
  }
  return part
}
