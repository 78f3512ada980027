/**
 * How a node becomes a member of an invited federation: by its invitation, or by asking and waiting for people
 */
import { systemClock } from '../system-clock.ts'
import { guestProof, inviterProof, sameProof } from '../governance/handshake.ts'
import { signStatement } from '../governance/statements.ts'
import { decodeToken } from '../governance/token.ts'
import { enterInvited } from '../network/admission/admission-client.ts'
import type { AdmissionWish } from './node-parts.ts'

/** See `NodeParts.enterInvited` */
export async function enterByWish (wish: AdmissionWish): Promise<{ bytes: Uint8Array, records: readonly Uint8Array[] }> {
  const { identity, addresses, invitation, request, expected, signal, onWaiting } = wish
  // before anything is dialled
  const token = invitation === undefined ? undefined : decodeToken(invitation, systemClock.now())
  const signer = { peer: identity.publicKey.toString(), sign: async (bytes: Uint8Array) => identity.sign(bytes) }
  const asks = token?.approve === true || request !== undefined
  const name = request?.name ?? token?.name
  const { document, records } = await enterInvited({
    ...{ privateKey: identity, token, expected, signal, onWaiting, proofs: { inviterProof, guestProof, sameProof } },
    addresses: token?.addresses ?? addresses,
    request: asks ? once(async (federation) => (await signStatement(signer, { kind: 'request', federation, at: systemClock.now(), ...(name === undefined ? {} : { name }) })).bytes) : undefined
  })
  return { bytes: document, records }
}

/** Signed once, however often it is asked for: another one would be news to everybody */
function once (sign: (federation: string) => Promise<Uint8Array>): (federation: string) => Promise<Uint8Array> {
  const signed = new Map<string, Promise<Uint8Array>>()
  return async (federation) => {
    const request = signed.get(federation) ?? sign(federation)
    signed.set(federation, request)
    return request
  }
}
