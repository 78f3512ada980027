/**
 * Everything that reads bytes from peers, with bytes that no honest peer sends
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { FrameScanner } from '../../src/network/host/gossip-meter.ts'
import { strangeness } from '../../src/network/signed/header-fields.ts'
import { encodeSigned, matchesPayload, readHeader, readUpdate, signHeader, verifyHeader } from '../../src/network/signed/update-header.ts'
import { FederationResponse } from '../../src/network/wire/federation.ts'
import { UpdateHeader, UpdateRequest, UpdateResponse } from '../../src/network/wire/update.ts'
import { bytes } from '../../src/contracts/helpers.ts'
import { FEDERATION } from './nodes.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'

const LIMITS = { maxMessageBytes: 70_000, maxPayloadBytes: 1_000_000 }
const payload = bytes(200)
let signed: SignedHeader
let message: Uint8Array

beforeAll(async () => {
  const key = await generateKeyPair('Ed25519')
  signed = await signHeader(key, { federation: FEDERATION, round: 7, sequence: 9, codec: 'int8', degree: 4 }, payload)
  message = encodeSigned(signed, payload)
})

describe('reading updates', () => {
  it('gets back what was signed', async () => {
    const read = readUpdate(message, LIMITS)
    if (typeof read === 'string') {
      throw new TypeError(read)
    }
    expect(read.signed).toMatchObject({ id: signed.id, author: signed.author, header: { round: 7, sequence: 9, codec: 'int8', degree: 4, payloadBytes: 200 } })
    expect(await verifyHeader(read.signed)).toBe(true)
    expect(matchesPayload(read.signed, read.payload!)).toBe(true)
  })

  it('answers any bytes with a reason or an update, never with an exception', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (data) => {
      const read = readUpdate(data, LIMITS)
      expect(typeof read === 'string' ? ['malformed', 'oversized'] : [read]).toContain(read)
    }))
  })

  it('accepts no message that differs from the signed one', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (position, mask) => {
      const changed = Uint8Array.from(message)
      changed[position % changed.byteLength]! ^= mask
      const read = readUpdate(changed, LIMITS)
      if (typeof read === 'string') {
        return
      }
      const isGenuine = await verifyHeader(read.signed) && read.payload !== undefined && matchesPayload(read.signed, read.payload)
      // a change outside of header, signature and payload is one that decoders skip: the content is the signed one
      expect(!isGenuine || (read.signed.id === signed.id && Buffer.from(payload).equals(read.payload!))).toBe(true)
    }), { numRuns: 500 })
  })

  it('accepts no truncated message', () => {
    for (let length = 0; length < message.byteLength; length++) {
      const read = readUpdate(message.subarray(0, length), LIMITS)
      expect(typeof read === 'string' || read.payload === undefined).toBe(true)
    }
  })

  it('keeps every field of a header in its bounds', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 1_100 }), (header) => {
      const read = readHeader(header, new Uint8Array(64))
      expect(read === undefined || (Number.isSafeInteger(read.header.round) && read.header.round >= 1 && read.header.codec.length <= 32)).toBe(true)
    }))
    expect(readHeader(new Uint8Array(1_025), new Uint8Array(64))).toBeUndefined()
    expect(readHeader(signed.bytes, new Uint8Array(63))).toBeUndefined()
  })

  it('takes nothing but a whole model for everybody under the document in force for one', () => {
    const strange = (fields: Partial<UpdateHeader>): string | undefined => {
      const read = readHeader(UpdateHeader.encode({ ...signed.header, ...fields }), signed.signature)
      return read === undefined ? 'malformed' : strangeness(read.header, { epoch: 0 })
    }
    expect(strange({})).toBeUndefined()
    for (const later of [{ version: 3 }, { kind: 2 }, { kind: 2 ** 31 }, { step: 1 }, { vector: 1 }, { receiver: signed.header.author }]) {
      expect(strange(later), JSON.stringify(later)).toBe('unsupported')
    }
    expect(strange({ epoch: 1 })).toBe('wrong-epoch')
    const wrong: Array<Partial<UpdateHeader>> = [
      { version: 0 }, { version: 1 }, { kind: 0 }, { receiver: Uint8Array.of(1) }, { stream: 0 }, { stream: 10 }, { streamVersion: 0 },
      { streamVersion: 2 }, { previousHash: new Uint8Array(32) }, { stream: 8 }, { stream: 8, streamVersion: 2 },
      { stream: 8, streamVersion: 1, previousHash: new Uint8Array(32) }, { version: 3, round: 0 }
    ]
    for (const fields of wrong) {
      expect(strange(fields), JSON.stringify(fields)).toBe('malformed')
    }
    expect(strange({ stream: 8, streamVersion: 2, previousHash: new Uint8Array(32) })).toBeUndefined()
    // a later version may count its streams in another way
    expect(strange({ version: 3, stream: 0, kind: 0 })).toBe('unsupported')
  })

  it('decodes requests and responses without allocating what they announce', () => {
    const before = process.memoryUsage().arrayBuffers
    for (const codec of [UpdateRequest, UpdateResponse, FederationResponse]) {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (data) => {
        try {
          codec.decode(data)
        } catch (err) {
          expect(err).toBeInstanceOf(Error)
        }
      }))
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
  })
})

describe('the scanner of gossip frames', () => {
  /** Length prefix and content */
  const frame = (content: Uint8Array): Uint8Array => {
    const prefix: number[] = []
    let { byteLength } = content
    for (; byteLength > 127; byteLength >>>= 7) {
      prefix.push(byteLength & 127 | 128)
    }
    return Buffer.concat([Uint8Array.of(...prefix, byteLength), content])
  }
  /** An RPC with one field of each of these lengths */
  const rpc = (lengths: number[]): Uint8Array => Buffer.concat(lengths.map((length, index) => Buffer.concat([Uint8Array.of((index % 3 + 1) << 3 | 2), frame(new Uint8Array(length).fill(0xff))])))

  it('finds all frames, in whatever pieces they arrive, and calls none of them malformed', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.nat(400), { maxLength: 4 }), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (frames, cuts) => {
      const stream = Buffer.concat(frames.map((lengths) => frame(rpc(lengths))))
      const scanner = new FrameScanner()
      for (let offset = 0, i = 0; offset < stream.byteLength; i++) {
        const size = cuts[i % cuts.length]!
        scanner.push(stream.subarray(offset, offset + size))
        offset += size
      }
      expect(scanner).toMatchObject({ frames: frames.length, fields: frames.flat().length, malformed: 0, oversized: false })
    }))
  })

  it('stays in step after a malformed frame', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (garbage) => {
      const scanner = new FrameScanner()
      scanner.push(Buffer.concat([frame(garbage), frame(rpc([5, 6])), frame(garbage)]))
      expect(scanner.frames).toBe(3)
      expect([0, 2]).toContain(scanner.malformed)
    }))
  })

  it('calls most random frames malformed', () => {
    const scanner = new FrameScanner()
    for (let i = 0; i < 200; i++) {
      scanner.push(frame(bytes(2_000, i + 1)))
    }
    expect(scanner.malformed).toBeGreaterThan(150)
  })

  it('gives up at a frame beyond the limit', () => {
    const scanner = new FrameScanner()
    scanner.push(Uint8Array.of(0xff, 0xff, 0xff, 0x7f))
    expect(scanner.oversized).toBe(true)
    const endless = new FrameScanner()
    endless.push(new Uint8Array(10).fill(0xff))
    expect(endless.oversized).toBe(true)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 500 })), (pieces) => {
      const scanner = new FrameScanner()
      pieces.forEach((piece) => { scanner.push(piece) })
      expect(scanner.malformed).toBeLessThanOrEqual(scanner.frames)
    }))
  })
})
