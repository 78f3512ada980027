/**
 * Signed headers of the messages of a step: those of updates, with a step, perhaps a receiver, and the name of what the
 * rounds follow in place of a codec (docs/protocol.md, Steps)
 */
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { STEP_ROUNDS_AHEAD } from '../../number-limits.ts'
import { KEYFRAME } from '../../update-kind.ts'
import { authorBytes, authorKey } from './author-key.ts'
import { PROTOCOL_VERSION } from './header-fields.ts'
import { sha256, signFields } from './update-header.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { OutgoingMessage, PeerName, RejectionReason, StepLimits } from '../../interface.ts'
import type { SignedHeader } from './update-header.ts'
import type { UpdateHeader } from '../wire/update.ts'

/** What a message is held to */
export interface StepRules {
  federation: string
  /** Of the document in force */
  epoch: number
  limits: StepLimits
}

/** Signs a message. Throws what the key throws, and for a receiver that is no Ed25519 peer id */
export async function signMessage (privateKey: PrivateKey, { round, step, sequence, payload, to }: OutgoingMessage, { federation, epoch, limits }: StepRules): Promise<SignedHeader> {
  const header: UpdateHeader = {
    version: PROTOCOL_VERSION,
    ...{ federation, round, sequence, epoch, step },
    author: authorBytes(privateKey.publicKey),
    // a chain would tell each receiver of messages that it never gets
    ...{ stream: sequence, streamVersion: 1, previousHash: new Uint8Array(0) },
    payloadHash: Uint8Array.from(sha256(payload)),
    payloadBytes: payload.byteLength,
    kind: KEYFRAME,
    codec: limits.protocol,
    replicaHash: new Uint8Array(0),
    degree: 0,
    incarnation: 0,
    receiver: typeof to === 'string' ? Uint8Array.from(peerIdFromString(to).toMultihash().bytes) : new Uint8Array(0),
    vector: 0
  }
  return signFields(privateKey, header)
}

/** The only receiver; undefined when everybody may have it */
export function receiverOf ({ receiver }: UpdateHeader): PeerName | undefined {
  const key = authorKey(receiver)
  return key === undefined ? undefined : peerIdFromPublicKey(key).toString()
}

function isUnderstoodStep ({ version, kind, incarnation, step, vector, codec }: UpdateHeader, { protocol, steps }: StepLimits): boolean {
  return version === PROTOCOL_VERSION && kind === KEYFRAME && incarnation === 0 && vector === 0 && codec === protocol && step >= 1 && step < steps
}

/** Why a well-formed header that `from` handed to `self` is not taken, as far as no signature is needed to say so */
export function messageProblem ({ author, header }: SignedHeader, { federation, epoch, limits }: StepRules, { self, from, round }: { self: PeerName, from: PeerName, round: number }): RejectionReason | undefined {
  if (header.federation !== federation) {
    return 'wrong-federation'
  }
  if (author !== from) {
    return 'wrong-author'
  }
  if (!isUnderstoodStep(header, limits)) {
    return 'unsupported'
  }
  if (header.epoch !== epoch) {
    return 'wrong-epoch'
  }
  if (header.receiver.byteLength > 0 && receiverOf(header) !== self) {
    return 'wrong-receiver'
  }
  if (header.payloadBytes > limits.maxBytes) {
    return 'oversized'
  }
  return header.round < round || header.round > round + STEP_ROUNDS_AHEAD ? 'round-window' : undefined
}
