import { expect, test } from 'vitest'
import { Roll } from '../../src/network/roll.ts'
import type { MemberClaim } from '../../src/network/member-record.ts'

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
