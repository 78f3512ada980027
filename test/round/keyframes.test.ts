/**
 * Updates that stand on what is not held: what is asked for, how often, and what a round makes of it meanwhile
 */
import { describe, expect, it } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { deltaReplicas } from '../../src/codec/delta-replicas.ts'
import { keyframeOf } from '../../src/codec/replica.ts'
import { Inbox } from '../../src/round/inbox.ts'
import { Keyframes } from '../../src/round/keyframes.ts'
import { pullLatest } from '../../src/round/pull-latest.ts'
import { DELTA } from '../../src/update-kind.ts'
import { ManualClock } from '../manual-clock.ts'
import { exactDelta } from '../customers/exact-delta.ts'
import type { ReceivedUpdate, Replicas } from '../../src/interface.ts'

const D = 20
const never = new AbortController().signal
const settled = async (): Promise<void> => { await new Promise((resolve) => { setImmediate(resolve) }) }

const replicasOf = (): Replicas => deltaReplicas({ codec: createCodec('float32'), delta: exactDelta, parameterCount: D, keyframeEvery: 1_000 })

/** Rounds 1.. of an author: the first is a keyframe, the others are deltas */
function updatesOf (author: string, count: number): Array<{ update: ReceivedUpdate, keyframe: Uint8Array }> {
  const replicas = replicasOf()
  return Array.from({ length: count }, (_, index) => {
    const own = replicas.own(new Float32Array(D).fill(1 + index / 100))
    replicas.published(own)
    const update: ReceivedUpdate = {
      ...{ author, from: author, updateId: `${author}/${index + 1}`, round: index + 1, sequence: index + 1, codec: 'float32', degree: 1, payload: own.payload, receivedAtMs: 0 },
      ...(own.replicaHash === undefined ? {} : { kind: DELTA, replicaHash: own.replicaHash, follows: `${author}/${index}` })
    }
    return { update, keyframe: keyframeOf(own.replica).encode() }
  })
}

/** A network whose answers the test gives */
class Questions {
  readonly asked: string[] = []
  private readonly open: Array<{ accept: (keyframe: Uint8Array) => boolean, resolve: (isThere: boolean) => void }> = []

  pullKeyframe = async (update: ReceivedUpdate, accept: (keyframe: Uint8Array) => boolean): Promise<boolean> => {
    this.asked.push(update.updateId)
    return new Promise((resolve) => { this.open.push({ accept, resolve }) })
  }

  async answer (keyframe?: Uint8Array): Promise<void> {
    const { accept, resolve } = this.open.shift()!
    resolve(keyframe !== undefined && accept(keyframe))
    await settled()
  }
}

function setUp (): { givenUp: string[], inbox: Inbox, keyframes: Keyframes, network: Questions, clock: ManualClock, take: (update: ReceivedUpdate) => void, replicas: Replicas } {
  const [replicas, network, clock] = [replicasOf(), new Questions(), new ManualClock()]
  const givenUp: string[] = []
  const inbox = new Inbox({ replicas, staleness: 1 })
  inbox.setRound(1, 100)
  const keyframes = new Keyframes({ network, replicas, clock }, {
    enter: (update) => inbox.put(update) === 'needs-keyframe' ? 'needs-keyframe' : undefined,
    giveUp: (update) => {
      givenUp.push(update.updateId)
      inbox.settle(update)
    }
  })
  const take = (update: ReceivedUpdate): void => {
    inbox.put(update) === 'needs-keyframe' && keyframes.ask(update, never)
  }
  return { givenUp, inbox, keyframes, network, clock, take, replicas }
}

