import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { encodeBallot, readBallot } from '../../src/consensus/ballot.ts'
import { verifyCertificate } from '../../src/consensus/certificate.ts'
import type { Agreement, Effects } from '../../src/consensus/simplex.ts'
import { SLOT, Voters, valueOf } from './voters.ts'

const VALUE = valueOf('admit')

/** Hands everything to everybody until nobody says anything more */
function settle (agreements: readonly Agreement[], first: Effects[], nowMs = 0): void {
  const queue = first.flatMap(({ send }) => send)
  for (let bytes = queue.shift(); bytes !== undefined; bytes = queue.shift()) {
    for (const agreement of agreements) {
      queue.push(...agreement.receive(bytes, nowMs).send)
    }
  }
}

describe('agreement of one slot', () => {
  it.each([1, 2, 3, 4, 7])('of %i voters decides what is offered, and proves it to anyone', (count) => {
    const voters = new Voters(count)
    const agreements = Array.from({ length: count }, (_, i) => voters.agreement(i))
    settle(agreements, agreements.map((agreement) => agreement.offer(VALUE, 0)))
    for (const agreement of agreements) {
      assert.equal(agreement.decided?.value, VALUE)
      assert.ok(verifyCertificate(agreement.decided.certificate, { ...SLOT, value: VALUE, voters: voters.voters }))
    }
  })

  it('says nothing before something is offered', () => {
    const voters = new Voters(4)
    const agreements = Array.from({ length: 4 }, (_, i) => voters.agreement(i))
    for (const agreement of agreements) {
      assert.deepEqual(agreement.tick(1e9).send, [])
      assert.equal(agreement.nextTimerMs, undefined)
      assert.deepEqual(agreement.messages(), [])
    }
  })

  it('skips a leader that is silent', () => {
    const voters = new Voters(4)
    const all = Array.from({ length: 4 }, (_, i) => voters.agreement(i, { deltaMs: 10 }))
    const leader = all.findIndex((agreement) => agreement.offer(VALUE, 0).send.length > 0)
    const awake = Array.from({ length: 4 }, (_, i) => i).filter((i) => i !== leader).map((i) => voters.agreement(i, { deltaMs: 10 }))
    awake.forEach((agreement) => { agreement.offer(VALUE, 0) })
    assert.ok(awake.every(({ nextTimerMs }) => nextTimerMs === 30))
    settle(awake, awake.map((agreement) => agreement.tick(29)), 29)
    assert.ok(awake.every(({ iteration }) => iteration === 1))
    settle(awake, awake.map((agreement) => agreement.tick(30)), 30)
    assert.ok(awake.every(({ decided }) => decided?.value === VALUE))
  })

  it('never votes for what is not admissible, and votes once it is', () => {
    const voters = new Voters(4)
    let isAdmissible = false
    const proposal = [0, 1, 2, 3].flatMap((i) => voters.agreement(i).offer(VALUE, 0).send).find((bytes) => readBallot(bytes)?.kind === 'propose')!
    const late = voters.agreement((readBallot(proposal)!.voter + 1) % 4, { isAdmissible: () => isAdmissible })
    assert.deepEqual(late.receive(proposal, 0), { verdict: 'news', persist: [], send: [], misbehaviour: [] })
    assert.equal(late.nextTimerMs, undefined)
    isAdmissible = true
    assert.deepEqual(late.tick(1).send.map((bytes) => readBallot(bytes)?.kind), ['vote'])
  })

  it('signs nothing that contradicts what it signed before it stopped', () => {
    const voters = new Voters(4)
    const before = [0, 1, 2, 3].map((i) => voters.agreement(i)).find((agreement) => agreement.offer(VALUE, 0).send.length > 0)!
    const earlier = before.messages()
    const index = readBallot(earlier[0]!)!.voter
    const after = voters.agreement(index, { earlier })
    assert.deepEqual(after.messages(), earlier)
    assert.deepEqual(after.offer(valueOf('other'), 0).send, [])
    assert.deepEqual(after.tick(1e9).send.map((bytes) => readBallot(bytes)?.kind), ['skip'])
  })

  it('proves a voter that contradicts itself, once', () => {
    const voters = new Voters(4)
    const observer = voters.agreement(undefined)
    const [a, b, c] = ['a', 'b', 'c'].map((name) => encodeBallot(voters.sign({ kind: 'vote', iteration: 1, voter: 2, value: valueOf(name) })))
    assert.deepEqual(observer.receive(a!, 0).misbehaviour, [])
    assert.deepEqual(observer.receive(b!, 0).misbehaviour, [[a, b]])
    assert.deepEqual(observer.receive(c!, 0), { verdict: 'ignored', persist: [], send: [], misbehaviour: [] })
  })
})
