import { beforeAll, describe, expect, it } from 'vitest'
import { readRecord, sortedVoters } from '../../src/governance/statements.ts'
import { applyDecision, checkDecision, credentialsFor, graceMs, initialState, isApplicable, rosterAt, voidReason } from '../../src/governance/roster.ts'
import { anyCertificate, certify, DAY_MS, decide, depart, FEDERATION, NOW, people, settingsOf, votersOf, votingKeyOf } from './people.ts'
import type { Act, Decision, Statement } from '../../src/governance/governance-interface.ts'
import type { GovernanceState } from '../../src/governance/roster.ts'
import type { Signer } from '../../src/governance/peer-key.ts'

const voters = people(4)
const [anna, ben, carl] = people(3, 100) as [Signer, Signer, Signer]
const settings = settingsOf(voters, { guestsPerMember: 2 })
const start = initialState(FEDERATION, settings)
const GRACE = 7.5 * DAY_MS

/** The state after these acts, with nobody asking whether they may be */
function after (state: GovernanceState, ...acts: Act[]): GovernanceState {
  return acts.reduce((last, act, index) => applyDecision(last, { slot: last.slot, act, actId: String(index) }), state)
}

const admit = (signer: Signer): Act => ({ do: 'admit', peer: signer.peer })
const revoke = (signer: Signer): Act => ({ do: 'revoke', peer: signer.peer, lastSequence: 5 })
const appoint = (signer: Signer, all: Signer[], keysFrom = 50): Act => ({ do: 'appoint', peer: signer.peer, voters: sortedVoters(votersOf(all, keysFrom)) })
const dismiss = (signer: Signer, all: Signer[], keysFrom = 50): Act => ({ do: 'dismiss', peer: signer.peer, voters: sortedVoters(votersOf(all, keysFrom)) })

describe('acts', () => {
  const admitted = after(start, admit(anna))

  it('are void where they would change nothing, or must not be', () => {
    const alone = after(start, ...voters.slice(1).map(revoke))
    const wrong: Array<[GovernanceState, Act]> = [
      [after(start, revoke(anna)), admit(anna)], [after(start, revoke(anna)), revoke(anna)], [admitted, admit(anna)], [start, admit(voters[0]!)], [alone, revoke(voters[0]!)],
      [start, appoint(anna, [...voters, anna])], [admitted, appoint(voters[0]!, voters)], [admitted, appoint(anna, voters)], [admitted, appoint(anna, [...voters.slice(1), anna])],
      [admitted, appoint(anna, [...voters, anna], 3)], [admitted, { ...appoint(anna, [...voters, anna]), voters: votersOf([...voters, anna], 50).map((voter) => ({ ...voter, votingKey: votingKeyOf(9) })) } as Act],
      [start, dismiss(anna, voters)], [start, dismiss(voters[0]!, voters)], [alone, dismiss(voters[0]!, [])], [start, { do: 'raise-limit', peer: anna.peer, guests: 2 }],
      [start, { ...admit(anna), departure: 0 } as Act], [admitted, { ...admit(anna), departure: 0 } as Act], [admitted, { ...admit(anna), departure: 2 } as Act]
    ]
    for (const [state, act] of wrong) {
      expect(isApplicable(state, act), JSON.stringify(act)).toBe(false)
    }
    const right: Array<[GovernanceState, Act]> = [
      [start, admit(anna)], [start, revoke(anna)], [start, revoke(voters[0]!)], [admitted, appoint(anna, [...voters, anna])], [start, dismiss(voters[0]!, voters.slice(1))],
      [start, { do: 'raise-limit', peer: anna.peer, guests: 3 }], [admitted, { ...admit(anna), departure: 1 } as Act], [start, { ...admit(voters[0]!), departure: 0 } as Act]
    ]
    for (const [state, act] of right) {
      expect(voidReason(state, act), JSON.stringify(act)).toBeUndefined()
      expect(isApplicable(after(state, act), act), JSON.stringify(act)).toBe(false)
    }
  })

  it('change the voters in a new epoch, and nothing that was there before', () => {
    const appointed = after(admitted, appoint(anna, [...voters, anna]))
    expect([appointed.epoch, appointed.slot, appointed.voters.length, appointed.decided.size]).toEqual([1, 2, 5, 0])
    const fewer = after(appointed, revoke(anna))
    expect([fewer.epoch, fewer.voters.length, fewer.admitted.has(anna.peer)]).toEqual([2, 4, false])
    expect([start.epoch, start.slot, start.voters.length, admitted.voters.length]).toEqual([0, 0, 4, 4])
    const dismissed = after(start, dismiss(voters[0]!, voters.slice(1)))
    expect(rosterAt(dismissed, [], NOW).member(voters[0]!.peer)).toEqual({ peer: voters[0]!.peer, role: 'member' })
  })
})

