import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { decode, encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBoundedCbor } from '../../src/governance/cbor-bounds.ts'
import { MAX_RECORD_BYTES } from '../../src/governance/governance-interface.ts'
import { peerKey, peerName } from '../../src/governance/peer-key.ts'
import { actIdOf, makeBallot, makeDecision, readRecord, signStatement, sortedVoters, statementId, verifyStatement } from '../../src/governance/statements.ts'
import { certify, endorse, FEDERATION, NOW, people, votersOf, votingKeyOf } from './people.ts'
import type { Act, Statement, StatementBody } from '../../src/governance/governance-interface.ts'

const [anna, ben, carl] = people(3)
const voters = people(64, 200)
const common = { federation: FEDERATION }
const appoint: Act = { do: 'appoint', peer: voters[0]!.peer, voters: sortedVoters(votersOf(voters)) }

const BODIES: StatementBody[] = [
  { kind: 'certificate', ...common, peer: ben!.peer, number: 1, issuedAt: NOW, expiresAt: NOW + 1, name: 'Clinic B-2' },
  { kind: 'certificate', ...common, peer: ben!.peer, number: 4_096, issuedAt: 0, expiresAt: 8_640_000_000_000_000 },
  { kind: 'request', ...common, at: NOW },
  { kind: 'endorsement', ...common, epoch: 0, at: NOW, act: { do: 'admit', peer: ben!.peer, name: 'ben', departure: 3 } },
  { kind: 'endorsement', ...common, epoch: 0x7fffffff, at: NOW, act: { do: 'revoke', peer: ben!.peer, lastSequence: 0, reason: 'its key was stolen' } },
  { kind: 'endorsement', ...common, epoch: 1, at: NOW, act: appoint },
  { kind: 'endorsement', ...common, epoch: 1, at: NOW, act: { do: 'raise-limit', peer: ben!.peer, guests: 9 } },
  { kind: 'objection', ...common, epoch: 1, at: NOW, actId: 'ab'.repeat(32) },
  { kind: 'voting-key', ...common, epoch: 1, votingKey: votingKeyOf(7) },
  { kind: 'departure', ...common, at: NOW, slot: 2 }
]

/** What the bytes say, with one change, again as bytes */
function changed (bytes: Uint8Array, change: (value: Record<string, never>) => void): Uint8Array {
  const value = decode<Record<string, never>>(bytes)
  change(value)
  return encode(value)
}

