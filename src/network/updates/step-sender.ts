/**
 * Hands own messages of steps to those they are for, each on a stream of its own
 */
import '../../promise-with-resolvers.ts'
import { anySignal } from 'any-signal'
import { peerIdFromString } from '@libp2p/peer-id'
import { PublishError, PullError } from '../../errors.ts'
import { openThrough } from '../host/peer-gate.ts'
import { signMessage } from '../signed/step-header.ts'
import { EAGER_PAYLOAD_BYTES, STEP_OK, STEP_SEND } from './step-server.ts'
import { StreamBytes, watchStream } from '../support/stream-bytes.ts'
import { STEP_PROTOCOL } from '../support/topics.ts'
import { withinDeadline } from './transfer-deadline.ts'
import { encodeSigned } from '../signed/update-header.ts'
import { StepAnswer } from '../wire/update.ts'
import type { Logger, PrivateKey } from '@libp2p/interface'
import type { AbortOptions, Clock, OutgoingMessage, PeerName } from '../../interface.ts'
import type { Host } from '../host/host.ts'
import type { StepRules } from '../signed/step-header.ts'
import type { SignedHeader } from '../signed/update-header.ts'

const MAX_ANSWER_BYTES = 64
const STALL_MS = 10_000
const OPEN_TIMEOUT_MS = 5_000

export interface StepSenderComponents {
  host: Host
  clock: Clock
  logger: Logger
  privateKey: PrivateKey
}

export class StepSender {
  private readonly components: StepSenderComponents
  private readonly rules: StepRules
  /** Steps and receivers of the newest round that a message was signed for */
  private readonly signed = new Set<string>()
  private signedRound = 0

  constructor (components: StepSenderComponents, rules: StepRules) {
    this.components = components
    this.rules = rules
  }

  /** See Network.send. Throws PublishError */
  async send (message: OutgoingMessage, options: AbortOptions = {}): Promise<PeerName[]> {
    this.claim(message)
    const { to, payload } = message
    // the caller's array may change meanwhile
    const own = payload.slice()
    const signed = await signMessage(this.components.privateKey, { ...message, payload: own }, this.rules)
    const receivers = typeof to === 'string' ? [to] : [...new Set(to)]
    const delivered = await Promise.all(receivers.map(async (peer) => this.reaches(peer, signed, own, options)))
    return receivers.filter((_, index) => delivered[index])
  }

  /** A place is taken before it is signed for, once and for all. Throws PublishError */
  private claim ({ round, step, payload: { byteLength }, to }: OutgoingMessage): void {
    const { steps, maxBytes } = this.rules.limits
    if (!Number.isSafeInteger(step) || step < 1 || step >= steps) {
      throw new PublishError(`a message is of the steps 1 to ${steps - 1}, not ${step}`)
    }
    if (byteLength === 0 || byteLength > maxBytes) {
      throw new PublishError(`the message of round ${round}, step ${step} has ${byteLength} bytes, but from 1 to ${maxBytes} are allowed`)
    }
    const place = `${step}/${typeof to === 'string' ? to : ''}`
    if (round < this.signedRound || (round === this.signedRound && this.signed.has(place))) {
      throw new PublishError(`a message of round ${round}, step ${step} for the same receiver, or of a later round, was signed already`)
    }
    if (round > this.signedRound) {
      this.signedRound = round
      this.signed.clear()
    }
    this.signed.add(place)
  }

  /** Never rejects: a peer that cannot be reached has not got it, for whatever reason */
  private async reaches (peer: PeerName, signed: SignedHeader, payload: Uint8Array, options: AbortOptions): Promise<boolean> {
    const { clock, logger } = this.components
    try {
      await withinDeadline(clock, payload.byteLength, async (signal) => this.deliver(peer, signed, payload, signal), options)
      return true
    } catch (err) {
      logger.trace('%s has not got the message of round %d, step %d - %e', peer, signed.header.round, signed.header.step, err)
      return false
    }
  }

  private async deliver (peer: PeerName, signed: SignedHeader, payload: Uint8Array, signal: AbortSignal): Promise<void> {
    const bytes = await this.open(peer, signal)
    let sent = 0
    const stop = watchStream(bytes.stream, () => sent + bytes.received, { stallMs: STALL_MS, signal })
    try {
      await bytes.writeMessage(encodeSigned(signed))
      if (payload.byteLength > EAGER_PAYLOAD_BYTES) {
        await expectAnswer(bytes, STEP_SEND)
      }
      await bytes.write(payload, (count) => { sent += count })
      await expectAnswer(bytes, STEP_OK)
      await bytes.stream.close({ signal })
    } catch (err) {
      bytes.stream.abort(err instanceof Error ? err : new PullError(String(err)))
      throw err
    } finally {
      stop()
    }
  }

  private async open (peer: PeerName, signal: AbortSignal): Promise<StreamBytes> {
    const connection = this.components.host.libp2p.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open')
    if (connection === undefined) {
      throw new PullError(`${peer} is not connected`)
    }
    const either = anySignal([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
    return new StreamBytes(await openThrough(this.components.host.gate, connection, STEP_PROTOCOL, { signal: either, maxOutboundStreams: 16 }).finally(() => { either.clear() }))
  }
}

async function expectAnswer (bytes: StreamBytes, expected: number): Promise<void> {
  const { status } = StepAnswer.decode(await bytes.readMessage(MAX_ANSWER_BYTES))
  if (status !== expected) {
    throw new PullError(`the message was not taken (${status})`)
  }
}
