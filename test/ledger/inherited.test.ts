/**
 * One budget for all sets that share examples: whoever changes a row, or adds this month's patients, finds what was
 * spent before
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import { exampleDigests, fingerprintOf, flatRows } from '../../src/data/fingerprint.ts'
import { formatShare, overlappingLedgers } from '../../src/ledger/inherited.ts'
import { ledgerSecret } from '../../src/ledger/similar-ledgers.ts'
import { sketchOf } from '../../src/data/sketch.ts'
import { headsAfter } from '../../src/ledger/known-heads.ts'
import { openBudget } from '../../src/ledger/open-budget.ts'
import { ENCODINGS, tickingClock } from './charges.ts'
import type { DatasetIdentity } from '../../src/interface.ts'
import type { KnownHeads } from '../../src/ledger/known-heads.ts'
import type { OpenBudget } from '../../src/ledger/open-budget.ts'

const document = parseFederation({
  ...presetDocument('digits'),
  training: { steps: 1, batchSize: 500, optimizer: { name: 'sgd', learningRate: 0.1 } },
  privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 20, delta: 1e-5, accountant: 'rdp' }
})

let root: string
let opened: OpenBudget[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'grapevine-inherited-'))
  opened = []
})

afterEach(async () => {
  await Promise.all(opened.map(async ({ ledger }) => ledger.close()))
  await rm(root, { recursive: true })
})

async function identity (from: number, to: number): Promise<DatasetIdentity> {
  const digests = exampleDigests(flatRows(Float32Array.from({ length: to - from }, (_, i) => from + i), new Uint16Array(to - from)))
  return { fingerprint: fingerprintOf(digests), sketch: sketchOf(digests, await ledgerSecret(root)) }
}

/** The budget of examples number `from` to `to` of an endless set */
async function open (from: number, to: number, peer = 'p'): Promise<OpenBudget> {
  const budget = (await openBudget({ document, federation: 'f', peer, exampleCount: to - from, dataset: await identity(from, to), root, clock: tickingClock() }))!
  opened.push(budget)
  return budget
}

async function spend (from: number, to: number, rounds: number): Promise<number> {
  const { budget, ledger, reader } = await open(from, to)
  const last = reader.lastRound('f', 'p') ?? 0
  for (let round = last + 1; round <= last + rounds; round++) {
    await budget.reserve(round)
  }
  const { epsilon } = budget.status()
  await ledger.close()
  return epsilon.rdp
}

