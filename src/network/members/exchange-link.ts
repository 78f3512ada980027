/**
 * The sending half of the member exchange with one connected peer: one stream, opened again when it breaks
 */
import '../../promise-with-resolvers.ts'
import { anySignal } from 'any-signal'
import { lpStream } from '@libp2p/utils'
import { openThrough } from '../host/peer-gate.ts'
import { drained } from '../support/stream-bytes.ts'
import { MemberExchange as Frame } from '../wire/membership.ts'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { Clock, PeerName } from '../../interface.ts'
import type { PeerGate } from '../host/peer-gate.ts'
import type { MemberEntry } from '../wire/membership.ts'

/** Records in one frame are cut off here; a frame may hold twice that */
const FRAME_TARGET_BYTES = 32_768
const FRAME_MAX_ENTRIES = 128

const OPEN_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 500
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 10_000

export interface ExchangeLinkComponents {
  libp2p: Pick<Libp2p, 'getConnections'>
  clock: Clock
  gate?: PeerGate | undefined
}

export interface ExchangeLinkInit {
  peer: PeerId
  /** The only connection to use. @default any that is open */
  connection?: Connection
  protocol: string
  snapshot: () => MemberEntry[]
  needed: boolean
  batchMs: number
}

export class ExchangeLink {
  readonly #components: ExchangeLinkComponents
  readonly #init: ExchangeLinkInit
  readonly #stopped = new AbortController()
  /** Unsent entries by member: only the newest of each matters */
  readonly #queue = new Map<PeerName, MemberEntry>()
  #needed: boolean
  #stream: Stream | undefined
  #connectionId: string | undefined
  #running: Promise<void> | undefined
  /** Something is to be sent */
  #pending = Promise.withResolvers<void>()
  /** All is sent */
  #idle = Promise.withResolvers<void>()
  #retry = new AbortController()

  constructor (components: ExchangeLinkComponents, init: ExchangeLinkInit) {
    this.#components = components
    this.#init = init
    this.#needed = init.needed
  }

  /** Of the connection in use, or used last */
  get connectionId (): string | undefined {
    return this.#connectionId
  }

  start (): void {
    this.#running ??= this.#run()
  }

  async stop (): Promise<void> {
    this.#stopped.abort()
    this.#retry.abort()
    this.#pending.resolve()
    this.#idle.resolve()
    await this.#running
  }

  push (peer: PeerName, entry: MemberEntry): void {
    // without a stream there is nothing to remember: a new stream begins with the whole list
    if (this.#stream !== undefined) {
      this.#queue.set(peer, entry)
      this.#pending.resolve()
    }
  }

  setNeeded (needed: boolean): void {
    if (needed !== this.#needed) {
      this.#needed = needed
      this.#pending.resolve()
    }
  }

  /** False when there is no stream to send it on. A full stream needs no beat: it is full of signs of life */
  beat (): boolean {
    if (this.#stream?.writableNeedsDrain === false) {
      this.#pending.resolve()
    }
    return this.#stream !== undefined
  }

  /** Ends a wait before the next attempt to open the stream */
  retry (): void {
    this.#retry.abort()
  }

  /** Resolves when nothing waits to be sent, or there is nowhere to send it */
  async drained (): Promise<void> {
    if (this.#queue.size > 0 && this.#stream !== undefined) {
      await this.#idle.promise
    }
  }

  async #run (): Promise<void> {
    const { clock } = this.#components
    for (let failures = 0; !this.#stopped.signal.aborted; failures++) {
      const startedMs = clock.monotonicMs()
      try {
        await this.#send(await this.#open())
      } catch {
        // refused, reset, or the connection is gone: if it is not, the next attempt will do
      }
      if (clock.monotonicMs() - startedMs >= MAX_RETRY_MS) {
        failures = 0
      }
      this.#stream = undefined
      this.#queue.clear()
      this.#idle.resolve()
      await this.#wait(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures))
    }
  }

  async #wait (ms: number): Promise<void> {
    this.#retry = new AbortController()
    const signal = anySignal([this.#stopped.signal, this.#retry.signal])
    try {
      await this.#components.clock.delay(ms, { signal })
    } catch {
      // woken up, or stopped: the loop looks which
    } finally {
      signal.clear()
    }
  }

  async #open (): Promise<Stream> {
    const { peer, connection: only } = this.#init
    const candidates = only === undefined ? this.#components.libp2p.getConnections(peer) : [only]
    const connection = candidates.find(({ status }) => status === 'open')
    if (connection === undefined) {
      throw new RangeError('not connected')
    }
    const signal = anySignal([this.#stopped.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
    this.#connectionId = connection.id
    const stream = await openThrough(this.#components.gate, connection, this.#init.protocol, { signal }).finally(() => { signal.clear() })
    this.#stream = stream
    this.#queue.clear()
    for (const [index, entry] of this.#init.snapshot().entries()) {
      this.#queue.set(String(index), entry)
    }
    // the first frame goes out at once, even when it is empty
    this.#pending.resolve()
    stream.addEventListener('close', () => { this.#pending.resolve() }, { once: true })
    return stream
  }

  async #send (stream: Stream): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stopped
    const frames = lpStream(stream)
    for (let first = true; ; first = false) {
      await this.#pending.promise
      if (!first && !signal.aborted) {
        // stopped meanwhile: what is below sees it
        await clock.delay(this.#init.batchMs, { signal }).catch(() => {})
      }
      this.#pending = Promise.withResolvers()
      do {
        if (signal.aborted || stream.status !== 'open') {
          await this.#close(stream)
          return
        }
        await drained(stream, { signal })
        await frames.write(Frame.encode({ members: this.#takeEntries(), needed: this.#needed }), { signal })
      } while (this.#queue.size > 0)
      this.#idle.resolve()
      this.#idle = Promise.withResolvers()
    }
  }

  /** What was sent still arrives, a goodbye above all */
  async #close (stream: Stream): Promise<void> {
    try {
      await stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    } catch (err) {
      stream.abort(err instanceof Error ? err : new RangeError('the stream does not close'))
    }
  }

  #takeEntries (): MemberEntry[] {
    const entries: MemberEntry[] = []
    let bytes = 0
    for (const [peer, entry] of this.#queue) {
      if (bytes >= FRAME_TARGET_BYTES || entries.length >= FRAME_MAX_ENTRIES) {
        break
      }
      this.#queue.delete(peer)
      entries.push(entry)
      bytes += entry.signed?.record.byteLength ?? 0
    }
    return entries
  }
}
