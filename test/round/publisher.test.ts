/**
 * The order that keeps a killed peer from signing two updates for one round
 */
import { describe, expect, it } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { Publisher } from '../../src/round/publisher.ts'
import { ManualClock } from '../manual-clock.ts'
import type { Neighbour, OutgoingUpdate, Publication } from '../../src/interface.ts'
import type { RoundComponents } from '../../src/round/round-interface.ts'

const never = new AbortController().signal

/** Notes what is stored and sent, in order. `held`: the store is busy until released */
function scene (stored?: Publication) {
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
  const components = { clock, codec: createCodec('float32'), store, network } as unknown as RoundComponents
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
    const sending = publisher.send(1, [{ payload: Uint8Array.of(1) }], never)
    await turns()
    expect(done).toEqual([])
    release()
    await sending
    expect(done).toEqual([`stored 1/${clock.now()}`, `sent 1/${clock.now()}`])
  })

  it('takes no number that a later life of a restored home has signed: the wall clock, where that is ahead of what is stored', async () => {
    const { publisher, published, clock } = scene({ round: 3, sequence: 17 })
    await publisher.load()
    await publisher.send(4, [{ payload: Uint8Array.of(1) }], never)
    expect(published[0]!.sequence).toBe(clock.now())
  })

  it('goes on above what is stored when the clock was put back', async () => {
    const { publisher, published, clock } = scene({ round: 3, sequence: 2_000_000_000 })
    expect(clock.now()).toBeLessThan(2_000_000_000)
    await publisher.load()
    await publisher.send(4, [{ payload: Uint8Array.of(1) }], never)
    await publisher.send(5, [{ payload: Uint8Array.of(1) }], never)
    expect(published.map(({ sequence }) => sequence)).toEqual([2_000_000_001, 2_000_000_002])
  })

  it('says which number of neighbours it stated', async () => {
    const { publisher, published, neighbours } = scene()
    neighbours.push({ peer: 'x', live: true } as Neighbour, { peer: 'y', live: false } as Neighbour)
    expect(await publisher.send(1, [{ payload: Uint8Array.of(1) }], never)).toBe(2)
    expect(published[0]!.degree).toBe(2)
    neighbours.pop()
    expect(publisher.degree).toBe(2)
  })
})
