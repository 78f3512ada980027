/**
 * What a peer that wants to become a member says on a connection: one hello, the proofs of an invitation, one answer
 *
 * The inviter proves first that it knows the secret: whoever only pretends to be it gets no proof to hand on.
 */
import { randomBytes } from 'node:crypto'
import { AdmissionRefusedError, PullError } from '../../errors.ts'
import { ADMISSION_PROTOCOL } from '../support/topics.ts'
import { AdmissionStream, fitting, NONCE_BYTES } from './frames.ts'
import { required } from './message-stream.ts'
import type { Connection } from '@libp2p/interface'
import type { InvitationToken } from '../../governance/governance-interface.ts'
import type { PeerName } from '../../interface.ts'
import type { AdmissionAnswer, AdmissionChallenge } from '../wire/admission.ts'

/** What both sides of a redemption sign with the invitation's secret */
export interface Transcript {
  guest: PeerName
  inviter: PeerName
  guestNonce: Uint8Array
  inviterNonce: Uint8Array
  federation: string
  jti: Uint8Array
}

/** The proofs of src/governance/handshake.ts */
export interface Proofs {
  inviterProof: (secret: Uint8Array, transcript: Transcript) => Uint8Array
  guestProof: (secret: Uint8Array, transcript: Transcript) => Uint8Array
  /** In constant time */
  sameProof: (a: Uint8Array, b: Uint8Array) => boolean
}

export type PinnedToken = Pick<InvitationToken, 'federation' | 'inviter' | 'jti' | 'secret'>

export interface RedemptionInit {
  self: PeerName
  proofs: Proofs
  /** Empty where only an address is known */
  federation: string
  /** What it holds: a request to be admitted */
  records: readonly Uint8Array[]
  /** The invitation to redeem */
  token?: PinnedToken | undefined
  signal: AbortSignal
}

/**
 * One exchange. Throws AdmissionRefusedError when the other side does not know the invitation's secret; rejects as the
 * stream does, and with PullError
 */
export async function askAdmission (connection: Connection, init: RedemptionInit): Promise<AdmissionAnswer> {
  const { federation, records, token, signal } = init
  const stream = new AdmissionStream(await connection.newStream([ADMISSION_PROTOCOL], { signal }), signal)
  try {
    const nonce = Uint8Array.from(randomBytes(NONCE_BYTES))
    const invitation = token === undefined ? {} : { invitation: Uint8Array.from(token.jti) }
    await stream.write({ hello: { federation, nonce, records: fitting(records), brief: false, ...invitation } })
    const { challenge, answer } = await stream.readReply()
    if (challenge === undefined) {
      return required(answer, 'an answer')
    }
    await stream.write({ proof: prove(connection, challenge, nonce, init) })
    return required((await stream.readReply()).answer, 'an answer')
  } catch (err) {
    stream.cancel(err as Error)
    throw err
  } finally {
    await stream.close().catch(() => {})
  }
}

/** The own proof, once the inviter's is found right */
function prove (connection: Connection, challenge: AdmissionChallenge, guestNonce: Uint8Array, { token, self, proofs }: RedemptionInit): Uint8Array<ArrayBuffer> {
  const inviter = connection.remotePeer.toString()
  if (token === undefined || inviter !== token.inviter) {
    throw new PullError(`${inviter} asks for a proof of an invitation that it did not make`)
  }
  const transcript = { guest: self, inviter, guestNonce, inviterNonce: challenge.nonce, federation: token.federation, jti: token.jti }
  if (!proofs.sameProof(challenge.proof, proofs.inviterProof(token.secret, transcript))) {
    throw new AdmissionRefusedError(`${inviter} does not know the secret of this invitation: it was made by another home, or copied wrongly; ask for a new one`, 'wrong-proof')
  }
  return Uint8Array.from(proofs.guestProof(token.secret, transcript))
}
