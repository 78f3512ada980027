import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FAULTS, provenGuilty } from '../src/blame.ts'
import { Reputation } from '../src/network/bans.ts'
import { culprit } from '../src/round/rejection-counter.ts'
import { ManualClock } from './manual-clock.ts'
import type { RejectionReason } from '../src/interface.ts'

const reasons = Object.keys(FAULTS) as RejectionReason[]

const WORDS = { sender: 'the sender', author: 'the author', 'author-itself': 'the author, where it handed the update over itself', nobody: 'nobody' }

/** By reason, what the protocol's table of blame says in its second column */
function documented (): Record<string, string> {
  const text = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')
  const rows = text.slice(text.indexOf('### Blame'), text.indexOf('### Volume')).split('\n').filter((line) => line.startsWith('| `'))
  return Object.fromEntries(rows.flatMap((row) => {
    const [, names, fault] = row.split('|').map((cell) => cell.trim())
    return [...names!.matchAll(/`([a-z-]+)`/g)].map(([, name]) => [name!, fault!])
  }))
}

/** Bans after the same refusal a thousand times */
function banned (reason: RejectionReason, refused: { peer: string, author: string | undefined }): string[] {
  const reputation = new Reputation({ store: { bans: async () => [], putBan: async () => {} }, clock: new ManualClock() })
  for (let i = 0; i < 1_000; i++) {
    const guilty = provenGuilty({ ...refused, reason })
    if (guilty !== undefined) {
      reputation.penalise(guilty, reason)
    }
  }
  return reputation.banned()
}

describe('blame', () => {
  it('is documented for every reason of refusal as it is in the code', () => {
    expect(documented()).toEqual(Object.fromEntries(reasons.map((reason) => [reason, WORDS[FAULTS[reason]]])))
  })

  it.each(reasons)('of "%s" falls on whom it proves guilty, and on nobody else', (reason) => {
    const relayed = { peer: 'relay', author: 'author' }
    const direct = { peer: 'author', author: 'author' }
    const expected = {
      sender: [['relay'], ['author'], ['relay']],
      author: [['author'], ['author'], []],
      'author-itself': [[], ['author'], []],
      nobody: [[], [], []]
    }[FAULTS[reason]]
    expect([relayed, direct, { peer: 'relay', author: undefined }].map((refused) => banned(reason, refused))).toEqual(expected)
  })

  it('for a replay is counted against whoever sent it, not against its author', () => {
    expect(culprit({ peer: 'relay', author: 'author', reason: 'replay' })).toBe('relay')
  })
})
