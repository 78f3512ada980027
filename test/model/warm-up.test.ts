/**
 * Running a backend in gives way to real work and ends by itself
 */
import { describe, expect, it } from 'vitest'
import { WarmUp } from '../../src/model/warm-up.ts'

const always = (): boolean => true
const never = (): boolean => false

describe('WarmUp', () => {
  it('ends after a number of steps, however fast they are', async () => {
    let steps = 0
    const warmUp = new WarmUp({ rehearse: () => { steps++ }, now: () => 0 })
    await warmUp.run(never)
    const first = steps
    await warmUp.run(never)
    expect(first).toBeGreaterThan(10)
    expect(steps).toBe(first)
  })

  it('ends after a while, however slow the steps are', async () => {
    let steps = 0
    let clock = 0
    const warmUp = new WarmUp({ rehearse: () => { steps++; clock += 700 }, now: () => clock })
    await warmUp.run(never)
    expect(steps).toBe(3)
  })

  it('does nothing while it is interrupted, and goes on later', async () => {
    let steps = 0
    const warmUp = new WarmUp({ rehearse: () => { steps++ }, now: () => 0 })
    await warmUp.run(always)
    expect(steps).toBe(0)
    await warmUp.run(() => steps >= 2)
    expect(steps).toBe(2)
    await warmUp.run(never)
    expect(steps).toBeGreaterThan(10)
  })

  it('never starts again once training has begun', async () => {
    let steps = 0
    const warmUp = new WarmUp({ rehearse: () => { steps++ }, now: () => 0 })
    warmUp.stop()
    await warmUp.run(never)
    expect(steps).toBe(0)
  })

  it('leaves a failure to the first round', async () => {
    let steps = 0
    const warmUp = new WarmUp({ rehearse: () => { steps++; throw new TypeError('no such kernel') }, now: () => 0 })
    await warmUp.run(never)
    expect(steps).toBe(1)
  })
})
