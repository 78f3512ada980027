/**
 * The chain of an author's updates: what it proves, what it leaves open, and how a new life begins
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { AuthorLog } from '../../src/network/signed/author-log.ts'
import { contradict, proofOf, readProof, toWire } from '../../src/network/signed/equivocation.ts'
import { strangeness } from '../../src/network/signed/header-fields.ts'
import { OwnUpdates } from '../../src/network/updates/own-updates.ts'
import { encodeSigned, readUpdate, sha256, signFields, signHeader, verifyHeader } from '../../src/network/signed/update-header.ts'
import { SignedUpdate, UpdateHeader } from '../../src/network/wire/update.ts'
import type { HeaderFields, SignedHeader } from '../../src/network/signed/update-header.ts'

const FEDERATION = 'bafyreigrapevinetestfederation'
const LIMITS = { maxMessageBytes: Infinity, maxPayloadBytes: 1_000 }
const key = await generateKeyPair('Ed25519')
const self = peerIdFromPrivateKey(key).toString()

async function sign (round: number, fields: Partial<HeaderFields> = {}, payload = Uint8Array.of(round)): Promise<SignedHeader> {
  return signHeader(key, { federation: FEDERATION, round, sequence: round, codec: 'int8', degree: 2, ...fields }, payload)
}

/** What a node makes of these headers, one after another */
function verdicts (headers: readonly SignedHeader[], log = new AuthorLog()): string[] {
  return headers.map((header) => {
    const verdict = log.judge(header)
    if (verdict === 'new') {
      log.record(header)
    }
    return verdict
  })
}

describe('a stream', () => {
  it('begins at the sequence of its first update, and each one names the one before', async () => {
    const first = await sign(3)
    const second = await sign(4, { follows: first })
    const third = await sign(6, { follows: second })
    expect(first.header).toMatchObject({ stream: 3, streamVersion: 1, previousHash: new Uint8Array(0) })
    expect(third.header).toMatchObject({ stream: 3, streamVersion: 3, previousHash: Uint8Array.from(Buffer.from(second.id, 'hex')) })
    expect(verdicts([first, second, third])).toEqual(['new', 'new', 'new'])
  })

  it('may be joined in the middle, and updates of it may be missed or come late', async () => {
    const first = await sign(1)
    const second = await sign(2, { follows: first })
    const third = await sign(3, { follows: second })
    expect(verdicts([second, third])).toEqual(['new', 'new'])
    expect(verdicts([first, third, second])).toEqual(['new', 'new', 'late'])
  })

  it('that forks convicts its author, also where no two updates are of one round', async () => {
    const first = await sign(1)
    const [one, other] = [await sign(2, { follows: first }), await sign(3, { follows: first })]
    // the same place in the stream twice
    expect(verdicts([first, one, other])).toEqual(['new', 'new', 'equivocation'])
    // on what was never shown
    const hidden = await sign(2, { follows: first, sequence: 2 }, Uint8Array.of(77))
    expect(verdicts([first, one, await sign(4, { follows: hidden })])).toEqual(['new', 'new', 'equivocation'])
    // upwards in the stream, downwards in time
    const backwards = await sign(3, { follows: one, sequence: 3 })
    const later = await sign(4, { follows: one, sequence: 9 })
    expect(contradict(later, { ...backwards, header: { ...backwards.header, streamVersion: 4 } })).toBe(true)
  })

  it('is proved to have forked by two headers, to anyone', async () => {
    const first = await sign(1)
    const [one, other] = [await sign(2, { follows: first }), await sign(5, { follows: first })]
    const read = readProof(toWire(proofOf(one, other)), FEDERATION)
    expect(read).toMatchObject({ proof: { author: self, round: 2 } })
    expect(typeof read === 'object' && read.verify()).toBe(true)
    // successor and predecessor agree: no proof
    expect(readProof(toWire(proofOf(first, one)), FEDERATION)).toBeUndefined()
    expect(readProof(toWire(proofOf(one, other)), 'another')).toBeUndefined()
  })

  it('ends where the next one begins: an update of an old one is a replay, which blames nobody', async () => {
    const first = await sign(1)
    const again = await sign(5)
    expect(verdicts([first, again, await sign(6, { follows: first })])).toEqual(['new', 'new', 'replay'])
  })
})