describe('the budget of a set that shares examples with another', () => {
  it('has spent what the other one has, in both directions', async () => {
    const first = await spend(0, 1000, 5)
    const { budget, reader, inherited, ledger } = await open(1, 1001)
    expect(inherited).toMatchObject([{ share: 0.999 }])
    expect(budget.status().epsilon.rdp).toBeCloseTo(first, 12)
    expect(reader.lastRound('f', 'p')).toBe(5)
    await budget.reserve(6)
    const second = budget.status().epsilon.rdp
    expect(second).toBeGreaterThan(first)
    // in its own ledger stands its own charge alone
    expect(ledger.totals()).toMatchObject([{ steps: 1 }])
    await ledger.close()

    const again = await open(0, 1000)
    expect(again.budget.status().epsilon.rdp).toBeCloseTo(second, 12)
    expect(again.reader.lastRound('f', 'p')).toBe(6)
  })

  it('is exhausted by the charges of all of them together', async () => {
    const rounds = async (from: number, to: number): Promise<number> => {
      const { budget, ledger } = await open(from, to)
      let allowed = 0
      while (await budget.reserve(allowed + 1)) {
        allowed++
        expect(allowed).toBeLessThan(100)
      }
      expect(budget.status().epsilon.rdp).toBeLessThanOrEqual(20)
      await ledger.close()
      return allowed
    }
    const all = await rounds(5000, 6000)
    expect(all).toBeGreaterThan(4)
    await spend(0, 1000, 2)
    await spend(900, 1900, 1)
    expect(await rounds(950, 1950)).toBe(all - 3)
    expect(await rounds(0, 1000)).toBe(0)
  })

  it('is its own where nothing, or less than a hundredth, is shared', async () => {
    await spend(0, 1000, 5)
    const apart = await open(1000, 2000)
    expect(apart.inherited).toEqual([])
    expect(apart.budget.status().epsilon.rdp).toBe(0)
    await apart.ledger.close()
    expect((await open(991, 1991)).inherited.map(({ share }) => share)).toEqual([0.991])
  })

  it('cannot be spent by two peers at once, whichever starts first', async () => {
    const { budget, ledger } = await open(0, 1000)
    await budget.reserve(1)
    const refusal = open(500, 1500, 'q')
    await expect(refusal).rejects.toMatchObject({
      name: 'LedgerLockedError',
      message: expect.stringMatching(/^these data and the set [0-9a-f]{12}… have 50 % of the smaller one's examples in common and share a budget, but the privacy ledger in .* is in use by .*; stop it first, or give this peer other data$/) as string
    })
    // sets without a common example have nothing to do with each other
    await open(1000, 2000, 'r')
    await ledger.close()
    await opened.at(-1)!.ledger.close()
    // who was refused holds nothing
    await open(500, 1500, 'q')
  })

  it('is refused to at least one of two that start at the same time', async () => {
    for (let i = 0; i < 20; i++) {
      const started = await Promise.allSettled([open(2000 * i, 2000 * i + 1000), open(2000 * i + 10, 2000 * i + 1010, 'q')])
      expect(started.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2)
      for (const each of started) {
        each.status === 'rejected' && expect((each.reason as Error).name).toBe('LedgerLockedError')
      }
    }
  })

  it('is not known where another ledger of the same examples is damaged', async () => {
    await spend(0, 1000, 3)
    const { fingerprint } = await identity(0, 1000)
    const database = new Level<string, Uint8Array>(join(root, fingerprint), { ...ENCODINGS, compression: false })
    await database.put(`entry/${'1'.padStart(16, '0')}`, new Uint8Array([1]))
    await database.close()
    await expect(open(1, 1001)).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringMatching(new RegExp(`${fingerprint} is damaged at entry 1`)) as string })
    // nothing stays locked
    await rm(join(root, fingerprint), { recursive: true })
    await open(1, 1001)
  })

  it('is not taken for fresh where only the sketch of another ledger is left', async () => {
    await spend(0, 1000, 1)
    const { fingerprint } = await identity(0, 1000)
    await rm(join(root, fingerprint, 'CURRENT'))
    await expect(open(1, 1001)).rejects.toMatchObject({ name: 'LedgerCorruptError' })
  })

  it('has spent what a home saw it spend, although a sketch or the key of all sketches was lost since', async () => {
    const spent = await spend(0, 1000, 5)
    const [first, second] = [await identity(0, 1000), await identity(500, 1500)]
    const before = await open(500, 1500)
    const known = headsAfter({}, { fingerprint: second.fingerprint, ledger: before.ledger, inherited: before.inherited })
    await before.ledger.close()
    const remembered = async (heads: KnownHeads): Promise<number> => {
      const { budget, ledger } = (await openBudget({ document, federation: 'f', peer: 'p', exampleCount: 1000, dataset: await identity(500, 1500), root, clock: tickingClock(), known: heads }))!
      const { epsilon } = budget.status()
      await ledger.close()
      return epsilon.rdp
    }
    await rm(join(root, 'SECRET'))
    expect(await remembered(known)).toBeCloseTo(spent, 12)
    await rm(join(root, first.fingerprint, 'SKETCH'))
    expect(await remembered(known)).toBeCloseTo(spent, 12)
    expect(await overlappingLedgers({ root, fingerprint: second.fingerprint }, known)).toEqual([{ fingerprint: first.fingerprint, share: 0.5 }])
    // for other data, it counts by what can be told of it
    expect(await overlappingLedgers({ root, fingerprint: 'f'.repeat(64) }, known)).toEqual([])
  })

  it('can be told by the sketches alone', async () => {
    await spend(0, 1000, 1)
    const { fingerprint } = await identity(0, 1000)
    await open(1, 1001)
    expect(await overlappingLedgers({ root, fingerprint: (await identity(1, 1001)).fingerprint })).toEqual([{ fingerprint, share: 0.999 }])
    await writeFile(join(root, fingerprint, 'SKETCH'), 'damaged')
    await expect(overlappingLedgers({ root, fingerprint })).rejects.toMatchObject({ name: 'LedgerCorruptError' })
    expect([1, 0.999, 0.1, 0.0149, 0.01].map(formatShare)).toEqual(['100 %', '99 %', '10 %', '1.4 %', '1 %'])
  })
})
