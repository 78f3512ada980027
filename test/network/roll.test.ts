import { beforeEach, describe, expect, test } from 'vitest'
import { Roll } from '../../src/network/members/roll.ts'
import { markOf } from '../../src/network/members/vouching.ts'
import type { MemberClaim } from '../../src/network/members/member-record.ts'

function claim (peer: string): MemberClaim {
  const signed = { record: new Uint8Array(), signature: new Uint8Array() }
  return { peer, addresses: [], sequence: 1, leaving: false, observing: false, ready: false, signed, verify: () => true }
}

test('counts again soon after the process stood still, for however long, while it counted', () => {
  let nowMs = 0
  const connected = new Set<string>()
  const roll = new Roll({ self: 'self', clock: { monotonicMs: () => nowMs }, connected, expiryMs: 1_000_000, graceMs: 20_000 })
  expect(roll.members.apply(claim('a'))).toBe('stranger')
  connected.add('a')
  roll.members.addEventListener('change', () => { nowMs += 60_000 }, { once: true })
  expect(roll.count().found.map(({ peer }) => peer)).toEqual(['a'])
  expect(nowMs).toBe(60_000)

  connected.add('b')
  expect(roll.members.apply(claim('b'))).toBe('news')
  nowMs += 2_000
  expect(roll.count().isAnother).toBe(true)
  expect(roll.counted.names()).toEqual(['a', 'b', 'self'])
})

describe('the word of a single connection', () => {
  const GRACE_MS = 20_000
  const NAMES = ['ghost-1', 'ghost-2', 'ghost-3', 'ghost-4']
  let nowMs: number
  let connected: Set<string>
  let roll: Roll
  let sequence: number

  beforeEach(() => {
    nowMs = 0
    sequence = 0
    connected = new Set()
    roll = new Roll({ self: 'self', clock: { monotonicMs: () => nowMs }, connected, expiryMs: 10_000_000, graceMs: GRACE_MS })
  })

  function tell (peer: string, vouches: readonly string[]): void {
    roll.members.apply({ ...claim(peer), sequence: ++sequence, vouches: vouches.map(markOf) })
  }

  /** Counts a few times a second for so long, as a node does */
  function pass (ms: number): string[] {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 250) {
      roll.count()
    }
    return roll.counted.names()
  }

  /** All of one stranger, and of each other */
  function tellGhosts (): void {
    tell('stranger', NAMES)
    NAMES.forEach((name) => { tell(name, ['stranger', ...NAMES]) })
  }

  test('brings in all behind a hub for who never had another one', () => {
    connected.add('stranger')
    tell('stranger', [])
    pass(1_000)
    tellGhosts()
    expect(pass(1_000)).toEqual([...NAMES, 'self', 'stranger'])
  })

  test('brings in nobody new while the others are away, and keeps those who counted before', () => {
    for (const name of ['a', 'b', 'stranger']) {
      connected.add(name)
      tell(name, ['a', 'b', 'stranger', 'self'].filter((other) => other !== name))
    }
    tell('known', ['a', 'b', 'stranger'])
    tell('a', ['b', 'known', 'self', 'stranger'])
    tell('b', ['a', 'known', 'self', 'stranger'])
    tell('stranger', ['a', 'b', 'known', 'self'])
    const before = ['a', 'b', 'known', 'self', 'stranger']
    expect(pass(120_000)).toEqual(before)
    tell('stranger', ['known', ...NAMES])
    NAMES.forEach((name) => { tell(name, ['stranger', ...NAMES]) })
    connected.delete('a')
    connected.delete('b')
    const counted = pass(2 * 60_000)
    expect(counted.filter((name) => NAMES.includes(name))).toEqual([])
    expect(counted).toContain('known')
    // whom nobody else can be asked about for so long is believed after all: it may be a hub that all others moved to
    expect(pass(5 * 60_000)).toEqual(expect.arrayContaining(NAMES))
  })

  test('is soon forgotten where more connections contradict it', () => {
    connected.add('stranger')
    tell('stranger', [])
    pass(1_000)
    tellGhosts()
    pass(1_000)
    for (const [name, other] of [['a', 'b'], ['b', 'a']] as const) {
      connected.add(name)
      tell(name, [other, 'self'])
    }
    expect(pass(6_000)).toEqual(['a', 'b', 'self', 'stranger'])
  })
})

test('who is left out is told once that it lasts, and is no more once three hold a connection with it', () => {
  let nowMs = 0
  let sequence = 0
  const connected = new Set(['hub'])
  const roll = new Roll({ self: 'self', clock: { monotonicMs: () => nowMs }, connected, expiryMs: 10_000_000, graceMs: 20_000 })
  const names = ['a', 'b', 'c', 'hub']
  const tell = (peer: string, vouches: readonly string[]): void => {
    roll.members.apply({ ...claim(peer), sequence: ++sequence, vouches: vouches.map(markOf) })
  }
  const tellAll = (): void => { names.forEach((name) => { tell(name, [...names.filter((other) => other !== name), ...connected.has(name) ? ['self'] : []]) }) }
  const warnings = (ms: number): string[] => {
    const found: string[] = []
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 250) {
      found.push(...[roll.count().warning].filter((warning) => warning !== undefined))
    }
    return found
  }
  tellAll()
  // the hub vouches for the others once it is known itself
  warnings(500)
  tellAll()
  expect(warnings(19_000)).toEqual([])
  expect(roll.isLeftOut).toBe(false)
  expect(warnings(60_000)).toEqual([expect.stringMatching(/^only 1 members hold a connection with this peer/)])
  expect(roll.isLeftOut).toBe(true)
  connected.add('a').add('b')
  tellAll()
  expect(warnings(1_000)).toEqual([])
  expect(roll.isLeftOut).toBe(false)
})
