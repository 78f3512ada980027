import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import { InvitationError } from '../../src/errors.ts'
import { peerKey } from '../../src/governance/peer-key.ts'
import { decodeToken, encodeToken } from '../../src/governance/token.ts'
import { DAY_MS, NOW, people } from './people.ts'
import type { InvitationToken } from '../../src/governance/governance-interface.ts'

const FEDERATION = `bafyrei${'a'.repeat(52)}`
const [inviter, stranger] = people(2)

const token: InvitationToken = {
  federation: FEDERATION,
  inviter: inviter!.peer,
  jti: new Uint8Array(16).fill(7),
  secret: new Uint8Array(32).fill(9),
  addresses: [`/ip4/192.0.2.17/tcp/4001/p2p/${inviter!.peer}`, `/dns4/clinic-a.example.org/tcp/443/p2p/${inviter!.peer}`],
  issuedAt: NOW,
  expiresAt: NOW + 7 * DAY_MS,
  approve: false,
  name: 'clinic-b'
}

function failure (text: string, nowMs = NOW): InvitationError {
  try {
    decodeToken(text, nowMs)
  } catch (err) {
    expect(err).toBeInstanceOf(InvitationError)
    expect((err as Error).message).toMatch(/^[^\r\n]{20,400}$/)
    return err as InvitationError
  }
  throw new Error('it was accepted')
}

/** As a program that lies would put it together: the checksum is right */
function textOf (payload: Uint8Array, signature: Uint8Array): string {
  const body = Buffer.concat([payload, signature]).toString('base64url')
  return `gv1_${body}${createHash('sha256').update('grapevine/invitation/2\n').update(body).digest('base64url').slice(0, 4)}`
}

const wire = {
  federation: FEDERATION, inviter: peerKey(inviter!.peer), jti: token.jti, secret: token.secret, addresses: ['/ip4/192.0.2.17/tcp/4001'], issuedAt: NOW, expiresAt: NOW + DAY_MS, approve: true
}

async function forged (change: object, signer = inviter!): Promise<string> {
  const payload = encode(Object.values({ ...wire, ...change }))
  return textOf(payload, await signer.sign(Buffer.concat([Buffer.from('grapevine/invitation/2\n'), payload])))
}

describe('an invitation as text', () => {
  let text: string

  beforeAll(async () => {
    text = await encodeToken(inviter!, token)
  })

  it('says what was put in, in some 400 characters', () => {
    expect(decodeToken(text, NOW)).toEqual(token)
    expect(text).toMatch(/^gv1_[\w-]{330,430}$/)
  })

  it('may be broken over lines', () => {
    expect(decodeToken(` ${text.replace(/.{60}/g, '$&\r\n\t ')}\n`, NOW)).toEqual(token)
  })

  it('is told from one with a character lost, changed, doubled or swapped', () => {
    const places = fc.integer({ min: 4, max: text.length - 2 })
    fc.assert(fc.property(places, fc.constantFrom(...'Aaz9-_.='), (place, character) => {
      const others = [
        text.slice(0, place) + text.slice(place + 1),
        text.slice(0, place) + character + text.slice(place + 1),
        text.slice(0, place) + text[place]! + text.slice(place),
        text.slice(0, place) + text[place + 1]! + text[place]! + text.slice(place + 2),
        text.slice(0, place)
      ]
      for (const other of others.filter((one) => one !== text)) {
        expect(failure(other).reason).toBe('checksum')
      }
    }))
  })

  it('is none: other text, of another version, too long', () => {
    for (const other of ['', 'gv', '/ip4/192.0.2.17/tcp/4001', 'x'.repeat(100_000), text.slice(1), `gv2_${text.slice(4)}`]) {
      expect(failure(other).reason).toBe('malformed')
    }
    expect(failure(`gv2_${text.slice(4)}`).message).toContain('gv2_')
  })

  it('expires, and says when', () => {
    expect(decodeToken(text, token.expiresAt)).toEqual(token)
    const error = failure(text, token.expiresAt + 1)
    expect(error.reason).toBe('expired')
    expect(error.message).toContain('2026-12-08T')
  })

  it('finds a clock that is behind, and says both times', () => {
    expect(decodeToken(text, NOW - 600_000)).toEqual(token)
    const error = failure(text, NOW - 600_001 - DAY_MS)
    expect(error.reason).toBe('clock')
    expect(error.message).toMatch(/2026-12-01T.*2026-11-29T/)
  })

  it('signed by another, or changed under a right checksum, is forged', async () => {
    expect(failure(await forged({}, stranger)).reason).toBe('signature')
    const payload = encode(Object.values({ ...wire, approve: false }))
    const signature = await inviter!.sign(Buffer.concat([Buffer.from('grapevine/invitation/2\n'), encode(Object.values(wire))]))
    expect(failure(textOf(payload, signature)).reason).toBe('signature')
    // the same signature, over the payload without the domain
    expect(failure(textOf(encode(Object.values(wire)), await inviter!.sign(encode(Object.values(wire))))).reason).toBe('signature')
  })

  it('is malformed with a field too much, too little or out of range, however right the signature', async () => {
    expect(decodeToken(await forged({}), NOW).approve).toBe(true)
    const changes = [
      { name: 'a', more: 1 }, { jti: token.secret }, { secret: token.jti }, { secret: 'text' }, { addresses: [] }, { addresses: Array.from({ length: 5 }, () => '/ip4/192.0.2.17/tcp/4001') },
      { addresses: ['ip4'] }, { addresses: ['/ip4/1 2'] }, { addresses: ['/a\u202eb'] }, { addresses: [`/dns4/${'a'.repeat(300)}`] }, { expiresAt: NOW }, { expiresAt: 1e17 }, { issuedAt: -1 }, { approve: 1 },
      { name: '' }, { name: 'a\nb' }, { name: 'a'.repeat(65) }, { federation: '' }, { federation: 'f'.repeat(129) }, { inviter: token.jti }, { name: null }
    ]
    for (const change of changes) {
      expect(failure(await forged(change)).reason, JSON.stringify(change)).toBe('malformed')
    }
  })

  it('never fails with anything but an InvitationError', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 600 }).map((bytes) => textOf(bytes, new Uint8Array(64)))), (other) => {
      failure(other)
    }))
  })

  it('is not made with addresses of another peer, another signer or no life', async () => {
    await expect(encodeToken(inviter!, { ...token, addresses: [`/ip4/192.0.2.17/tcp/4001/p2p/${stranger!.peer}`] })).rejects.toThrow(RangeError)
    await expect(encodeToken(inviter!, { ...token, addresses: [] })).rejects.toThrow(RangeError)
    await expect(encodeToken(stranger!, token)).rejects.toThrow(RangeError)
    await expect(encodeToken(inviter!, { ...token, expiresAt: NOW })).rejects.toThrow(RangeError)
    await expect(encodeToken(inviter!, { ...token, name: 'clinic\u0007' })).rejects.toThrow(RangeError)
  })
})
