/**
 * Shows whoever this node dials that it is a member, and learns whether the other side is one
 *
 * Whoever opened the connection begins, once for each connection: one exchange serves both sides.
 */
import { randomBytes } from 'node:crypto'
import { ADMISSION_PROTOCOL } from '../support/topics.ts'
import { AdmissionStream, fitting, NONCE_BYTES, STATUS_ADMITTED, STATUS_REFUSED } from './frames.ts'
import { required } from './message-stream.ts'
import { refusalReason } from './refusal-words.ts'
import type { Connection, Logger } from '@libp2p/interface'
import type { Gatekeeper, RefusalReason } from '../../governance/governance-interface.ts'
import type { Clock, PeerName } from '../../interface.ts'
import type { Gate } from './gate.ts'
import type { AdmissionAnswer } from '../wire/admission.ts'

/** Who is busy, or does not answer, is asked again: as long as it has time to show that it is a member */
const ATTEMPTS = 8
const RETRY_MS = 1_000
const TIMEOUT_MS = 5_000

export interface PresenterComponents {
  gate: Pick<Gate, 'settle' | 'refuse' | 'isOpen'>
  gatekeeper: Gatekeeper
  clock: Pick<Clock, 'delay'>
  logger: Logger
}

export interface PresenterInit {
  federationId: string
  /** The peer turns this node away */
  onRefused: (reason: RefusalReason, connection: Connection) => void
  signal: AbortSignal
}

export class Presenter {
  readonly #components: PresenterComponents
  readonly #init: PresenterInit

  constructor (components: PresenterComponents, init: PresenterInit) {
    this.#components = components
    this.#init = init
  }

  /** Over a connection that this node opened. Never rejects */
  async present (connection: Connection): Promise<void> {
    const { clock, logger } = this.#components
    const { signal } = this.#init
    for (let attempt = 0; attempt < ATTEMPTS && connection.status === 'open' && !signal.aborted; attempt++) {
      try {
        const answer = await this.#ask(connection)
        if (answer.status !== STATUS_REFUSED || refusalReason(answer.reason) !== 'busy') {
          this.#onAnswer(answer, connection)
          return
        }
      } catch (err) {
        logger('could not present itself to %s - %e', connection.remotePeer, err)
        if ((err as Error).name === 'UnsupportedProtocolError') {
          return
        }
      }
      await clock.delay(RETRY_MS, { signal }).catch(() => {})
    }
  }

  async #ask (connection: Connection): Promise<AdmissionAnswer> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const stream = new AdmissionStream(await connection.newStream([ADMISSION_PROTOCOL], { signal }), signal)
    try {
      await stream.write({
        hello: {
          federation: this.#init.federationId,
          nonce: Uint8Array.from(randomBytes(NONCE_BYTES)),
          records: fitting(this.#components.gatekeeper.credentials()),
          brief: true
        }
      })
      const { answer } = await stream.readReply()
      return required(answer, 'an answer')
    } catch (err) {
      stream.cancel(err as Error)
      throw err
    } finally {
      await stream.close().catch(() => {})
    }
  }

  #onAnswer ({ status, reason, credentials }: AdmissionAnswer, connection: Connection): void {
    const { gate, gatekeeper } = this.#components
    const peer: PeerName = connection.remotePeer.toString()
    if (status !== STATUS_ADMITTED) {
      this.#init.onRefused(status === STATUS_REFUSED ? refusalReason(reason) : 'not-a-member', connection)
      return
    }
    if (!gate.isOpen(peer)) {
      // the first that is none proves a fault: the others are not looked at
      credentials.every((record) => gatekeeper.take(record, peer) !== 'invalid')
    }
    gate.settle(peer)
  }
}
