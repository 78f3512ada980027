import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { quorum, toleratedLiars } from '../../src/consensus/quorum.ts'

describe('quorum', () => {
  it.each([
    [1, 0, 1], [2, 0, 2], [3, 0, 2], [4, 1, 3], [5, 1, 4], [6, 1, 4], [7, 2, 5], [8, 2, 6], [9, 2, 6], [10, 3, 7], [11, 3, 8], [12, 3, 8], [13, 4, 9]
  ])('of %i voters: %i liars, %i decide', (voters, liars, needed) => {
    assert.equal(toleratedLiars(voters), liars)
    assert.equal(quorum(voters), needed)
  })

  it('lets two quorums share an honest voter, the honest ones make one alone, and no smaller number do', () => {
    for (let n = 1; n <= 64; n++) {
      const [F, q] = [toleratedLiars(n), quorum(n)]
      assert.ok(n >= 3 * F + 1 && n < 3 * (F + 1) + 1)
      assert.ok(2 * q - n > F, `n = ${n}: two quorums share ${2 * q - n}`)
      assert.ok(q <= n - F, `n = ${n}: ${n - F} honest ones are no quorum`)
      assert.ok(2 * (q - 1) - n <= F, `n = ${n}: one less would do`)
    }
  })
})