describe('statements', () => {
  it('are read as they were written, verify, and have an id without the signature', async () => {
    for (const body of BODIES) {
      const statement = await signStatement(anna!, body)
      const read = readRecord(statement.bytes) as Statement
      expect(read).toEqual(statement)
      expect(read.body).toEqual(body)
      expect(verifyStatement(statement) && verifyStatement(read)).toBe(true)
      const resigned = readRecord(changed(statement.bytes, (value) => { value.signature = new Uint8Array(64) as never })) as Statement
      expect([resigned.id, verifyStatement(resigned)]).toEqual([statement.id, false])
      expect(statementId(statement)).toBe(statement.id)
    }
    expect(new Set(await Promise.all(BODIES.map(async (body) => (await signStatement(anna!, body)).id))).size).toBe(BODIES.length)
  })

  it('are signed as libp2p signs, by the key inside the peer id', async () => {
    const key = await generateKeyPair('Ed25519')
    const peer = peerIdFromPrivateKey(key).toString()
    expect(peerName(peerKey(peer))).toBe(peer)
    expect(peerKey(peer)).toEqual(new Uint8Array(key.publicKey.raw))
    expect(verifyStatement(await signStatement({ peer, sign: (bytes) => key.sign(bytes) }, BODIES[0]!))).toBe(true)
    expect(verifyStatement(await signStatement({ peer: anna!.peer, sign: (bytes) => key.sign(bytes) }, BODIES[0]!))).toBe(false)
  })

  it('put together elsewhere verify only as what their bytes say', async () => {
    const statement = await certify(anna!, ben!, 1)
    expect(verifyStatement({ ...statement })).toBe(true)
    expect(verifyStatement({ ...statement, body: { ...statement.body, number: 2 } })).toBe(false)
    expect(verifyStatement({ ...statement, author: carl!.peer })).toBe(false)
    expect(verifyStatement({ ...statement, bytes: new Uint8Array(3) })).toBe(false)
    expect(verifyStatement({ ...statement, body: { kind: 'nonsense' } as never })).toBe(false)
  })

  it('are not made of what nobody would read', async () => {
    const wrong: object[] = [
      { ...BODIES[0], number: 0 }, { ...BODIES[0], number: 4_097 }, { ...BODIES[0], number: 1.5 }, { ...BODIES[0], peer: 'ben' }, { ...BODIES[0], name: '' }, { ...BODIES[0], name: 'a'.repeat(65) },
      { ...BODIES[0], name: 'x\u001b[2J' }, { ...BODIES[0], federation: 'two words' }, { ...BODIES[2], at: -1 }, { ...BODIES[2], at: Number.NaN }, { ...BODIES[7], actId: 'ab' },
      { kind: 'coup', ...common }, { ...BODIES[3], act: { do: 'admit', peer: 'ben' } }, { ...BODIES[4], act: { do: 'revoke', peer: ben!.peer, lastSequence: 1, reason: 'a\u202eb' } },
      { ...BODIES[5], act: { ...appoint, voters: (appoint as { voters: unknown[] }).voters.toReversed() } }, { ...BODIES[5], act: { ...appoint, voters: [] } }
    ]
    for (const body of wrong) {
      await expect(signStatement(anna!, body as StatementBody), JSON.stringify(body).slice(0, 200)).rejects.toThrow(RangeError)
    }
  })

  it('have one spelling: with a field too much, too little or of another kind they are none', async () => {
    const { bytes } = await certify(anna!, ben!, 1)
    const changes: Array<(value: never) => void> = [
      (value: { more: number }) => { value.more = 1 }, (value: { signature?: number }) => { delete value.signature }, (value: { type: string }) => { value.type = 'decision' },
      (value: { body: { number: unknown } }) => { value.body.number = 1.5 }, (value: { body: { number: unknown } }) => { value.body.number = 2n ** 60n }, (value: { body: { number: unknown } }) => { value.body.number = [1] },
      (value: { body: { name: unknown } }) => { value.body.name = null }, (value: { body: { peer: unknown } }) => { value.body.peer = new Uint8Array(33) }, (value: { author: unknown }) => { value.author = 'text' },
      (value: { body: { kind: string } }) => { value.body.kind = 'toString' }, (value: { body: unknown }) => { value.body = [] }, (value: { signature: unknown }) => { value.signature = new Uint8Array(63) }
    ]
    expect(readRecord(changed(bytes, () => {}))?.type).toBe('statement')
    for (const change of changes) {
      expect(readRecord(changed(bytes, change as never)), String(change)).toBeUndefined()
    }
    // the same value with a map's length written in two bytes, with a byte after it, and cut
    expect(readRecord(Uint8Array.of(0xb8, bytes[0]! & 0x1f, ...bytes.subarray(1)))).toBeUndefined()
    expect(readRecord(Uint8Array.of(...bytes, 0))).toBeUndefined()
    expect(readRecord(bytes.subarray(0, -1))).toBeUndefined()
  })

  it('never throws on what a stranger sent, nested, huge or random', () => {
    const nested = new Uint8Array(60_000).fill(0x81)
    expect(readRecord(nested)).toBeUndefined()
    expect(readRecord(new Uint8Array(MAX_RECORD_BYTES + 1))).toBeUndefined()
    expect(readRecord(Uint8Array.of(0xa1, 0x69, ...Buffer.from('__proto__'), 0xa0))).toBeUndefined()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(readRecord(bytes)).toBeUndefined()
    }), { numRuns: 2_000 })
  })
})