describe('an update whose base is not held', () => {
  it('is waited for until its keyframe came, and then usable', async () => {
    const { inbox, network, take } = setUp()
    const { update, keyframe } = updatesOf('a', 2).at(-1)!
    inbox.setRound(2, 100)
    take(update)
    await settled()
    expect(network.asked).toEqual(['a/2'])
    expect(inbox.delivered('a', 2)).toBe(false)
    expect(inbox.usable('a', 2)).toBeUndefined()
    await network.answer(keyframe)
    expect(inbox.delivered('a', 2)).toBe(true)
    expect(inbox.usable('a', 2)?.parameters[0]).toBe(Math.fround(1.01))
  })

  it('is waited for no longer when nobody has its keyframe, nor asked for again at once', async () => {
    const { inbox, network, clock, take } = setUp()
    const { update, keyframe } = updatesOf('a', 2).at(-1)!
    inbox.setRound(2, 100)
    take(update)
    await settled()
    await network.answer()
    expect(inbox.delivered('a', 2)).toBe(true)
    expect(inbox.usable('a', 2)).toBeUndefined()
    take(update)
    await settled()
    expect(network.asked).toEqual(['a/2'])
    clock.advance(5_000)
    take(update)
    await settled()
    await network.answer(keyframe)
    expect(network.asked).toEqual(['a/2', 'a/2'])
    expect(inbox.usable('a', 2)).toBeDefined()
  })

  it('is the base of those that come meanwhile: they need no keyframe of their own', async () => {
    const { inbox, network, take } = setUp()
    const [, second, third, fourth] = updatesOf('a', 4)
    inbox.setRound(2, 100)
    take(second!.update)
    await settled()
    take(third!.update)
    take(fourth!.update)
    await network.answer(second!.keyframe)
    expect(network.asked).toEqual(['a/2'])
    inbox.setRound(4, 100)
    expect(inbox.usable('a', 4)?.update.round).toBe(4)
  })

  it('gives way to the newest one where its keyframe cannot be had', async () => {
    const { inbox, network, take } = setUp()
    const [, second, third, fourth] = updatesOf('a', 4)
    inbox.setRound(2, 100)
    take(second!.update)
    await settled()
    take(third!.update)
    take(fourth!.update)
    await network.answer()
    expect(network.asked).toEqual(['a/2', 'a/4'])
    await network.answer(fourth!.keyframe)
    inbox.setRound(4, 100)
    expect(inbox.usable('a', 4)?.update.round).toBe(4)
    expect(inbox.delivered('a', 4)).toBe(true)
  })

  it('is asked for once for each author at a time, whatever comes, and holds a bounded number back', async () => {
    const { givenUp, inbox, network, take } = setUp()
    const all = ['a', 'b'].map((author) => updatesOf(author, 60))
    for (const updates of all) {
      updates.slice(1).forEach(({ update }) => { take(update) })
    }
    // 59 of each came, 8 of each wait
    expect(givenUp).toHaveLength(2 * 51)
    await settled()
    expect(network.asked).toEqual(['a/60', 'b/60'])
    await network.answer(all[0]!.at(-1)!.keyframe)
    await network.answer(all[1]!.at(-1)!.keyframe)
    expect(network.asked).toHaveLength(2)
    inbox.setRound(60, 100)
    expect(inbox.usable('a', 60)?.update.round).toBe(60)
  })

  it('is held to the norm of the own model like any other', async () => {
    const { inbox, network, take } = setUp()
    const { update, keyframe } = updatesOf('a', 2).at(-1)!
    inbox.setRound(2, 0.01)
    take(update)
    await settled()
    await network.answer(keyframe)
    // |replica| = 4.5: within ten times the least norm that is allowed
    expect(inbox.usable('a', 2)).toBeDefined()
    const long = replicasOf()
    long.published(long.own(new Float32Array(D)))
    const { payload, replicaHash, replica } = long.own(new Float32Array(D).fill(100)) as Required<ReturnType<Replicas['own']>>
    const lie: ReceivedUpdate = { ...update, author: 'b', updateId: 'b/2', follows: 'b/1', payload, replicaHash }
    take(lie)
    await settled()
    await network.answer(keyframeOf(replica).encode())
    expect(inbox.put(lie)).toBe('norm')
    expect(inbox.usable('b', 2)).toBeUndefined()
  })
})

describe('an update that nobody averages', () => {
  it('is the base of the next one all the same', () => {
    const { inbox } = setUp()
    const updates = updatesOf('a', 6)
    // updates of rounds 1 to 4 are stale by two rounds and more when they come
    for (const [index, { update }] of updates.slice(0, 4).entries()) {
      inbox.setRound(index + 4, 100)
      expect(inbox.put(update)).toBeUndefined()
      expect(inbox.usable('a', index + 4)).toBeUndefined()
    }
    inbox.setRound(6, 100)
    expect(inbox.put(updates[4]!.update)).toBeUndefined()
    expect(inbox.usable('a', 6)?.update.round).toBe(5)
  })

  it('asks for nothing while it is stale', () => {
    const { inbox, network, take } = setUp()
    inbox.setRound(5, 100)
    take(updatesOf('a', 3).at(-1)!.update)
    expect(network.asked).toEqual([])
    expect(inbox.delivered('a', 3)).toBe(true)
  })
})

describe('looking ahead', () => {
  it('asks once for what two want, and what comes meanwhile stands on it', async () => {
    const { inbox, keyframes, network, take, replicas } = setUp()
    const [, second, third] = updatesOf('a', 3)
    inbox.setRound(3, 100)
    const both = [keyframes.fetch(second!.update, never), keyframes.fetch(second!.update, never)]
    take(third!.update)
    await settled()
    await network.answer(second!.keyframe)
    expect(await Promise.all(both)).toEqual([true, true])
    expect(network.asked).toEqual(['a/2'])
    expect(typeof replicas.apply(third!.update)).toBe('object')
    expect(inbox.usable('a', 3)?.update.round).toBe(3)
  })

  it('waits no longer than its deadline for what was asked for before, and leaves it to those that wait on', async () => {
    const { inbox, keyframes, network, clock, take, replicas } = setUp()
    const { update, keyframe } = updatesOf('a', 3).at(-1)!
    inbox.setRound(3, 100)
    // asked for by a round, which waits as long as it takes
    take(update)
    await settled()
    const pulled = pullLatest({ network: { pullLatest: async () => [update] }, clock, replicas, keyframes }, { deadlineMs: 1_000, voters: ['a'], signal: never })
    await settled()
    clock.advance(1_000)
    expect(await pulled).toEqual([update])
    expect(network.asked).toEqual(['a/3'])
    await network.answer(keyframe)
    expect(inbox.usable('a', 3)?.update.round).toBe(3)
  })

  it('asks for the keyframes of those that have a vote, and waits for them up to its deadline', async () => {
    const { keyframes, network, clock, replicas } = setUp()
    const [a, b, stranger] = ['a', 'b', 'c'].map((author) => updatesOf(author, 9).at(-1)!)
    const components = { network: { pullLatest: async () => [a!, b!, stranger!].map(({ update }) => update) }, clock, replicas, keyframes }
    const pulled = pullLatest(components, { deadlineMs: 1_000, voters: ['a', 'b'], signal: never })
    await settled()
    expect(network.asked).toEqual(['a/9', 'b/9'])
    await network.answer(a!.keyframe)
    await network.answer(b!.keyframe)
    expect(await pulled).toHaveLength(3)
    expect([a!, b!, stranger!].map(({ update }) => typeof replicas.apply(update))).toEqual(['object', 'object', 'string'])
  })
})
