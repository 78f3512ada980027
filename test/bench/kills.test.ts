/**
 * The judge of `npm run verify:kills` finds each thing that must not be
 */
import { describe, expect, it } from 'vitest'
import { checkLedger, checkPublications, checkReceived, checkVersions, emptyMemory } from '../../bench/kills/invariants.ts'
import { PhaseTrace } from '../../bench/kills/phases.ts'
import { planKills } from '../../bench/kills/plan.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { HomeState, LedgerState } from '../../bench/kills/home-state.ts'
import type { Remains } from '../../bench/kills/invariants.ts'
import type { ModelVersion } from '../../src/interface.ts'

function version (round: number, { mixed = true, parent = `v${round - 1}` } = {}): ModelVersion {
  return { id: `v${round}`, round, parents: [parent], parametersHash: '', parameterCount: 1, createdAt: 0, metrics: {}, mixed }
}

/** Newest last, as for the memory */
function home (versions: readonly ModelVersion[], rest: Partial<HomeState> = {}): HomeState {
  return {
    newest: versions.at(-1),
    newestMixed: versions.findLast(({ mixed }) => mixed),
    versions: versions.toReversed(),
    unreadable: [],
    publication: { round: versions.at(-1)?.round ?? 0, sequence: 100 + (versions.at(-1)?.round ?? 0) },
    lost: undefined,
    ...rest
  }
}

function ledger (rounds: readonly number[], rest: Partial<LedgerState> = {}): LedgerState {
  return { head: { index: rounds.length - 1, hash: 'h' }, charged: rounds.map((round) => ({ round, peer: 'p' })), continues: true, epsilon: 1, firstBad: undefined, ...rest }
}

/** A life of these whole rounds */
function remains (rounds: readonly number[], rest: Partial<Remains> = {}): Remains {
  const versions = rounds.map((round) => version(round))
  return {
    trace: { committed: [...rounds], published: [...rounds], numbered: rounds.map((round) => ({ round, sequence: 100 + round })) },
    announced: versions,
    home: home(versions),
    ledger: ledger(rounds),
    keepVersions: 2,
    ...rest
  }
}

describe('the judge of a kill', () => {
  it('has nothing to say of lives that follow each other, also where the last commit came too late to be announced', () => {
    const memory = emptyMemory()
    const first = remains([1, 2])
    expect([...checkVersions(memory, first), ...checkPublications(memory, first), ...checkLedger(memory, first)]).toEqual([])
    const second = remains([3], { announced: [], home: home([version(2), version(3)]) })
    expect([...checkVersions(memory, second), ...checkPublications(memory, second), ...checkLedger(memory, second)]).toEqual([])
    expect(memory.versions.map(({ round }) => round)).toEqual([1, 2, 3])
  })

  it('finds a lost commit, announced or only said in the trace, and one that does not follow', () => {
    expect(checkVersions(emptyMemory(), remains([1, 2], { home: home([version(1)]) })).join()).toMatch(/newest announced version is of round 2/)
    expect(checkVersions(emptyMemory(), remains([1], { announced: [], home: undefined })).join()).toMatch(/round 1 was said to be committed/)
    expect(checkVersions(emptyMemory(), remains([1, 2], { home: home([version(1), version(2), version(4, { parent: 'other' })]) })).join()).toMatch(/does not follow/)
  })

  it('finds what pruning took too much of, and a version that cannot be read', () => {
    const lonely = [version(1), version(2, { mixed: false }), version(3, { mixed: false })]
    const pruned = remains([], { announced: lonely, home: home(lonely.slice(1)) })
    expect(checkVersions(emptyMemory(), pruned)).toEqual(['the version of round 1 is not kept', 'the newest mixed version is of round 1, the store says of round undefined'])
    expect(checkVersions(emptyMemory(), remains([1], { home: home([version(1)], { unreadable: ['version v1'] }) }))).toEqual(['version v1'])
  })

  it('finds a round that was published twice, a number that goes back, and one that the store forgot', () => {
    const memory = emptyMemory()
    checkPublications(memory, remains([1, 2]))
    expect(checkPublications(memory, remains([2])).join()).toMatch(/round 2 was published in two lives.*does not follow/)
    expect(checkPublications(emptyMemory(), remains([1, 2], { home: home([version(1)]) })).join()).toMatch(/the store knows publication/)
  })

  it('finds a publication without a charge, a second charge, and a ledger that lost some', () => {
    expect(checkLedger(emptyMemory(), remains([1, 2], { ledger: ledger([1]) })).join()).toMatch(/round 2 was given a number without a charge.*round 2 was published without a charge/)
    expect(checkLedger(emptyMemory(), remains([1], { ledger: ledger([1, 1]) })).join()).toMatch(/charged twice in one life/)
    expect(checkLedger(emptyMemory(), remains([1], { ledger: ledger([1, 2, 3]) })).join()).toMatch(/3 charges in a life that published 1 times/)
    for (const rest of [{ continues: false }, { epsilon: 0.5 }]) {
      const memory = emptyMemory()
      checkLedger(memory, remains([1]))
      expect(checkLedger(memory, remains([2], { ledger: ledger([2], rest) })).join()).toMatch(/does not go on from entry 0/)
    }
  })

  it('finds two updates of one round or number at the neighbours, and one that was never numbered', () => {
    const update = { recorder: 0, author: 'p', round: 1, sequence: 101, updateId: 'a' }
    const numbered = new Set(['1/101', '1/102', '2/101'])
    expect(checkReceived([update, { ...update, recorder: 1 }], numbered)).toEqual([])
    expect(checkReceived([update, { ...update, sequence: 102, updateId: 'b' }], numbered)).toEqual(['two updates of round 1'])
    expect(checkReceived([update, { ...update, round: 2, updateId: 'b' }], numbered)).toEqual(['two updates of number 101'])
    expect(checkReceived([{ ...update, round: 3 }], numbered).join()).toMatch(/never stored/)
  })
})

describe('the phases of a trace', () => {
  it('are open until their end is read, the removal before the commit that it is part of', () => {
    const trace = new PhaseTrace()
    expect(trace.read('grapevine:store:trace committing round 7')).toBe('commit')
    expect(trace.read('grapevine:store:trace removing 2 versions with the commit of round 7')).toBe('removal')
    expect(trace.open).toEqual({ stop: 'removal', numbers: [7] })
    expect(trace.read('grapevine:store:trace removed 2 versions with the commit of round 7')).toBeUndefined()
    expect(trace.open).toEqual({ stop: 'commit', numbers: [7] })
    trace.read('grapevine:store:trace committed round 7')
    expect(trace.open).toBeUndefined()
    expect(trace.committed).toEqual([7])
  })
})

describe('the plan of a thousand kills', () => {
  it('stops at least fifty in each of the five phases', () => {
    const queue = planKills(1_000, seededRandom('plan'), ['gossiped', 'pulled', 'large'])
    const stops = new Map<string, number>()
    for (const mesh of ['large', 'gossiped', 'pulled'] as const) {
      for (let plan = queue.next(mesh); plan !== undefined; plan = queue.next(mesh)) {
        const name = plan.kind === 'stop' ? plan.stop : 'random'
        stops.set(name, (stops.get(name) ?? 0) + 1)
      }
    }
    expect(queue.left).toBe(0)
    expect(['charge', 'number', 'publish', 'commit', 'removal'].filter((stop) => (stops.get(stop) ?? 0) < 50)).toEqual([])
    expect([...stops.values()].reduce((sum, count) => sum + count, 0)).toBe(1_000)
  })
})