describe('decisions', () => {
  let right: Decision

  beforeAll(async () => {
    right = await decide(start, admit(anna), voters.slice(0, 3))
  })

  it('need a quorum of distinct voters who signed, and a certificate', async () => {
    const check = (decision: Decision) => checkDecision(start, decision, anyCertificate)
    expect(check(right)).toBeUndefined()
    expect(check(await decide(start, admit(anna), voters.slice(0, 2)))).toMatch(/^2 voters .* 3 must/)
    expect(check(await decide(start, admit(anna), [...voters.slice(0, 2), ben, carl]))).toMatch(/^2 voters/)
    expect(check({ ...right, endorsements: [right.endorsements[0]!, right.endorsements[0]!, right.endorsements[0]!] })).toMatch(/^1 voters/)
    expect(check({ ...right, certificate: Uint8Array.of(1) })).toMatch(/certificate/)
    expect(check({ ...right, act: admit(ben) })).toMatch(/another federation/)
    expect(check(await decide({ epoch: 0, slot: 1 }, admit(anna), voters))).toMatch(/number 1/)
    expect(check(await decide({ epoch: 1, slot: 0 }, admit(anna), voters))).toMatch(/epoch 1/)
    expect(check(await decide(start, dismiss(anna, voters), voters))).toMatch(/no voter/)
    const forged = readRecord(right.bytes.map((byte, index) => index > right.bytes.length - 20 ? byte ^ 1 : byte))
    expect(forged === undefined || check(forged as Decision) !== undefined).toBe(true)
  })

  it('count each voter of the epoch once for every n from 4 to 13', async () => {
    for (const [n, q] of [[4, 3], [5, 4], [6, 4], [7, 5], [8, 6], [9, 6], [10, 7], [11, 8], [12, 8], [13, 9]] as const) {
      const all = people(n, 300)
      const state = initialState(FEDERATION, settingsOf(all))
      expect(checkDecision(state, await decide(state, admit(anna), all.slice(0, q)), anyCertificate)).toBeUndefined()
      expect(checkDecision(state, await decide(state, admit(anna), all.slice(0, q - 1)), anyCertificate)).toContain(`${q} must`)
    }
  })
})

