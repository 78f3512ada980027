import { describe, expect, it } from 'vitest'
import { initialState, rosterAt } from '../../src/governance/roster.ts'
import { RecordSet } from '../../src/governance/record-set.ts'
import { readRecord, verifyStatement } from '../../src/governance/statements.ts'
import { anyCertificate, certify, decide, depart, endorse, FEDERATION, NOW, people, settingsOf } from './people.ts'

describe('a set of records', () => {
  const voters = people(4)
  const [anna, ben] = people(2, 100)
  const settings = settingsOf(voters)

  function makeSet (): RecordSet {
    return new RecordSet(initialState(FEDERATION, settings), anyCertificate)
  }

  it('takes a chain in whatever order it comes, and lets a decision end it', async () => {
    const chain = [await certify(voters[0]!, anna!, 1), await certify(anna!, ben!, 1)]
    for (const order of [chain, chain.toReversed()]) {
      const set = makeSet()
      const added = order.flatMap((statement) => set.offer(statement, NOW).added)
      expect(added.map(({ id }) => id)).toEqual(chain.map(({ id }) => id))
      const roster = rosterAt(set.state, set.statements(), NOW)
      expect(roster.standing(ben!.peer)).toBe('member')
      expect(roster.chain(ben!.peer).map(({ id }) => id)).toEqual(chain.map(({ id }) => id))
      const decision = await decide(set.state, { do: 'revoke', peer: anna!.peer, lastSequence: 3 }, voters.slice(0, 3))
      const read = readRecord(decision.bytes)!
      expect(read).toEqual(decision)
      expect(set.offer(read, NOW).verdict).toBe('news')
      const after = rosterAt(set.state, set.statements(), NOW)
      expect([after.standing(anna!.peer), after.standing(ben!.peer)]).toEqual(['revoked', 'revoked'])
    }
  })

  it('keeps no forged, foreign or idle statement', async () => {
    const set = makeSet()
    const right = await endorse(voters[0]!, { do: 'admit', peer: anna!.peer })
    const forged = readRecord(right.bytes.map((byte, index) => index === right.bytes.length - 1 ? byte ^ 1 : byte))
    expect(forged?.type === 'statement' && verifyStatement(forged)).toBe(false)
    expect(set.offer(forged!, NOW).verdict).toBe('invalid')
    expect(set.offer(await depart(anna!), NOW).verdict).toBe('ignored')
    expect(set.offer(right, NOW).verdict).toBe('news')
    expect(set.offer(right, NOW).verdict).toBe('known')
    expect(set.size).toBe(1)
  })
})
