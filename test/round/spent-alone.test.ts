import { describe, expect, it } from 'vitest'
import { spentAlone } from '../../src/round/spent-alone.ts'

/** A minute passes in a moment; `members` and `isSpent` are asked at each second */
function watch ({ members = () => 1, isSpent = () => true, endS = 1000 }: { members?: (second: number) => number, isSpent?: (second: number) => boolean, endS?: number }): { ended: Promise<boolean>, second: () => number } {
  let nowMs = 0
  const stop = new AbortController()
  const clock = {
    monotonicMs: () => nowMs,
    delay: async (ms: number) => {
      nowMs += ms
      nowMs >= endS * 1000 && stop.abort()
    }
  }
  const network = { members: () => Array.from({ length: members(nowMs / 1000) }, (_, i) => String(i)) }
  return { ended: spentAlone({ network, clock }, { isSpent: () => isSpent(nowMs / 1000), signal: stop.signal }), second: () => nowMs / 1000 }
}

describe('a peer whose budget is spent', () => {
  it('has nothing left to do once it was alone for a minute', async () => {
    const { ended, second } = watch({})
    expect(await ended).toBe(true)
    expect(second()).toBe(60)
  })

  it('goes on while there are other members, and counts the minute from when the last one left', async () => {
    expect(await watch({ members: () => 2 }).ended).toBe(false)
    const { ended, second } = watch({ members: (at) => at < 30 || at === 50 ? 2 : 1 })
    expect(await ended).toBe(true)
    expect(second()).toBe(111)
  })

  it('waits as long as the budget is not spent', async () => {
    expect(await watch({ isSpent: () => false }).ended).toBe(false)
    const { ended, second } = watch({ isSpent: (at) => at >= 10 })
    expect(await ended).toBe(true)
    expect(second()).toBe(70)
  })

  it('ends with the node', async () => {
    const { ended, second } = watch({ endS: 20 })
    expect(await ended).toBe(false)
    expect(second()).toBe(20)
  })
})
