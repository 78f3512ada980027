/**
 * What a set of records keeps does not depend on the order, on repetitions, or on who heard what first
 */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { RecordSet } from '../../src/governance/record-set.ts'
import { applyDecision, initialState, rosterAt } from '../../src/governance/roster.ts'
import { readRecord, signStatement } from '../../src/governance/statements.ts'
import { anyCertificate, certify, DAY_MS, decide, depart, endorse, FEDERATION, NOW, people, settingsOf, votingKeyOf } from './people.ts'
import type { Act, GovernanceRecord, Statement } from '../../src/governance/governance-interface.ts'
import type { Signer } from '../../src/governance/peer-key.ts'

const voters = people(4)
const guests = people(9, 100)
const strangers = people(3, 200)
const settings = settingsOf(voters, { guestsPerMember: 2 })
const common = { federation: FEDERATION }

function makeSet (options?: { maxCertificates?: number }): RecordSet {
  return new RecordSet(initialState(FEDERATION, settings), anyCertificate, options)
}

function idsOf (set: RecordSet): string[] {
  return Array.from({ length: 256 }, (_, bucket) => set.digests.idsIn(bucket)).flat().map((id) => Buffer.from(id).toString('hex'))
}

function offerAll (set: RecordSet, records: readonly GovernanceRecord[]): boolean {
  const before = set.changes
  for (const record of records) {
    set.offer(record, NOW)
  }
  return set.changes !== before
}

/** Takes over what another one holds, as two nodes do */
function reconcile (set: RecordSet, other: RecordSet): boolean {
  const records = Array.from({ length: 256 }, (_, bucket) => other.digests.idsIn(bucket)).flat().map((id) => readRecord(other.digests.get(id)!)!)
  return offerAll(set, records)
}

/** Until nothing changes. Each round is one offer at least, and there is a most: fewer than 20 are needed */
function settle (round: () => boolean): void {
  for (let rounds = 0; round(); rounds++) {
    expect(rounds).toBeLessThan(20)
  }
}

/** Two peers on one number, renewals, numbers above the limit, circles, chains, and whatever else a liar signs */
async function makeStatements (): Promise<Statement[]> {
  const [a, b, c, d, e, f, g, h, i] = guests as [Signer, Signer, Signer, Signer, Signer, Signer, Signer, Signer, Signer]
  const certificates: Array<[Signer, Signer, number, object?]> = [
    [voters[0]!, a, 1], [voters[0]!, a, 1, { expiresAt: NOW + DAY_MS }], [voters[0]!, b, 2], [voters[0]!, c, 2], [voters[0]!, d, 2], [voters[0]!, e, 3], [voters[0]!, f, 4],
    [a, d, 1], [d, e, 1], [e, f, 1], [f, a, 1], [f, g, 2], [b, h, 1], [h, i, 1], [voters[1]!, i, 1], [i, h, 1], [strangers[0]!, g, 1], [g, voters[0]!, 1], [voters[2]!, voters[3]!, 1]
  ]
  const wish = (peer: Signer): Act => ({ do: 'admit', peer: peer.peer })
  return Promise.all([
    ...certificates.map(async ([inviter, guest, number, fields]) => certify(inviter, guest, number, fields)),
    ...[a, b, h, ...strangers].map(async (author, index) => signStatement(author, { kind: 'request', ...common, at: NOW - index })),
    signStatement(strangers[0]!, { kind: 'request', ...common, at: NOW + 1 }),
    ...voters.flatMap((voter) => [endorse(voter, wish(a)), endorse(voter, wish(a), 0, NOW + 1), endorse(voter, wish(strangers[1]!)), endorse(voter, wish(b), 1)]),
    endorse(a, wish(b)), endorse(b, wish(a)), endorse(a, wish(c), 0, NOW - 1), endorse(strangers[0]!, wish(strangers[0]!)), endorse(voters[0]!, wish(voters[1]!)),
    ...[voters[0]!, a].map(async (author) => signStatement(author, { kind: 'objection', ...common, epoch: 0, actId: 'ab'.repeat(32), at: NOW })),
    ...[voters[0]!, a, b].flatMap((author) => [1, 2, 3].map(async (key) => signStatement(author, { kind: 'voting-key', ...common, epoch: 1, votingKey: votingKeyOf(key) }))),
    signStatement(voters[1]!, { kind: 'voting-key', ...common, epoch: 2, votingKey: votingKeyOf(1) }),
    depart(d), depart(d, 0, NOW - 5), depart(d, 1), depart(voters[3]!), depart(strangers[0]!)
  ])
}

