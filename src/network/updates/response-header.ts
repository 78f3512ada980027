/**
 * The header that a peer answers with when it is asked for an author's update
 */
import { readHeader, verifyHeader } from '../signed/update-header.ts'
import { STATUS_OK } from './update-server.ts'
import type { PeerName, RejectionReason } from '../../interface.ts'
import type { SignedHeader } from '../signed/update-header.ts'
import type { UpdateHeader, UpdateResponse } from '../wire/update.ts'

/** Whose update was asked for, and where */
export interface Expected {
  author: PeerName
  federation: string
}

/** The header, of whatever kind, that this author signed for this federation; else why it is refused */
export async function headerOf ({ update }: UpdateResponse, { author, federation }: Expected): Promise<SignedHeader | RejectionReason> {
  const signed = update === undefined ? undefined : readHeader(update.header, update.signature)
  if (signed === undefined) {
    return 'malformed'
  }
  if (signed.header.federation !== federation) {
    return 'wrong-federation'
  }
  if (signed.author !== author) {
    return 'wrong-author'
  }
  return await verifyHeader(signed) ? signed : 'bad-signature'
}

/** Why the payload that is to follow cannot be that of this header; undefined when it can */
export function sizeProblem ({ payloadBytes }: UpdateHeader, { status, remainingBytes }: UpdateResponse, maxPayloadBytes: number): 'oversized' | 'malformed' | undefined {
  if (payloadBytes > maxPayloadBytes) {
    return 'oversized'
  }
  return remainingBytes === (status === STATUS_OK ? payloadBytes : 0) ? undefined : 'malformed'
}
