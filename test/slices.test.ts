/**
 * Long computations leave the thread to others, and come to the same result
 */
import { describe, expect, it } from 'vitest'
import { atOnce, inSlices, WorkQueue } from '../src/slices.ts'
import type { Sliced } from '../src/slices.ts'

/** A clock that only work moves */
function workClock (): { monotonicMs: () => number, work: (ms: number) => void } {
  let elapsedMs = 0
  return { monotonicMs: () => elapsedMs, work: (ms) => { elapsedMs += ms } }
}

/** Resolves when the event loop has turned once */
async function turned (): Promise<void> {
  await new Promise<void>((resolve) => { setImmediate(resolve) })
}

function * counted (steps: number, work: () => void): Sliced<string> {
  for (let step = 0; step < steps; step++) {
    work()
    yield
  }
  return 'done'
}

describe('inSlices', () => {
  it('gives others their turn after about 10 ms of work', async () => {
    const clock = workClock()
    const order: number[] = []
    let other = 0
    const interrupt = (): void => {
      other++
      if (order.at(-1) !== undefined && order.length < 10) {
        setImmediate(interrupt)
      }
    }
    setImmediate(interrupt)
    const result = await inSlices(counted(10, () => {
      clock.work(4)
      order.push(other)
    }), clock)
    expect(result).toBe('done')
    // three pieces of 4 ms are a slice
    expect(order.slice(0, 3)).toEqual([0, 0, 0])
    expect(order[3]).toBeGreaterThan(0)
    expect(new Set(order.slice(3, 6)).size).toBe(1)
    expect(order[6]).toBeGreaterThan(order[3]!)
  })

  it('does all at once over a clock that stands still', async () => {
    let isOthersTurn = false
    setImmediate(() => { isOthersTurn = true })
    expect(await inSlices(counted(1_000, () => {}), { monotonicMs: () => 5 })).toBe('done')
    expect(isOthersTurn).toBe(false)
    expect(atOnce(counted(3, () => {}))).toBe('done')
  })

  it('rejects with what the work throws, and between slices with the reason of the signal', async () => {
    const clock = workClock()
    const abort = new AbortController()
    const stopped = inSlices(counted(10, () => { clock.work(20) }), clock, { signal: abort.signal })
    abort.abort(new RangeError('enough'))
    await expect(stopped).rejects.toThrow('enough')
    await expect(inSlices(counted(10, () => { throw new TypeError('broken') }), clock)).rejects.toThrow('broken')
  })
})

describe('WorkQueue', () => {
  it('works on what comes at once while that is quick, and never out of order', async () => {
    const clock = workClock()
    const done: string[] = []
    const queue = new WorkQueue<[string, number]>(clock, ([name, ms]) => {
      clock.work(ms)
      done.push(name)
    })
    queue.add(['a', 1])
    expect(done).toEqual(['a'])
    queue.add(['b', 30])
    expect(done).toEqual(['a', 'b'])
    // the turn is over
    queue.add(['c', 30])
    queue.add(['d', 1])
    expect(done).toEqual(['a', 'b'])
    await turned()
    expect(done).toEqual(['a', 'b', 'c'])
    await turned()
    expect(done).toEqual(['a', 'b', 'c', 'd'])
    queue.add(['e', 1])
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})
