/**
 * What a node waits for before it publishes
 */
import { describe, expect, it } from 'vitest'
import { EARLIER_LIFE_TIMEOUT_MS, earlierLife } from '../../src/node/earlier-life.ts'
import { ManualClock } from '../manual-clock.ts'
import type { EarlierLife, PeerAddress } from '../../src/interface.ts'

function partsOf ({ answer, members = ['self'], peers = [] }: { answer: (afterSequence: number) => EarlierLife, members?: string[], peers?: PeerAddress[] }) {
  const clock = new ManualClock()
  return {
    clock,
    components: {
      clock,
      network: { members: () => members, newestOwn: async (afterSequence: number) => answer(afterSequence) },
      store: { getPublication: async () => ({ round: 5, sequence: 50 }), peers: async () => peers }
    }
  }
}

const { signal } = new AbortController()
const known: PeerAddress = { peer: 'other', addresses: [], lastConnectedAt: 0 }

describe('the earlier life of a key', () => {
  it('is what others say, asked for what is later than the own store knows', async () => {
    const asked: number[] = []
    const { components } = partsOf({ answer: (after) => { asked.push(after); return { answers: 2, newest: { round: 8, sequence: 80 } } }, peers: [known] })
    expect(await earlierLife(components, { bootstrap: [], signal })).toEqual({ answers: 2, newest: { round: 8, sequence: 80 } })
    expect(asked).toEqual([50])
  })

  it('is waited for until one has answered', async () => {
    let answers = 0
    const { clock, components } = partsOf({ answer: () => ({ answers }), members: ['other', 'self'] })
    const startedAtMs = clock.monotonicMs()
    const asking = earlierLife(components, { bootstrap: [], signal })
    await clock.waited()
    clock.advance(1_000)
    await clock.waited()
    answers = 1
    clock.advance(1_000)
    expect(await asking).toEqual({ answers: 1 })
    expect(clock.monotonicMs() - startedAtMs).toBeLessThan(EARLIER_LIFE_TIMEOUT_MS)
  })

  it.each<[string, { bootstrap: string[], peers: PeerAddress[] }]>([
    ['there is an address to join through', { bootstrap: ['/ip4/192.0.2.1/tcp/1'], peers: [] }],
    ['others were met before', { bootstrap: [], peers: [known] }]
  ])('is waited for no longer than a stated time when %s and nobody answers', async (_, { bootstrap, peers }) => {
    const { clock, components } = partsOf({ answer: () => ({ answers: 0 }), peers })
    let isOver = false
    const asking = earlierLife(components, { bootstrap, signal }).finally(() => { isOver = true })
    for (let ms = 0; ms < EARLIER_LIFE_TIMEOUT_MS; ms += 500) {
      await clock.waited()
      expect(isOver).toBe(false)
      clock.advance(500)
    }
    expect(await asking).toEqual({ answers: 0 })
  })

  it('is not waited for by a node that knows nobody', async () => {
    const { components } = partsOf({ answer: () => ({ answers: 0 }) })
    expect(await earlierLife(components, { bootstrap: [], signal })).toEqual({ answers: 0 })
  })

  it('ends with the node', async () => {
    const abort = new AbortController()
    const { clock, components } = partsOf({ answer: () => ({ answers: 0 }), peers: [known] })
    const asking = earlierLife(components, { bootstrap: [], signal: abort.signal })
    await clock.waited()
    abort.abort()
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' })
  })
})
