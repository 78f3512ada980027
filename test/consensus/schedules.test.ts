import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { PLANTED } from '../../bench/agreement/planted.ts'
import { runSchedule } from '../../bench/agreement/schedule.ts'
import { runBatch } from '../../bench/agreement/tally.ts'

describe('agreement under schedules with liars, cuts and crashes', () => {
  it.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13])('of %i voters: one value, proven, in time', (voters) => {
    const schedules = Math.ceil(1_600 / voters ** 2)
    const { decided, proven, problems } = runBatch({ voters, firstSeed: 1, schedules })
    assert.deepEqual(problems, {})
    assert.equal(decided, schedules)
    assert.ok(proven > 0, 'some liar is proven')
  })

  it('goes the same way again', () => {
    assert.deepEqual(runSchedule({ voters: 7, seed: 11 }), runSchedule({ voters: 7, seed: 11 }))
  })

  it.each(Object.entries(PLANTED))('finds within 10,000 schedules that two values stand when %s', (_, planted) => {
    let seed = 1
    while (seed <= 10_000 && !runSchedule({ voters: 4, seed, planted }).problems.includes('two values stand')) {
      seed++
    }
    assert.ok(seed <= 10_000)
    // the same schedule without the mistake
    assert.deepEqual(runSchedule({ voters: 4, seed }).problems, [])
  })
})