describe('a roster', () => {
  const standings = (state: GovernanceState, statements: Statement[], nowMs = NOW) => {
    const roster = rosterAt(state, statements, nowMs)
    return [anna, ben, carl].map(({ peer }) => roster.standing(peer))
  }

  it('follows a certificate to its end, its grace and its renewal', async () => {
    const first = await certify(voters[0]!, anna, 1)
    const end = NOW + 30 * DAY_MS
    expect(graceMs(settings)).toBe(GRACE)
    expect(rosterAt(start, [first], end).member(anna.peer)).toEqual({ peer: anna.peer, role: 'member', inviter: voters[0]!.peer, expiresAt: end })
    expect(rosterAt(start, [first], end + GRACE).member(anna.peer)?.inGrace).toBe(true)
    expect(rosterAt(start, [first], end + GRACE + 1).standing(anna.peer)).toBe('expired')
    const renewed = await certify(voters[0]!, anna, 1, { issuedAt: end, expiresAt: end + 30 * DAY_MS })
    expect(rosterAt(start, [renewed, first], end + GRACE + 1).standing(anna.peer)).toBe('member')
    expect(standings(start, [await certify(voters[0]!, anna, 1, { issuedAt: NOW + 600_001 })])[0]).toBe('unknown')
    expect(standings(start, [await certify(voters[0]!, anna, 1, { expiresAt: end + 1 })])[0]).toBe('unknown')
  })

  it('names who is over the limit, by number or by two on one', async () => {
    expect(standings(start, [await certify(voters[0]!, anna, 1), await certify(voters[0]!, ben, 1), await certify(voters[0]!, carl, 3)])).toEqual(['over-limit', 'over-limit', 'over-limit'])
    const raised = after(start, { do: 'raise-limit', peer: voters[0]!.peer, guests: 3 })
    expect(standings(raised, [await certify(voters[0]!, carl, 3)])[2]).toBe('member')
  })

  it('lets guests fall with a revoked inviter, and none with one that left or expired', async () => {
    const statements = [await certify(voters[0]!, anna, 1), await certify(anna, ben, 1), await certify(ben, carl, 1)]
    expect(standings(start, statements)).toEqual(['member', 'member', 'member'])
    expect(standings(after(start, revoke(anna)), statements)).toEqual(['revoked', 'revoked', 'revoked'])
    expect(standings(after(start, admit(ben), revoke(anna)), statements)).toEqual(['revoked', 'member', 'member'])
    expect(standings(start, [...statements, await depart(anna)])).toEqual(['departed', 'member', 'member'])
    expect(standings(after(start, admit(anna)), [...statements, await depart(anna)])).toEqual(['member', 'member', 'member'])
    expect(standings(after(start, admit(anna)), [...statements, await depart(anna, 1)])).toEqual(['departed', 'member', 'member'])
    const late = await certify(anna, ben, 1, { issuedAt: NOW + 80 * DAY_MS, expiresAt: NOW + 110 * DAY_MS })
    // whoever expired renews no further than a certificate's life after its own end
    expect(standings(start, [statements[0]!, late], NOW + 80 * DAY_MS).slice(0, 2)).toEqual(['expired', 'expired'])
    expect(standings(start, [], NOW)).toEqual(['unknown', 'unknown', 'unknown'])
  })

  it('follows chains of eight and no longer, and circles that end nowhere to nobody', async () => {
    const chain = [voters[0]!, ...people(9, 400)]
    const statements = await Promise.all(chain.slice(1).map(async (guest, index) => certify(chain[index]!, guest, 1)))
    const roster = rosterAt(start, statements, NOW)
    expect(chain.map(({ peer }) => roster.standing(peer))).toEqual([...chain.slice(1).map(() => 'member'), 'unknown'])
    expect(roster.chain(chain[8]!.peer).map(({ id }) => id)).toEqual(statements.slice(0, 8).map(({ id }) => id))
    expect(standings(start, [await certify(anna, ben, 1), await certify(ben, anna, 1)])).toEqual(['unknown', 'unknown', 'unknown'])
  })

  it('gives the records that prove a standing, those of decisions only where it rests on one', async () => {
    const statements = [await certify(voters[0]!, anna, 1), await certify(carl, ben, 1)]
    const decisions = [await decide(start, { do: 'raise-limit', peer: anna.peer, guests: 3 }, voters), await decide({ epoch: 0, slot: 1 }, admit(carl), voters), await decide({ epoch: 0, slot: 2 }, revoke(people(1, 900)[0]!), voters)]
    const state = after(start, ...decisions.map(({ act }) => act))
    const roster = rosterAt(state, statements, NOW)
    const of = (signer: Signer) => credentialsFor(signer.peer, { state, roster, decisions })
    expect(of(voters[0]!)).toEqual([])
    expect(of(anna)).toEqual([statements[0]!.bytes])
    expect(of(ben)).toEqual([statements[1]!.bytes, decisions[0]!.bytes, decisions[1]!.bytes])
  })
})

describe('a large federation', () => {
  it('of 4,096 guests takes less than 50 ms', async () => {
    const inviters = people(4, 0)
    const guests = people(4_096, 10_000)
    const large = initialState(FEDERATION, settingsOf(inviters, { guestsPerMember: 16 }))
    const statements = await Promise.all(guests.map(async (guest, index) => certify(index < 64 ? inviters[index >> 4]! : guests[(index >> 4) - 4]!, guest, (index & 15) + 1)))
    const times = Array.from({ length: 5 }, () => {
      const begin = performance.now()
      expect(rosterAt(large, statements, NOW).standing(guests.at(-1)!.peer)).toBe('member')
      return performance.now() - begin
    })
    // eslint-disable-next-line no-console -- a figure for people
    console.log(`roster of 4,096 guests: ${Math.min(...times).toFixed(1)} ms`)
    expect(rosterAt(large, statements, NOW).view().members.length).toBe(4_100)
    expect(Math.min(...times)).toBeLessThan(50)
  })
})
