/**
 * Real processes, killed without warning. They import the built code: `npm run build` comes first (pretest does it)
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLedger } from '../../src/ledger/ledger.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { LedgerTotal } from '../../src/ledger/summary.ts'

const SCRIPT = fileURLToPath(new URL('../fixtures/reserve-loop.mjs', import.meta.url))
const KILLS = 200
const LANES = 4

interface Release {
  steps: number
  index: number
  hash: string
}

function stepsOf (totals: ReadonlyArray<Pick<LedgerTotal, 'steps'>>): number {
  return totals.reduce((sum, { steps }) => sum + steps, 0)
}

/** Lines that were written whole */
async function readReleases (file: string): Promise<Release[]> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : ''
  return [...text.matchAll(/^(\d+) (\d+) ([0-9a-f]{64})\n/gm)].map(([, steps, index, hash]) => ({ steps: Number(steps), index: Number(index), hash: hash! }))
}

describe('a process that is killed while it reserves and releases', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'grapevine-ledger-'))
  })

  afterEach(async () => {
    await rm(root, { recursive: true })
  })

  /** Every fourth kill falls into the start of the process, the others into its work */
  async function startAndKill (args: string[], random: () => number, nth: number): Promise<void> {
    const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    if (nth % 4 !== 0) {
      await Promise.race([once(child.stdout, 'data'), closed])
    }
    // a random instant is the point of the test: it waits for nothing
    await new Promise((resolve) => setTimeout(resolve, random() * (nth % 4 === 0 ? 200 : 30)))
    child.kill('SIGKILL')
    expect(await closed).toEqual([null, 'SIGKILL'])
  }

  /** Kills again and again on one ledger, which grows; returns the steps in the ledger and those released */
  async function torture (lane: number): Promise<{ recorded: number, released: number }> {
    const fingerprint = String(lane).repeat(64)
    const file = join(root, `releases-${lane}`)
    const random = seededRandom(`ledger ${lane}`)
    let recorded = 0
    let released = 0
    for (let nth = 0; nth < KILLS / LANES; nth++) {
      await startAndKill([root, fingerprint, file], random, nth)
      const releases = await readReleases(file)
      const ledger = createLedger({ root, fingerprint, clock: { now: () => 0 } })
      await ledger.open()
      recorded = stepsOf(ledger.totals())
      released = stepsOf(releases)
      const { index } = ledger.head()
      expect(recorded, `kill ${nth}: recorded against released`).toBeGreaterThanOrEqual(released)
      // at most one charge for each kill was recorded and not released
      expect(index + 1 - releases.length).toBeLessThanOrEqual(nth + 1)
      expect(ledger.lastRound('f', 'p') ?? -1).toBe(index)
      for (const release of releases.slice(-3)) {
        expect(await ledger.contains(release)).toBe(true)
      }
      if (nth % 10 === 9) {
        expect(await ledger.verify()).toEqual({ entries: index + 1 })
      }
      await ledger.close()
    }
    return { recorded, released }
  }

  it('holds the ledger against a second node, is named while it lives, and frees it when it is killed', async () => {
    const fingerprint = 'a'.repeat(64)
    const child = spawn(process.execPath, [SCRIPT, root, fingerprint, join(root, 'releases')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    await once(child.stdout, 'data')
    const ledger = createLedger({ root, fingerprint, clock: { now: () => 0 } })
    await expect(ledger.open()).rejects.toMatchObject({
      name: 'LedgerLockedError',
      message: `the privacy ledger in ${join(root, fingerprint)} is in use by process ${child.pid}: another node is training on the same data; stop it first`
    })
    child.kill('SIGKILL')
    await closed
    await ledger.open()
    expect(await ledger.verify()).toEqual({ entries: ledger.head().index + 1 })
    await ledger.close()
  })

  it(`has recorded at least the steps that it released, ${KILLS} times out of ${KILLS}`, async () => {
    const lanes = await Promise.all(Array.from({ length: LANES }, async (_, lane) => torture(lane)))
    // it was killed at work, not before
    expect(Math.min(...lanes.map(({ released }) => released))).toBeGreaterThan(KILLS / LANES)
  }, 120_000)
})
