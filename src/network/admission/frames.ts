/**
 * The messages of the admission protocol on a stream: bounded before they are read, checked before they are believed
 */
import { MAX_CREDENTIALS, MAX_RECORD_BYTES, MAX_WELCOME_BYTES, MAX_WELCOME_RECORDS } from '../../governance/governance-interface.ts'
import { MAX_FEDERATION_BYTES } from '../../limits.ts'
import { MalformedMessage, MessageStream, required } from './message-stream.ts'
import { AdmissionMessage } from '../wire/admission.ts'
import type { Stream } from '@libp2p/interface'
import type { AdmissionAnswer as WireAnswer, AdmissionFarewell, AdmissionHello as WireHello } from '../wire/admission.ts'

/** Records of one hello, or credentials in an answer, together */
export const MAX_CREDENTIAL_BYTES = 131_072

export interface RecordLimits { records: number, bytes: number }
const CREDENTIALS: RecordLimits = { records: MAX_CREDENTIALS, bytes: MAX_CREDENTIAL_BYTES }
/** What a newcomer is handed in an answer */
export const WELCOME: RecordLimits = { records: MAX_WELCOME_RECORDS, bytes: MAX_WELCOME_BYTES }
export const NONCE_BYTES = 32
export const PROOF_BYTES = 32
export const INVITATION_BYTES = 16

/** Names, nonces, and what frames each record */
const OVERHEAD_BYTES = 1_024
const MAX_HELLO_BYTES = MAX_CREDENTIAL_BYTES + OVERHEAD_BYTES
const MAX_ANSWER_BYTES = MAX_WELCOME_BYTES + 8 * MAX_WELCOME_RECORDS + MAX_CREDENTIAL_BYTES + MAX_FEDERATION_BYTES + OVERHEAD_BYTES
const MAX_REASON_LENGTH = 64

export const STATUS_ADMITTED = 1
export const STATUS_WAITING = 2
export const STATUS_REFUSED = 3

function total (records: readonly Uint8Array[]): number {
  return records.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function areRecords (records: readonly Uint8Array[], limits = CREDENTIALS): boolean {
  return records.length <= limits.records && records.every(({ byteLength }) => byteLength > 0 && byteLength <= MAX_RECORD_BYTES) && total(records) <= limits.bytes
}

/** As many of them, from the first, as one message carries */
export function fitting (records: readonly Uint8Array[], limits = CREDENTIALS): Array<Uint8Array<ArrayBuffer>> {
  const taken: Array<Uint8Array<ArrayBuffer>> = []
  let bytes = 0
  for (const record of records.slice(0, limits.records)) {
    bytes += record.byteLength
    if (bytes > limits.bytes) {
      break
    }
    taken.push(Uint8Array.from(record))
  }
  return taken
}

function isHello ({ nonce, records, invitation }: WireHello): boolean {
  return nonce.byteLength === NONCE_BYTES && areRecords(records) && (invitation === undefined || invitation.byteLength === INVITATION_BYTES)
}

function isAnswer ({ status, reason, records, credentials, document }: WireAnswer): boolean {
  return status >= STATUS_ADMITTED && status <= STATUS_REFUSED && reason.length <= MAX_REASON_LENGTH &&
    areRecords(records, WELCOME) && areRecords(credentials) && document.byteLength <= MAX_FEDERATION_BYTES
}

function isFarewell ({ reason, records }: AdmissionFarewell): boolean {
  return reason.length <= MAX_REASON_LENGTH && areRecords(records)
}

function isSound ({ hello, challenge, proof, answer, farewell }: AdmissionMessage): boolean {
  return [hello, challenge, proof, answer, farewell].filter((part) => part !== undefined).length === 1 &&
    (hello === undefined || isHello(hello)) && (answer === undefined || isAnswer(answer)) &&
    (challenge === undefined || (challenge.nonce.byteLength === NONCE_BYTES && challenge.proof.byteLength === PROOF_BYTES)) &&
    (proof === undefined || proof.byteLength === PROOF_BYTES) && (farewell === undefined || isFarewell(farewell))
}

/** One stream of the protocol */
export class AdmissionStream {
  readonly #stream: MessageStream

  constructor (stream: Stream, signal?: AbortSignal) {
    this.#stream = new MessageStream(stream, signal)
  }

  /** The first message, by whoever opened the stream. Rejects with PullError, and as the stream does */
  async readFirst (): Promise<AdmissionMessage> {
    return this.#read(MAX_HELLO_BYTES)
  }

  async readProof (): Promise<Uint8Array> {
    const { proof } = await this.#read(PROOF_BYTES + OVERHEAD_BYTES)
    return required(proof, 'a proof')
  }

  /** A challenge or an answer */
  async readReply (): Promise<AdmissionMessage> {
    return this.#read(MAX_ANSWER_BYTES)
  }

  async write (message: AdmissionMessage): Promise<void> {
    await this.#stream.write(AdmissionMessage.encode(message))
  }

  /** Resolves when all is sent */
  async close (): Promise<void> {
    await this.#stream.close()
  }

  cancel (reason: Error): void {
    this.#stream.cancel(reason)
  }

  async #read (maxBytes: number): Promise<AdmissionMessage> {
    const message = decode(await this.#stream.read(maxBytes))
    if (message === undefined || !isSound(message)) {
      throw new MalformedMessage('the peer sent what is no message of the admission protocol')
    }
    return message
  }
}

function decode (bytes: Uint8Array): AdmissionMessage | undefined {
  try {
    return AdmissionMessage.decode(bytes)
  } catch {
    // whatever a stranger sent
    return undefined
  }
}