describe('one round', () => {
  it('may have an update for each step and receiver, and no two for one', async () => {
    const whole = await sign(7)
    const others = await Promise.all([1, 2].map(async () => generateKeyPair('Ed25519')))
    const [alice, bob] = others.map((other) => Uint8Array.from(peerIdFromPrivateKey(other).toMultihash().bytes))
    const addressed = async (fields: Partial<UpdateHeader>, sequence: number): Promise<SignedHeader> =>
      signFields(key, { ...whole.header, sequence, stream: sequence, ...fields })
    const toAlice = await addressed({ receiver: alice! }, 8)
    expect(contradict(toAlice, await addressed({ receiver: bob! }, 9))).toBe(false)
    expect(contradict(toAlice, await addressed({ receiver: alice!, step: 1 }, 9))).toBe(false)
    expect(contradict(toAlice, whole)).toBe(false)
    expect(contradict(toAlice, await addressed({ receiver: alice! }, 9))).toBe(true)
    // whichever vector it says
    expect(contradict(whole, await addressed({ vector: 1 }, 9))).toBe(true)
  })

  it('is another one in another federation, of another author and in another incarnation', async () => {
    const one = await sign(7)
    expect(contradict(one, await sign(7, { sequence: 8 }))).toBe(true)
    expect(contradict(one, await sign(7, { sequence: 8, federation: 'another' }))).toBe(false)
    expect(contradict(one, await sign(7, { sequence: 8, incarnation: 1 }))).toBe(false)
    expect(contradict(one, one)).toBe(false)
  })

  it('is left open by a proof of a later version', async () => {
    const one = await sign(7)
    const later = await signFields(key, { ...one.header, version: 3, sequence: 8 })
    expect(readProof(toWire(proofOf(one, later)), FEDERATION)).toBe('unknown')
  })
})

describe('several vectors', () => {
  it('are left alone by whoever has another number of them, whatever their size, and blame nobody', async () => {
    const large = new Uint8Array(LIMITS.maxPayloadBytes + 1)
    const two = await sign(1, { vectors: 2 }, large)
    expect(two.header.vector).toBe(1)
    const read = readUpdate(encodeSigned(two, large), LIMITS)
    expect(typeof read).toBe('object')
    expect(strangeness(two.header, { epoch: 0 })).toBe('unsupported')
    expect(strangeness(two.header, { epoch: 0, vectors: 2 })).toBeUndefined()
    expect(strangeness((await sign(1)).header, { epoch: 0, vectors: 2 })).toBe('unsupported')
    // of one's own kind, too long is too long
    expect(readUpdate(encodeSigned(two, large), { ...LIMITS, vectors: 2 })).toBe('oversized')
  })
})

describe('a new incarnation', () => {
  it('is left to a later version: it would be a way to sign two models for one round', async () => {
    const [one, other] = [await sign(7, { incarnation: 2 }), await sign(7, { sequence: 8, incarnation: 3 })]
    expect([one, other].map(({ header }) => strangeness(header, { epoch: 0 }))).toEqual(['unsupported', 'unsupported'])
    expect(strangeness((await sign(7)).header, { epoch: 0 })).toBeUndefined()
  })
})

