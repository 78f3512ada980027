import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { encodeBallot, readBallot } from '../../src/consensus/ballot.ts'
import type { BallotKind } from '../../src/consensus/ballot.ts'
import { encodeProof, readProof, verifyCertificate } from '../../src/consensus/certificate.ts'
import { ITERATIONS_AHEAD } from '../../src/consensus/ballot-box.ts'
import { SLOT, Voters, valueOf } from './voters.ts'

const VALUE = valueOf('admit')
const voters = new Voters(4)
const finalizes = [0, 1, 3].map((voter) => voters.sign({ kind: 'finalize', iteration: 2, voter, value: VALUE }))
const STATEMENT = { kind: 'finalize', iteration: 2, value: VALUE } as const
const certificate = encodeProof(STATEMENT, finalizes)
const context = { ...SLOT, value: VALUE, voters: voters.voters }

describe('bytes of others', () => {
  it('are read as they were written, in at most 512 bytes', () => {
    for (const kind of ['propose', 'vote', 'skip', 'finalize'] satisfies BallotKind[]) {
      const ballot = voters.sign({ kind, iteration: 7, voter: 3, value: kind === 'skip' ? '' : VALUE })
      assert.ok(encodeBallot(ballot).length <= 512)
      const read = readBallot(encodeBallot(ballot))!
      assert.deepEqual({ ...read, signature: Uint8Array.from(read.signature) }, { ...ballot, signature: Uint8Array.from(ballot.signature) })
    }
  })

  it('never throw, and prove nothing, whatever they are', () => {
    const agreement = voters.agreement(0)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 0x14 }), (bytes, first) => {
      bytes[0] = first
      readProof(bytes)
      assert.equal(verifyCertificate(bytes, context), false)
      assert.ok(['invalid', 'ignored'].includes(agreement.receive(bytes, 0).verdict))
    }))
    assert.deepEqual(agreement.messages(), [])
  })

  it('prove nothing with one bit changed', () => {
    assert.ok(verifyCertificate(certificate, context))
    fc.assert(fc.property(fc.integer({ min: 0, max: certificate.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
      const changed = Uint8Array.from(certificate)
      changed[at]! ^= 1 << bit
      assert.equal(verifyCertificate(changed, context), false)
    }))
  })

  it('prove a choice of this federation, epoch, slot and value alone, by enough different voters', () => {
    const wrong = [{ federation: 'cd'.repeat(32) }, { epoch: 4 }, { slot: 13 }, { value: valueOf('other') }, { voters: new Voters(4).voters }, { voters: voters.voters.slice(0, 3) }, { voters: [] }]
    wrong.forEach((change) => { assert.equal(verifyCertificate(certificate, { ...context, ...change }), false) })
    assert.equal(verifyCertificate(encodeProof(STATEMENT, finalizes.slice(0, 2)), context), false)
    assert.equal(verifyCertificate(encodeProof(STATEMENT, [finalizes[0]!, finalizes[1]!, finalizes[1]!]), context), false)
  })

  it('far ahead are not kept', () => {
    const agreement = voters.agreement(0)
    const ahead = (iteration: number): string => agreement.receive(encodeBallot(voters.sign({ kind: 'skip', iteration, voter: 1, value: '' })), 0).verdict
    assert.equal(ahead(1 + ITERATIONS_AHEAD), 'news')
    assert.equal(ahead(2 + ITERATIONS_AHEAD), 'ignored')
  })
})

describe('after a crash of all', () => {
  it('what a finalize stands on is on disk with it', () => {
    const voter = voters.agreement(0)
    voter.offer(VALUE, 0)
    const votes = [1, 2, 3].map((index) => encodeBallot(voters.sign({ kind: 'vote', iteration: 1, voter: index, value: VALUE })))
    const persisted = votes.flatMap((bytes) => voter.receive(bytes, 0).persist)
    assert.ok(persisted.some((bytes) => readBallot(bytes)?.kind === 'finalize'))
    const again = voters.agreement(0, { earlier: persisted })
    assert.equal(again.iteration, 2)
    assert.ok(again.messages().some((bytes) => readProof(bytes)?.kind === 'vote'))
    assert.deepEqual(again.tick(1e9).send.map((bytes) => readBallot(bytes)?.kind).filter((kind) => kind === 'finalize'), [])
  })
})
