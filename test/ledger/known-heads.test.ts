/**
 * An older copy of a whole ledger is noticed by the home, and nothing else is taken for one
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readDatasetRecord } from '../../src/ledger/dataset-record.ts'
import { findLacks, headsAfter, missingEntries, requireContinued } from '../../src/ledger/known-heads.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { charge, ledgerIn, FINGERPRINT } from './charges.ts'
import type { CountedLedgers, KnownHeads } from '../../src/ledger/known-heads.ts'
import type { InheritedLedger } from '../../src/ledger/inherited.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'

const SCRIPT = fileURLToPath(new URL('../fixtures/charge-loop.mjs', import.meta.url))
const KILLS = 24

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'grapevine-heads-'))
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

async function copyLedgers (from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: (source) => !source.endsWith('LOCK') })
}

describe('what a home knows of its ledgers', () => {
  let ledgers: string

  beforeEach(() => {
    ledgers = join(root, 'ledgers')
  })

  async function withLedger<T> (folder: string, rounds: number[], use: (ledger: Ledger) => Promise<T>): Promise<T> {
    const ledger = ledgerIn(folder)
    await ledger.open()
    try {
      for (const round of rounds) {
        await ledger.reserve(charge(round))
      }
      return await use(ledger)
    } finally {
      await ledger.close()
    }
  }

  const counted = (ledger: Ledger, inherited: InheritedLedger[] = []): Omit<CountedLedgers, 'root'> => ({ fingerprint: FINGERPRINT, ledger, inherited })

  async function refusal (folder: string, known: KnownHeads, rounds: number[] = []): Promise<string | undefined> {
    return withLedger(folder, rounds, async (ledger) => {
      try {
        requireContinued(await findLacks(known, { root: folder, ...counted(ledger) }), { root: folder, home: '/h' })
        return undefined
      } catch (err) {
        expect((err as Error).name).toBe('LedgerRollbackError')
        return (err as Error).message
      }
    })
  }

  it('is a point that the ledger goes on from, whoever charged it since', async () => {
    const known = await withLedger(ledgers, [1, 2, 3], async (ledger) => headsAfter({}, counted(ledger)))
    expect(known).toEqual({ [FINGERPRINT]: { index: 2, hash: expect.any(String) as string } })
    expect(await refusal(ledgers, known)).toBeUndefined()
    expect(await refusal(ledgers, known, [4, 5])).toBeUndefined()
    expect(await refusal(ledgers, {})).toBeUndefined()
  })

  it('is missing in an older copy, in one that was charged since, and in a new ledger', async () => {
    await withLedger(ledgers, [1, 2], async () => undefined)
    await copyLedgers(ledgers, join(root, 'older'))
    const known = await withLedger(ledgers, [3, 4, 5], async (ledger) => headsAfter({}, counted(ledger)))
    expect(await refusal(join(root, 'older'), known)).toMatch(new RegExp(`^this home knows entry 4 of the privacy ledger ${FINGERPRINT}, which ends at entry 1: .* charge --rounds 3 --home `))
    expect(await refusal(join(root, 'older'), known, [6, 7, 8, 9])).toMatch(/, which has another entry 4: .* charge --rounds 5 --home /)
    expect(await refusal(join(root, 'new'), known)).toMatch(/, which ends at entry -1: .* charge --rounds 5 --home /)
  })

  it('tells about how much an older copy lacks that grew longer than the lost one was', async () => {
    let known: KnownHeads = {}
    const charged = async (rounds: number[]): Promise<void> => withLedger(ledgers, rounds, async (ledger) => { known = headsAfter(known, counted(ledger)) })
    for (let round = 0; round < 40; round++) {
      await charged([round])
    }
    await copyLedgers(ledgers, join(root, 'older'))
    await charged([40])
    await charged([41])
    const { index, earlier = [] } = known[FINGERPRINT]!
    expect(earlier.map((head) => index - head.index)).toEqual([1, 3, 5, 9, 25, 41])
    // two are missing: the next one before that is known lies three back
    expect(await refusal(join(root, 'older'), known, [60, 61, 62, 63])).toMatch(/, which has another entry 41: .* charge --rounds 3 /)
  })

  it('covers the ledgers of other data that it had, and of those that count', async () => {
    await withLedger(ledgers, [1], async (ledger) => {
      const head = { index: 3, hash: 'f'.repeat(64) }
      const other = 'b'.repeat(64)
      const none = (): undefined => undefined
      const inherited = (held: number): InheritedLedger => ({ fingerprint: other, share: 1, totals: [], lastRound: none, lastTrained: none, head: { index: 1, hash: 'e'.repeat(64) }, held })
      const lacks = async (known: KnownHeads, list: InheritedLedger[]): Promise<number> => missingEntries(await findLacks(known, { root: ledgers, ...counted(ledger, list) }))
      expect(await lacks({ [other]: head }, [])).toBe(4)
      expect(await lacks({ [other]: head }, [inherited(-1)])).toBe(2)
      expect(await lacks({ [other]: head }, [inherited(3)])).toBe(0)
      await mkdir(join(ledgers, other))
      expect(await lacks({ [other]: head }, [])).toBe(0)
      // a ledger without entries has nothing to lose
      expect(await lacks({ ['c'.repeat(64)]: { index: -1, hash: 'f'.repeat(64) } }, [])).toBe(0)
      expect(Object.keys(headsAfter({ [FINGERPRINT]: head, ['d'.repeat(64)]: head }, counted(ledger, [inherited(3)])))).toEqual(['d'.repeat(64), other, FINGERPRINT])
      const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [String(i).padStart(64, '0'), head]))
      expect(Object.keys(headsAfter(many, counted(ledger))).slice(-2)).toEqual([String(99).padStart(64, '0'), FINGERPRINT])
      expect(Object.keys(headsAfter(many, counted(ledger)))).toHaveLength(64)
    })
  })
})

async function charged ({ stdout }: ReturnType<typeof spawn>): Promise<void> {
  let text = ''
  await new Promise<void>((resolve) => {
    stdout!.on('data', (piece) => {
      text += String(piece)
      text.includes('charged') && resolve()
    })
  })
}

describe('a peer that is killed while it charges', () => {
  it(`starts again ${KILLS} times out of ${KILLS}, and knows at least what it released`, async () => {
    const [home, ledgers, file, copy] = ['home', 'ledgers', 'releases', 'copy'].map((name) => join(root, name)) as [string, string, string, string]
    await mkdir(home)
    const random = seededRandom('heads')
    let last = -1
    for (let nth = 0; nth < KILLS; nth++) {
      const child = spawn(process.execPath, [SCRIPT, home, ledgers, file], { stdio: ['ignore', 'pipe', 'inherit'] })
      const closed = once(child, 'close')
      // every fourth kill falls into the start or the first charge, the others into the charges after it
      await Promise.race([nth % 4 === 0 ? once(child.stdout, 'data') : charged(child), closed])
      // a random instant is the point of the test: it waits for nothing
      await new Promise((resolve) => setTimeout(resolve, random() * 40))
      child.kill('SIGKILL')
      // one that took its ledger for an older copy would have ended before
      expect(await closed).toEqual([null, 'SIGKILL'])
      const releases = [...(existsSync(file) ? await readFile(file, 'utf8') : '').matchAll(/^(\d+) ([0-9a-f]{64})\n/gm)]
      last = Number(releases.at(-1)?.[1] ?? -1)
      expect((await readDatasetRecord(home))!.heads?.['a'.repeat(64)]?.index ?? -1).toBeGreaterThanOrEqual(last)
      nth === KILLS / 2 && await copyLedgers(ledgers, copy)
    }
    // it was killed at work, not before
    expect(last).toBeGreaterThan(KILLS / 2)
    const child = spawn(process.execPath, [SCRIPT, home, copy, file], { stdio: ['ignore', 'ignore', 'pipe'] })
    const closed = once(child, 'close')
    let text = ''
    child.stderr.on('data', (piece) => { text += String(piece) })
    expect(await closed).toEqual([1, null])
    expect(text).toMatch(/LedgerRollbackError: this home knows entry \d+ of the privacy ledger/)
  }, 120_000)
})
