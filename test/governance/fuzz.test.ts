/**
 * Records that are well made and rightly signed, with one field changed: how far each gets
 */
import { decode, encode } from '@ipld/dag-cbor'
import { beforeAll, describe, expect, it } from 'vitest'
import { RecordSet } from '../../src/governance/record-set.ts'
import { initialState, rosterAt } from '../../src/governance/roster.ts'
import { readRecord, signStatement, verifyStatement } from '../../src/governance/statements.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { anyCertificate, certify, decide, depart, endorse, FEDERATION, NOW, people, settingsOf, votingKeyOf } from './people.ts'
import { peerKey } from '../../src/governance/peer-key.ts'
import type { GovernanceRecord } from '../../src/governance/governance-interface.ts'
import type { Signer } from '../../src/governance/peer-key.ts'

const voters = people(4)
const [anna, ben, carl] = people(3, 100) as [Signer, Signer, Signer]
const settings = settingsOf(voters, { guestsPerMember: 4 })
const CASES = 6_000
const DOMAIN = Buffer.from('grapevine/statement/2\n')

type Wire = Record<string, unknown>

function isMap (value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** Every field of a value, however deep, as the object it is in and its key */
function fieldsOf (value: unknown): Array<[Wire, string]> {
  if (Array.isArray(value)) {
    return value.flatMap(fieldsOf)
  }
  return isMap(value) ? Object.keys(value).flatMap((key) => [[value, key] as [Wire, string], ...fieldsOf(value[key])]) : []
}

describe('records with one field changed', () => {
  let valid: Array<{ bytes: Uint8Array, signer: Signer | undefined }>
  const random = seededRandom('governance fuzz')
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!

  /** Of its own kind, mostly in range, so that the change goes deep; sometimes of another kind */
  function another (value: unknown): unknown {
    if (random() < 0.15) {
      return pick([0, -1, 1.5, 2 ** 40, '', 'x', 'a'.repeat(300), new Uint8Array(31), new Uint8Array(32), [], {}, null, true, [[[[]]]]])
    }
    if (value instanceof Uint8Array) {
      return value.byteLength === 32 ? pick([peerKey(anna.peer), peerKey(carl.peer), peerKey(voters[1]!.peer), new Uint8Array(32).fill(random() * 256)]) : value.map((byte) => random() < 0.1 ? byte ^ 1 : byte)
    }
    if (typeof value === 'number') {
      return pick([value + 1, Math.max(0, value - 1), Math.floor(random() * 5), value + 1_000 * Math.floor(random() * 900)])
    }
    return typeof value === 'string' ? pick([`${value}x`, value.slice(1), value.toUpperCase(), 'certificate', 'request', FEDERATION]) : pick([value, null, 1])
  }

  /** One field changed, taken out or added; a statement signed again as its author would */
  async function mutant ({ bytes, signer }: typeof valid[number]): Promise<Uint8Array> {
    const wire = decode<Wire>(bytes)
    const [owner, key] = pick(fieldsOf(signer === undefined ? wire : { body: wire.body }).filter(([, name]) => name !== 'body'))
    const chance = random()
    if (chance < 0.08) {
      Reflect.deleteProperty(owner, key)
    } else if (chance < 0.12) {
      owner[pick(['name', 'more', 'departure', 'reason'])] = pick(['a name', 1])
    } else {
      owner[key] = another(owner[key])
    }
    if (signer !== undefined && random() < 0.95) {
      wire.signature = new Uint8Array(await signer.sign(Buffer.concat([DOMAIN, encode({ author: wire.author, body: wire.body })])))
    }
    return encode(wire)
  }

  beforeAll(async () => {
    const common = { federation: FEDERATION }
    const signed: Array<[Signer, Promise<GovernanceRecord>]> = [
      [voters[0]!, certify(voters[0]!, anna, 1)], [anna, certify(anna, ben, 2, { name: 'clinic' })], [carl, signStatement(carl, { kind: 'request', ...common, at: NOW, name: 'carl' })],
      [voters[1]!, endorse(voters[1]!, { do: 'revoke', peer: ben.peer, lastSequence: 3, reason: 'lost' })], [voters[2]!, endorse(voters[2]!, { do: 'admit', peer: carl.peer })],
      [anna, endorse(anna, { do: 'raise-limit', peer: anna.peer, guests: 9 })], [voters[3]!, signStatement(voters[3]!, { kind: 'objection', ...common, epoch: 0, actId: 'ab'.repeat(32), at: NOW })],
      [voters[0]!, signStatement(voters[0]!, { kind: 'voting-key', ...common, epoch: 1, votingKey: votingKeyOf(7) })], [anna, depart(anna)]
    ]
    valid = await Promise.all(signed.map(async ([signer, record]) => ({ signer, bytes: (await record).bytes })))
    const decision = await decide(initialState(FEDERATION, settings), { do: 'admit', peer: anna.peer }, voters)
    valid.push({ signer: undefined, bytes: decision.bytes })
  })

  it('throw nowhere, take no long time, and a tenth of them gets through to the end', async () => {
    const stages = { made: 0, canonical: 0, signed: 0, vouched: 0, taken: 0 }
    let longestMs = 0
    const base = await Promise.all([certify(voters[0]!, anna, 1), certify(voters[1]!, ben, 1)])
    for (let index = 0; index < CASES; index++) {
      const bytes = await mutant(pick(valid))
      const set = new RecordSet(initialState(FEDERATION, settings), anyCertificate)
      base.forEach((statement) => set.offer(statement, NOW))
      stages.made++
      const begin = performance.now()
      const record = readRecord(bytes)
      if (record !== undefined) {
        stages.canonical++
        const isSigned = record.type === 'decision' ? record.endorsements.every(verifyStatement) : record.type === 'statement' && verifyStatement(record)
        stages.signed += isSigned ? 1 : 0
        const roster = rosterAt(set.state, set.statements(), NOW)
        stages.vouched += isSigned && (record.type === 'decision' || roster.standing((record as { author: string }).author) === 'member' || (record as { body: { kind: string } }).body.kind === 'request') ? 1 : 0
        const { verdict } = set.offer(record, NOW)
        stages.taken += verdict === 'news' ? 1 : 0
        expect(verdict === 'news' && !isSigned).toBe(false)
        rosterAt(set.state, set.statements(), NOW).view()
      }
      longestMs = Math.max(longestMs, performance.now() - begin)
    }
    const shares = Object.entries(stages).map(([stage, count]) => `${stage} ${(100 * count / CASES).toFixed(1)} %`).join(', ')
    // eslint-disable-next-line no-console -- figures for people
    console.log(`${CASES} records: ${shares}; longest ${longestMs.toFixed(1)} ms`)
    expect(stages.taken).toBeGreaterThanOrEqual(CASES / 10)
    expect(stages.canonical).toBeGreaterThan(stages.taken)
    expect(longestMs).toBeLessThan(1_000)
  })

  it('pass with random bits turned only where a signature does not cover them: nowhere', () => {
    for (let index = 0; index < 3_000; index++) {
      const { bytes } = pick(valid)
      const place = Math.floor(random() * bytes.byteLength)
      const record = readRecord(bytes.map((byte, at) => at === place ? byte ^ (1 << Math.floor(random() * 8)) : byte))
      const isSigned = record?.type === 'statement' ? verifyStatement(record) : record?.type === 'decision' && record.endorsements.every(verifyStatement)
      const original = readRecord(bytes)!
      // the slot and the proof of a decision are covered by its certificate
      expect(isSigned && record!.type === 'statement', `${original.type} at ${place}`).toBe(false)
    }
  })
})
