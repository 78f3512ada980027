/**
 * The order that keeps a killed peer from signing two updates for one round
 */
import { describe, expect, it } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { Publisher } from '../../src/round/publisher.ts'
import { echoProtocol } from '../customers/echo-protocol.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Neighbour, OutgoingUpdate, Publication } from '../../src/interface.ts'
import type { RoundComponents } from '../../src/round/round-interface.ts'

const never = new AbortController().signal

/** Notes what is stored and sent, in order. `held`: the store is busy until released */
function scene (stored?: Publication, protocol?: RoundComponents['protocol']) {
  const clock = new ManualClock()
  const done: string[] = []
  const gate = Promise.withResolvers<void>()
  const published: OutgoingUpdate[] = []
  let busy = false
  const store = {
    getPublication: async () => stored,
    putPublication: async ({ round, sequence }: Publication) => {
      await (busy ? gate.promise : undefined)
      done.push(`stored ${round}/${sequence}`)
    }
  }
  const neighbours: Neighbour[] = []
  const network = {
    neighbours: () => neighbours,
    publish: async (update: OutgoingUpdate) => {
      done.push(`sent ${update.round}/${update.sequence}`)
      published.push(update)
      return { updateId: 'x', recipients: 0, inline: true }
    }
  }
  const components = { clock, codec: createCodec('float32'), store, network, protocol } as unknown as RoundComponents
  return { clock, done, published, neighbours, publisher: new Publisher(components), hold: () => { busy = true }, release: gate.resolve }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}

describe('publisher', () => {
  it('sends nothing before the number of the update is on disk', async () => {
    const { done, publisher, hold, release, clock } = scene()
    hold()
    const sending = publisher.send(1, { payload: Uint8Array.of(1) }, never)
    await turns()
    expect(done).toEqual([])
    release()
    await sending
    expect(done).toEqual([`stored 1/${clock.now()}`, `sent 1/${clock.now()}`])
  })

  it('takes no number that a later life of a restored home has signed: the wall clock, where that is ahead of what is stored', async () => {
    const { publisher, published, clock } = scene({ round: 3, sequence: 17 })
    await publisher.load()
    await publisher.send(4, { payload: Uint8Array.of(1) }, never)
    expect(published[0]!.sequence).toBe(clock.now())
  })

  it('goes on above what is stored when the clock was put back', async () => {
    const { publisher, published, clock } = scene({ round: 3, sequence: 2_000_000_000 })
    expect(clock.now()).toBeLessThan(2_000_000_000)
    await publisher.load()
    await publisher.send(4, { payload: Uint8Array.of(1) }, never)
    await publisher.send(5, { payload: Uint8Array.of(1) }, never)
    expect(published.map(({ sequence }) => sequence)).toEqual([2_000_000_001, 2_000_000_002])
  })

  it('says which number of neighbours it stated', async () => {
    const { publisher, published, neighbours } = scene()
    neighbours.push({ peer: 'x', live: true } as Neighbour, { peer: 'y', live: false } as Neighbour)
    expect(await publisher.send(1, { payload: Uint8Array.of(1) }, never)).toBe(2)
    expect(published[0]!.degree).toBe(2)
    neighbours.pop()
    expect(publisher.degree).toBe(2)
  })

  describe('with steps after that of the updates', () => {
    const echo = echoProtocol()
    const neighboursOf = (...names: string[]): Neighbour[] => names.map((peer) => ({ peer, live: true, round: undefined, readyClaim: undefined }))

    it('takes the numbers of all messages of a round in the write that is there for its update', async () => {
      const { publisher, neighbours, done, clock } = scene(undefined, echo)
      neighbours.push(...neighboursOf('x', 'y'))
      await publisher.send(1, { payload: Uint8Array.of(1) }, never)
      // two steps, two neighbours
      expect(done).toEqual([`stored 1/${clock.now() + 4}`, `sent 1/${clock.now()}`])
      expect(publisher.numbers).toEqual({ round: 1, first: clock.now() + 1, count: 4, peers: ['x', 'y'] })
    })

    it('signs none of them again, in this life or the next', async () => {
      const first = scene(undefined, echo)
      first.neighbours.push(...neighboursOf('x', 'y'))
      await first.publisher.send(1, { payload: Uint8Array.of(1) }, never)
      await first.publisher.send(2, { payload: Uint8Array.of(1) }, never)
      expect(first.published[1]!.sequence).toBe(first.clock.now() + 5)
      const { round, sequence } = { round: 2, sequence: first.clock.now() + 9 }
      expect(first.done.at(-2)).toBe(`stored ${round}/${sequence}`)
      const next = scene({ round, sequence }, echo)
      await next.publisher.load()
      expect(next.publisher.numbers).toBeUndefined()
      await next.publisher.send(3, { payload: Uint8Array.of(1) }, never)
      expect(next.published[0]!.sequence).toBe(sequence + 1)
    })

    it('leaves room for what an earlier life may have said after the update that others know', async () => {
      const { publisher, published, clock } = scene(undefined, echo)
      await publisher.resumeAfter({ round: 7, sequence: clock.now() })
      await publisher.send(8, { payload: Uint8Array.of(1) }, never)
      // two steps for more neighbours than there can be
      expect(published[0]!.sequence).toBe(clock.now() + 2 * 1_024 + 1)
    })
  })
})
