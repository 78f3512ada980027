import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventQueue } from '../../src/simulation/event-queue.ts'
import { StandstillError, VirtualClock } from '../../src/simulation/virtual-clock.ts'

describe('the queue of events', () => {
  it('gives them in the order of their times, and equal ones in that of their coming', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.nat(5), fc.constant('take' as const)), { maxLength: 60 }), (steps) => {
      const queue = new EventQueue<number>()
      let model: Array<{ at: number, value: number }> = []
      for (const [value, step] of steps.entries()) {
        if (step === 'take') {
          const [first] = model
          expect(queue.take()).toEqual(first === undefined ? undefined : expect.objectContaining(first))
          model = model.slice(1)
        } else {
          queue.put(step, value)
          model = [...model, { at: step, value }].sort((a, b) => a.at - b.at || a.value - b.value)
        }
        expect(queue.size).toBe(model.length)
      }
    }))
  })
})

describe('the virtual clock', () => {
  it('lets time pass only when nothing is left to do, and takes none itself', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const work = async (name: string, ms: number): Promise<void> => {
      for (let i = 0; i < 2; i++) {
        await clock.delay(ms)
        log.push(`${name} ${clock.monotonicMs()}`)
      }
    }
    const beganMs = performance.now()
    await clock.run(Promise.all([work('hour', 3_600_000), work('day', 86_400_000), work('same', 3_600_000)]))
    expect(log).toEqual(['hour 3600000', 'same 3600000', 'hour 7200000', 'same 7200000', 'day 86400000', 'day 172800000'])
    expect(performance.now() - beganMs).toBeLessThan(60_000)
    expect(clock.now() - new VirtualClock().now()).toBe(172_800_000)
  })

  it('ends a delay by its signal, with its reason, and forgets it', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const delayed = clock.delay(1_000, { signal: controller.signal })
    clock.schedule(10, () => { controller.abort(new RangeError('enough')) })
    await expect(clock.run(delayed)).rejects.toThrow('enough')
    expect(clock.monotonicMs()).toBe(10)
    expect(clock.step()).toBe(false)
    await expect(clock.delay(5, { signal: controller.signal })).rejects.toThrow('enough')
  })

  it('runs what is asked for the past at once, and goes never backwards', async () => {
    const clock = new VirtualClock()
    await clock.run(clock.delay(100))
    await clock.run(clock.delay(-50))
    expect(clock.monotonicMs()).toBe(100)
  })

  it('stands still while something outside of it is done, and hands on what that gives', async () => {
    const clock = new VirtualClock()
    const outside = new Promise<string>((resolve) => { setTimeout(() => { resolve('done') }, 20) })
    const later = clock.delay(1)
    expect(await clock.run(clock.outside(outside).then((result) => `${result} at ${clock.monotonicMs()}`))).toBe('done at 0')
    await clock.run(later)
    await expect(clock.run(clock.outside(Promise.reject(new TypeError('broken'))))).rejects.toThrow('broken')
    await expect(clock.run(new Promise(() => {}))).rejects.toThrow(StandstillError)
  })

  it('says so when everybody waits for ever, and hands on what fails', async () => {
    const clock = new VirtualClock()
    await expect(clock.run(new Promise(() => {}))).rejects.toThrow(StandstillError)
    await expect(clock.run(clock.delay(5).then(() => { throw new TypeError('broken') }))).rejects.toThrow('broken')
  })
})
