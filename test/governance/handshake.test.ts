import { createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guestProof, inviterProof, sameProof } from '../../src/governance/handshake.ts'
import { toHex } from '../../src/governance/peer-key.ts'
import { FEDERATION, people } from './people.ts'
import type { Transcript } from '../../src/governance/handshake.ts'

const names = people(8).map(({ peer }) => peer)
/** Public keys of the seeds 0 and 1 */
const RAW = ['3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29', '4cb5abf6ad79fbf5abbccafcc269d85cd2651ed4b885b5869f241aedf0a5ba29']
const bytes = (count: number) => fc.uint8Array({ minLength: count, maxLength: count })

const meeting: fc.Arbitrary<Transcript> = fc.record({
  federation: fc.constantFrom(FEDERATION, 'bafyreiother'),
  jti: bytes(16),
  inviter: fc.constantFrom(...names),
  guest: fc.constantFrom(...names),
  inviterNonce: bytes(32),
  guestNonce: bytes(32)
})

const known: Transcript = {
  federation: FEDERATION,
  jti: new Uint8Array(16).fill(1),
  inviter: names[0]!,
  guest: names[1]!,
  inviterNonce: new Uint8Array(32).fill(2),
  guestNonce: new Uint8Array(32).fill(3)
}
const secret = new Uint8Array(32).fill(4)

describe('the proofs of a meeting', () => {
  it('are these, for ever: other programs make the same', () => {
    expect(toHex(inviterProof(secret, known))).toBe('3c9b3a5bd65f4e3bfeb729c0442a2d2520ee9f502da8797c8e987df54e6624bb')
    expect(toHex(guestProof(secret, known))).toBe('45d4d908babf7daf8337c21e41af7865b87ffbf0252bfdeb6a7d565b910b11f5')
  })

  it('are HMAC-SHA256 over a list in CBOR, put together here by hand', () => {
    const key = new Uint8Array(hkdfSync('sha256', secret, '', 'grapevine/invitation-proof/2', 32))
    const raw = (peer: string) => Buffer.from(peer === names[0] ? RAW[0]! : RAW[1]!, 'hex')
    const text = (value: string) => Buffer.concat([Buffer.from(value.length < 24 ? [0x60 + value.length] : [0x78, value.length]), Buffer.from(value)])
    const message = Buffer.concat([
      Buffer.of(0x88), text('grapevine/invitation-proof/2'), text('guest'), text(FEDERATION), Buffer.of(0x50), known.jti,
      Buffer.of(0x58, 32), raw(known.inviter), Buffer.of(0x58, 32), raw(known.guest), Buffer.of(0x58, 32), known.inviterNonce, Buffer.of(0x58, 32), known.guestNonce
    ])
    expect(createHmac('sha256', key).update(message).digest('hex')).toBe(toHex(guestProof(secret, known)))
  })

  it('fit no other meeting, secret or direction', () => {
    fc.assert(fc.property(meeting, meeting, bytes(32), fc.constantFrom(...Object.keys(known) as Array<keyof Transcript>), (one, other, key, field) => {
      const changed = { ...one, [field]: other[field] }
      const same = Buffer.from(String(one[field])).equals(Buffer.from(String(other[field])))
      for (const prove of [inviterProof, guestProof]) {
        expect(sameProof(prove(key, one), prove(key, changed))).toBe(same)
        expect(sameProof(prove(key, one), prove(key.map((byte) => byte ^ 1), one))).toBe(false)
      }
      expect(sameProof(inviterProof(key, one), guestProof(key, one))).toBe(false)
      const swapped = { ...one, inviter: one.guest, guest: one.inviter, inviterNonce: one.guestNonce, guestNonce: one.inviterNonce }
      expect(sameProof(inviterProof(key, one), guestProof(key, swapped))).toBe(false)
    }))
  })

  it('of a wrong length are none, and parts of a wrong length prove nothing', () => {
    const proof = guestProof(secret, known)
    expect(sameProof(proof, proof.slice())).toBe(true)
    expect(sameProof(proof, proof.subarray(1))).toBe(false)
    expect(sameProof(new Uint8Array(), new Uint8Array())).toBe(false)
    expect(() => guestProof(secret.subarray(1), known)).toThrow(RangeError)
    expect(() => guestProof(secret, { ...known, jti: new Uint8Array(17) })).toThrow(RangeError)
    expect(() => guestProof(secret, { ...known, guestNonce: new Uint8Array(31) })).toThrow(RangeError)
    expect(() => guestProof(secret, { ...known, guest: 'nobody' })).toThrow(RangeError)
  })
})