async function makeDecisions (): Promise<GovernanceRecord[]> {
  const acts: Act[] = [
    { do: 'admit', peer: strangers[1]!.peer }, { do: 'raise-limit', peer: voters[0]!.peer, guests: 3 }, { do: 'revoke', peer: guests[0]!.peer, lastSequence: 1 },
    { do: 'admit', peer: voters[3]!.peer, departure: 0 }, { do: 'revoke', peer: voters[2]!.peer, lastSequence: 1 }
  ]
  const decisions: GovernanceRecord[] = []
  let state = initialState(FEDERATION, settings)
  for (const act of acts) {
    const decision = await decide(state, act, voters)
    decisions.push(decision)
    state = applyDecision(state, decision)
  }
  return decisions
}

describe('sets of records', () => {
  let statements: Statement[]
  let decisions: GovernanceRecord[]
  let forged: GovernanceRecord[]

  beforeAll(async () => {
    statements = await makeStatements()
    decisions = await makeDecisions()
    const foreign = await signStatement(voters[0]!, { kind: 'request', federation: 'other', at: NOW })
    forged = [foreign, ...statements.slice(0, 20).map(({ bytes }) => readRecord(bytes.map((byte, index) => index === bytes.length - 1 ? byte ^ 1 : byte))!)]
  })

  /** Indices into a list of this length, in any order: what fails is printed, and records are long */
  const orders = (count: () => number) => fc.constant(0).chain(() => {
    const list = Array.from({ length: count() }, (_, index) => index)
    return fc.shuffledSubarray(list, { minLength: list.length })
  })
  const inOrder = <T>(records: readonly T[], order: readonly number[]): T[] => order.map((index) => records[index]!)

  it('keep the same of statements in any order, any number of times', () => {
    const expected = makeSet()
    offerAll(expected, statements)
    expect(idsOf(expected).length).toBeGreaterThan(30)
    expect(idsOf(expected).length).toBeLessThan(statements.length)
    fc.assert(fc.property(orders(() => 2 * statements.length + forged.length), (order) => {
      const records = inOrder([...statements, ...statements, ...forged], order)
      const set = makeSet()
      offerAll(set, records)
      expect(idsOf(set)).toEqual(idsOf(expected))
      expect(offerAll(set, records)).toBe(false)
      expect(set.statements().map(({ id }) => id).sort()).toEqual(idsOf(set).sort())
    }), { numRuns: 60 })
  })

  it('say what was added and removed, so that whoever follows holds the same', () => {
    fc.assert(fc.property(orders(() => statements.length + decisions.length), (order) => {
      const records = inOrder([...statements, ...decisions], order)
      const set = makeSet()
      const followed = new Set<string>()
      for (const record of records) {
        const { added, removed } = set.offer(record, NOW)
        added.forEach(({ id }) => followed.add(id))
        removed.forEach((id) => expect(followed.delete(id)).toBe(true))
      }
      expect([...followed].sort()).toEqual(idsOf(set))
    }), { numRuns: 40 })
  })

  it('end equal where replicas heard parts and exchange them, with equal digests exactly then', () => {
    const expected = makeSet()
    offerAll(expected, statements)
    const parts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 100, maxLength: 100 })
    fc.assert(fc.property(parts, orders(() => statements.length + forged.length), (masks, order) => {
      const records = inOrder([...statements, ...forged], order)
      const replicas = [0, 1, 2].map((bit) => {
        const set = makeSet()
        offerAll(set, records.filter((_, index) => (masks[index % masks.length]! >> bit) & 1))
        return set
      })
      settle(() => replicas.flatMap((set) => replicas.map((other) => {
        const same = idsOf(set).join() === idsOf(other).join()
        expect(Buffer.compare(set.digests.root(), other.digests.root()) === 0).toBe(same)
        expect(Buffer.compare(set.digests.buckets(), other.digests.buckets()) === 0).toBe(same)
        return reconcile(set, other)
      })).includes(true))
      for (const set of replicas) {
        expect(idsOf(set)).toEqual(idsOf(expected))
      }
    }), { numRuns: 25 })
  })

  it('end equal with decisions among it, and with fewer places than certificates, once all is offered again', () => {
    for (const options of [{}, { maxCertificates: 6 }]) {
      const all = [...statements, ...decisions]
      const expected = makeSet(options)
      settle(() => offerAll(expected, all))
      expect(expected.state.slot).toBe(decisions.length)
      fc.assert(fc.property(orders(() => all.length), (order) => {
        const records = inOrder(all, order)
        const set = makeSet(options)
        settle(() => offerAll(set, records))
        expect(idsOf(set)).toEqual(idsOf(expected))
        expect(set.state).toEqual(expected.state)
        const peers = [...voters, ...guests, ...strangers].map(({ peer }) => peer)
        const [roster, other] = [rosterAt(set.state, set.statements(), NOW), rosterAt(expected.state, expected.statements(), NOW)]
        expect(peers.map((peer) => roster.standing(peer))).toEqual(peers.map((peer) => other.standing(peer)))
      }), { numRuns: 40 })
    }
  })
})