describe('bounds of CBOR', () => {
  const plain = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.uint8Array(), fc.boolean(), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'), tie('value'), { maxKeys: 4 }))
  })).value

  it('take what is plain and small, and nothing that ends elsewhere', () => {
    fc.assert(fc.property(plain, (value) => {
      const bytes = encode(value)
      expect(isBoundedCbor(bytes, { maxDepth: 8, maxValues: 10_000 })).toBe(true)
      expect(isBoundedCbor(Uint8Array.of(...bytes, 0), { maxDepth: 8, maxValues: 10_000 })).toBe(false)
      expect(isBoundedCbor(bytes.subarray(0, -1), { maxDepth: 8, maxValues: 10_000 })).toBe(false)
    }))
  })

  it('count depth and values', () => {
    expect(isBoundedCbor(encode([[[1]]]), { maxDepth: 3, maxValues: 4 })).toBe(true)
    expect(isBoundedCbor(encode([[[1]]]), { maxDepth: 2, maxValues: 4 })).toBe(false)
    expect(isBoundedCbor(encode([[[1]]]), { maxDepth: 3, maxValues: 3 })).toBe(false)
    expect(isBoundedCbor(Uint8Array.of(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), { maxDepth: 3, maxValues: 9 })).toBe(false)
    for (const refused of [[0x9f, 0xff], [0xd8, 0x2a, 0x41, 0], [0xf6], [0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], [0x5f, 0xff], []]) {
      expect(isBoundedCbor(Uint8Array.from(refused), { maxDepth: 3, maxValues: 9 })).toBe(false)
    }
  })
})

describe('acts, decisions and ballots', () => {
  const act: Act = { do: 'admit', peer: carl!.peer }

  it('of an act have one id, whoever endorses it, and another in another epoch or federation', async () => {
    const ids = [actIdOf(FEDERATION, 0, act), actIdOf(FEDERATION, 1, act), actIdOf('other', 0, act), actIdOf(FEDERATION, 0, { ...act, name: 'carl' }), actIdOf(FEDERATION, 0, { do: 'raise-limit', peer: carl!.peer, guests: 9 })]
    expect(new Set(ids).size).toBe(ids.length)
    expect(actIdOf(FEDERATION, 0, { peer: carl!.peer, do: 'admit' })).toBe(ids[0])
  })

  it('of a decision are read as made, with endorsements that verify, and one id whatever the proof', async () => {
    const all = await Promise.all([anna!, ben!, carl!].map(async (voter) => endorse(voter, act)))
    const init = { federation: FEDERATION, epoch: 0, slot: 4, act, certificate: Uint8Array.of(1) }
    const decision = makeDecision({ ...init, endorsements: all })
    const read = readRecord(decision.bytes)
    expect(read).toEqual(decision)
    expect(read?.type === 'decision' && read.endorsements.every(verifyStatement)).toBe(true)
    expect(makeDecision({ ...init, endorsements: all.toReversed() }).bytes).toEqual(decision.bytes)
    const other = makeDecision({ ...init, endorsements: all.slice(1), certificate: Uint8Array.of(2) })
    expect([other.id, other.bytes.byteLength < decision.bytes.byteLength]).toEqual([decision.id, true])
    expect(makeDecision({ ...init, slot: 5, endorsements: all }).id).not.toBe(decision.id)
    expect(() => makeDecision({ ...init, epoch: 1, endorsements: all })).toThrow(RangeError)
    expect(() => makeDecision({ ...init, act: { ...act, name: 'carl' }, endorsements: all })).toThrow(RangeError)
    expect(() => makeDecision({ ...init, endorsements: [] })).toThrow(RangeError)
  })

  it('the largest decision fits twice into a record', async () => {
    const endorsements = await Promise.all(voters.map(async (voter) => endorse(voter, appoint)))
    const { bytes } = makeDecision({ federation: FEDERATION, epoch: 0, slot: 0, act: appoint, endorsements, certificate: Uint8Array.of(1) })
    // beside a certificate of 43 votes
    expect(bytes.byteLength + 43 * 80).toBeLessThan(MAX_RECORD_BYTES / 2)
    expect(readRecord(bytes)?.type).toBe('decision')
  })

  it('of a ballot are read as made', () => {
    const ballot = makeBallot({ epoch: 1, slot: 2, message: Uint8Array.of(1, 2, 3) })
    expect(readRecord(ballot.bytes)).toEqual(ballot)
    expect(makeBallot({ epoch: 1, slot: 3, message: ballot.message }).id).not.toBe(ballot.id)
    expect(() => makeBallot({ epoch: 1, slot: 2, message: new Uint8Array(49_153) })).toThrow(RangeError)
    expect(() => makeBallot({ epoch: -1, slot: 2, message: Uint8Array.of(1) })).toThrow(RangeError)
  })
})