describe('own updates', () => {
  const stored: { message?: Uint8Array } = {}
  async function begun (keep = true): Promise<{ own: OwnUpdates, held: SignedHeader[], errors: unknown[] }> {
    const held: SignedHeader[] = []
    const errors: unknown[] = []
    const own = new OwnUpdates({
      cache: { put: ({ signed }) => { held.push(signed) } },
      logger: Object.assign(() => {}, { trace: () => {}, error: (message: unknown) => { errors.push(message) } }) as never,
      privateKey: key,
      store: { putPublished: async (message) => { stored.message = message }, getPublished: async () => stored.message }
    }, { federation: FEDERATION, epoch: 0, self, maxPayloadBytes: 100, keep })
    await own.load()
    return { own, held, errors }
  }
  const update = (round: number): Parameters<OwnUpdates['sign']>[0] => ({ round, sequence: round, codec: 'int8', degree: 2, payload: Uint8Array.of(round) })

  it('are one stream for each run: what a restored backup would go on from may not be the newest', async () => {
    const first = await begun()
    await first.own.sign(update(1))
    const second = await first.own.sign(update(2))
    expect(second.header).toMatchObject({ stream: 1, streamVersion: 2 })
    const again = await begun()
    expect(again.held.map(({ id }) => id)).toEqual([second.id])
    expect((await again.own.sign(update(3))).header).toMatchObject({ stream: 3, streamVersion: 1 })
  })

  /** As version 0.1 wrote it: protobuf fields 1 to 12, under the domain of protocol 1 */
  async function publishedByVersion1 (fields: Partial<UpdateHeader> = {}): Promise<Uint8Array> {
    const payload = Uint8Array.of(4, 5, 6)
    const header = UpdateHeader.encode({
      version: 1,
      federation: FEDERATION,
      author: Uint8Array.from(peerIdFromPrivateKey(key).toMultihash().bytes),
      round: 41,
      sequence: 42,
      previousHash: new Uint8Array(32),
      payloadHash: Uint8Array.from(sha256(payload)),
      payloadBytes: 3,
      kind: 1,
      codec: 'int8',
      degree: 2,
      ...fields
    })
    const signature = Uint8Array.from(await key.sign(Buffer.concat([Buffer.from('grapevine update header 1\n'), header])))
    return SignedUpdate.encode({ header, signature, payload })
  }

  it('of version 0.1 are handed on under the signature of today: the same bytes for the same round', async () => {
    stored.message = await publishedByVersion1()
    const { held, errors, own } = await begun()
    expect(errors).toEqual([])
    // not before others were asked: a restored home may hold an older one than it signed
    await own.learn({ answers: 0 })
    expect(held).toEqual([])
    await own.learn({ answers: 2 })
    expect(held).toHaveLength(1)
    expect(held[0]!.header).toMatchObject({ version: 2, round: 41, sequence: 42, stream: 42, streamVersion: 1, codec: 'int8' })
    const read = readUpdate(stored.message, LIMITS)
    expect(typeof read === 'object' && [...read.payload!]).toEqual([4, 5, 6])
    expect(await verifyHeader(held[0]!)).toBe(true)
    // the next start finds what this one wrote
    expect((await begun()).held[0]!.id).toBe(held[0]!.id)
  })

  it('of version 0.1 are signed no more where others know of a later one, or this run published', async () => {
    const message = await publishedByVersion1()
    stored.message = message
    const restored = await begun()
    await restored.own.learn({ answers: 1, newest: { round: 60, sequence: 60 } })
    await restored.own.learn({ answers: 1 })
    expect(restored.held).toEqual([])
    expect(stored.message).toBe(message)
    const going = await begun()
    await going.own.sign(update(50))
    await going.own.learn({ answers: 1 })
    expect(going.held.map(({ header }) => header.round)).toEqual([50])
  })

  it('of version 0.1 that are forged, of another federation or damaged are reported, and left', async () => {
    const genuine = await publishedByVersion1()
    const { header, payload } = SignedUpdate.decode(genuine)
    const bad = [
      SignedUpdate.encode({ header, signature: new Uint8Array(64), payload: payload! }),
      SignedUpdate.encode({ header, signature: new Uint8Array(0), payload: payload! }),
      encodeSigned({ ...await sign(1), bytes: header }),
      await publishedByVersion1({ federation: 'another' }),
      await publishedByVersion1({ payloadHash: new Uint8Array(32) }),
      genuine.subarray(0, 40)
    ]
    for (const message of bad) {
      stored.message = message
      const { own, held, errors } = await begun()
      await own.learn({ answers: 1 })
      expect([held.length, errors.length]).toEqual([0, 1])
      expect(stored.message).toBe(message)
    }
  })
})
