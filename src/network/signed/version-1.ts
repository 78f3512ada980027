/**
 * Updates that version 0.1 signed, which spoke protocol 1: a home that is taken over holds its newest one
 *
 * Protocol 1 had the first twelve fields of the header of protocol 2, and a signing domain of its own, so that no
 * signature holds under both.
 */
import '../../promise-with-resolvers.ts'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { authorKey } from './author-key.ts'
import { matchesPayload } from './update-header.ts'
import { SignedUpdate, UpdateHeader } from '../wire/update.ts'
import type { PublicKey } from '@libp2p/interface'
import type { PeerName } from '../../interface.ts'
import type { HeaderFields } from './update-header.ts'

const SIGNING_DOMAIN = new TextEncoder().encode('grapevine update header 1\n')

/** What an update of protocol 1 says */
export interface EarlierUpdate {
  fields: Pick<HeaderFields, 'federation' | 'round' | 'sequence' | 'codec' | 'degree'>
  payload: Uint8Array
}

function decode (message: Uint8Array): { signed: SignedUpdate, header: UpdateHeader } | undefined {
  try {
    const signed = SignedUpdate.decode(message)
    return { signed, header: UpdateHeader.decode(signed.header) }
  } catch {
    // the caller reports the damage
    return undefined
  }
}

async function verified (key: PublicKey, { header, signature }: SignedUpdate): Promise<boolean> {
  try {
    return await key.verify(Buffer.concat([SIGNING_DOMAIN, header]), signature)
  } catch {
    // no signature at all
    return false
  }
}

/** Undefined when the message is not a genuine update that `self` signed under protocol 1, with its payload */
export async function readEarlierUpdate (message: Uint8Array, self: PeerName): Promise<EarlierUpdate | undefined> {
  const { signed, header } = decode(message) ?? {}
  const key = header?.version === 1 ? authorKey(header.author) : undefined
  if (signed?.payload === undefined || header === undefined || key === undefined || peerIdFromPublicKey(key).toString() !== self) {
    return undefined
  }
  if (!await verified(key, signed) || !matchesPayload({ header }, signed.payload)) {
    return undefined
  }
  const { federation, round, sequence, codec, degree } = header
  return { fields: { federation, round, sequence, codec, degree }, payload: signed.payload }
}
