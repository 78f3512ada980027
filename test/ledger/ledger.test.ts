import { createHash } from 'node:crypto'
import { chmod, cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as dagCbor from '@ipld/dag-cbor'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeEntry, genesis } from '../../src/ledger/entry.ts'
import { encodeHead } from '../../src/ledger/head-record.ts'
import { createLedger, verifyLedger } from '../../src/ledger/ledger.ts'
import { Summary } from '../../src/ledger/summary.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { charge, ENCODINGS, FINGERPRINT, ledgerIn, tickingClock, WatchedDisk } from './charges.ts'
import type { LedgerCharge, LedgerEntry } from '../../src/ledger/entry.ts'
import type { Ledger, LedgerInit } from '../../src/ledger/ledger.ts'

/** Of the entry that charge(0) makes at 1,700,000,001,000 ms, from an encoder written for this purpose from RFC 8949 */
const GOLDEN = '2c5975f290006c34102b5b6f9620fad5e09986fcdefa1dcdf3f686d4be33126a'

let root: string
let ledger: Ledger

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'grapevine-ledger-'))
  ledger = ledgerIn(root)
  await ledger.open()
})

afterEach(async () => {
  await ledger.close()
  await rm(root, { recursive: true })
})

/** Another ledger takes the place of the one that is open */
async function reopen (init: Partial<LedgerInit> = {}): Promise<Ledger> {
  await ledger.close()
  ledger = ledgerIn(root, init)
  await ledger.open()
  return ledger
}

function sha256 (value: unknown): string {
  return createHash('sha256').update(dagCbor.encode(value)).digest('hex')
}

async function all (entries: AsyncIterable<LedgerEntry>): Promise<LedgerEntry[]> {
  const list: LedgerEntry[] = []
  for await (const entry of entries) {
    list.push(entry)
  }
  return list
}

describe('a ledger', () => {
  it('chains every charge to the one before, by the sha-256 of its canonical encoding', async () => {
    const genesis = { index: -1, hash: sha256({ ledger: 1, fingerprint: FINGERPRINT }) }
    expect(ledger.head()).toEqual(genesis)
    const first = await ledger.reserve(charge(0))
    const second = await ledger.reserve(charge(1, { reason: 'trained by hand', steps: 3 }))

    const content = { index: 0, previousHash: genesis.hash, time: 1_700_000_001_000, kind: 'reserve', ...charge(0) }
    expect(first).toEqual({ ...content, hash: sha256(content) })
    expect(second).toMatchObject({ index: 1, previousHash: first.hash, time: 1_700_000_002_000, reason: 'trained by hand', steps: 3 })
    expect(ledger.head()).toEqual({ index: 1, hash: second.hash })
    expect(await all(ledger.entries())).toEqual([first, second])
  })

  it('keeps the format of its entries: another hash here means that old ledgers are no longer read', async () => {
    expect(await ledger.reserve(charge(0))).toMatchObject({ hash: GOLDEN })
  })

  it('is the same after it was closed and opened', async () => {
    await ledger.reserve(charge(4))
    await ledger.reserve(charge(2, { noiseMultiplier: 0.7 }))
    await ledger.note({ reason: 'restored a backup of 1 May' })
    const before = { head: ledger.head(), totals: ledger.totals(), entries: await all(ledger.entries()) }
    await reopen()
    expect({ head: ledger.head(), totals: ledger.totals(), entries: await all(ledger.entries()) }).toEqual(before)
    await ledger.reserve(charge(5))
    expect(await ledger.verify()).toEqual({ entries: 4 })
    await ledger.close()
    expect(await verifyLedger({ root, fingerprint: FINGERPRINT })).toEqual({ entries: 4 })
  })

  it('adds the steps of equal mechanisms up, in order of first appearance, whatever is clipped and by whom', async () => {
    await ledger.reserve(charge(0, { noiseMultiplier: 2 }))
    await ledger.reserve(charge(0, { peer: 'other', federation: 'other' }))
    await ledger.reserve(charge(1, { clipNorm: 9 }))
    await ledger.reserve(charge(2, { mechanism: 'update-level', sampleRate: 1, steps: 1 }))
    await ledger.reserve(charge(3, { sampleRate: 0.02 }))
    await reopen()
    await ledger.reserve(charge(4, { noiseMultiplier: 2, steps: 7 }))
    expect(ledger.totals()).toEqual([
      { mechanism: 'dp-sgd', sampleRate: 0.01, noiseMultiplier: 2, steps: 17 },
      { mechanism: 'dp-sgd', sampleRate: 0.01, noiseMultiplier: 1.1, steps: 20 },
      { mechanism: 'update-level', sampleRate: 1, noiseMultiplier: 1.1, steps: 1 },
      { mechanism: 'dp-sgd', sampleRate: 0.02, noiseMultiplier: 1.1, steps: 10 }
    ])
    ledger.totals()[0]!.steps = 0
    expect(ledger.totals()[0]!.steps).toBe(17)
  })

  it('equals a plain model after any charges and restarts', async () => {
    const random = seededRandom('any charges')
    const steps = new Map<string, number>()
    const rounds = new Map<string, number>()
    const pick = <T>(values: T[]): T => values[Math.floor(random() * values.length)]!
    for (let i = 0; i < 150; i++) {
      const each = charge(Math.floor(random() * 50), {
        federation: pick(['a', 'b', 'a b', '["a"']),
        peer: pick(['x', 'y', 'b x']),
        mechanism: pick(['dp-sgd', 'update-level']),
        sampleRate: pick([1, 0.1, 0.1 + Number.EPSILON]),
        noiseMultiplier: pick([1, 1.1, 1e-7]),
        steps: 1 + Math.floor(random() * 1000)
      })
      await ledger.reserve(each)
      const total = [each.mechanism, each.sampleRate, each.noiseMultiplier].join()
      steps.set(total, (steps.get(total) ?? 0) + each.steps)
      const peer = JSON.stringify([each.federation, each.peer])
      rounds.set(peer, Math.max(rounds.get(peer) ?? 0, each.round))
      if (random() < 0.1) {
        await reopen()
      }
    }
    expect(new Map(ledger.totals().map((total) => [[total.mechanism, total.sampleRate, total.noiseMultiplier].join(), total.steps]))).toEqual(steps)
    for (const [key, round] of rounds) {
      const [federation, peer] = JSON.parse(key) as [string, string]
      expect(ledger.lastRound(federation, peer)).toBe(round)
    }
    expect(await ledger.verify()).toEqual({ entries: 150 })
  })

  it('knows the highest round that each peer reserved in each federation', async () => {
    expect(ledger.lastRound('bafy', '12D3')).toBeUndefined()
    await ledger.reserve(charge(7))
    await ledger.reserve(charge(3))
    await ledger.reserve(charge(0, { peer: 'other' }))
    await reopen()
    expect(ledger.lastRound('bafy', '12D3')).toBe(7)
    expect(ledger.lastRound('bafy', 'other')).toBe(0)
    expect(ledger.lastRound('other', '12D3')).toBeUndefined()
  })

  it('records a note without cost', async () => {
    const note = await ledger.note({ reason: 'restored a backup', federation: 'bafy', peer: '12D3' })
    expect(note).toMatchObject({ kind: 'note', index: 0, reason: 'restored a backup' })
    expect(ledger.totals()).toEqual([])
    expect(ledger.lastRound('bafy', '12D3')).toBeUndefined()
  })

  it('charges noisy figures as unsampled steps, which belong to no round', async () => {
    await ledger.reserve(charge(3, { sampleRate: 1, noiseMultiplier: 5, steps: 2 }))
    const histogram = { federation: 'bafy', peer: '12D3', name: 'histogram of age', noiseMultiplier: 5, sensitivity: 1.5, releases: 4 }
    expect(await ledger.reserveStatistic(histogram)).toMatchObject({ kind: 'statistic', index: 1, ...histogram })
    await ledger.reserveStatistic({ ...histogram, noiseMultiplier: 8, releases: 1 })
    const totals = [
      { mechanism: 'dp-sgd', sampleRate: 1, noiseMultiplier: 5, steps: 6 }, { mechanism: 'dp-sgd', sampleRate: 1, noiseMultiplier: 8, steps: 1 }
    ]
    expect(ledger.totals()).toEqual(totals)
    expect(ledger.rounds()).toEqual([{ federation: 'bafy', peer: '12D3', round: 3 }])
    await reopen()
    expect(ledger.totals()).toEqual(totals)
    expect(await ledger.verify()).toEqual({ entries: 3 })
    await expect(ledger.reserveStatistic({ ...histogram, releases: 0 })).rejects.toThrow(/^releases of the statistic/)
    await expect(ledger.reserveStatistic({ ...histogram, sensitivity: Number.NaN })).rejects.toThrow(RangeError)
  })

  it('records what a guarantee rests on, without cost', async () => {
    const statement = 'no patient is in the data of two members'
    expect(await ledger.assume({ statement, federation: 'bafy' })).toMatchObject({ kind: 'assumption', index: 0, statement, federation: 'bafy' })
    expect(ledger.totals()).toEqual([])
    await reopen()
    expect(await ledger.verify()).toEqual({ entries: 1 })
    await expect(ledger.assume({ statement: '' })).rejects.toThrow(/^statement of the assumption/)
  })

  it('reserves what is asked at once one after the other', async () => {
    const entries = await Promise.all(Array.from({ length: 20 }, async (_, round) => ledger.reserve(charge(round))))
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(ledger.totals()).toMatchObject([{ steps: 200 }])
    expect(await ledger.verify()).toEqual({ entries: 20 })
  })

  it.each<[keyof LedgerCharge, unknown]>([
    ['federation', ''], ['federation', 'x'.repeat(257)], ['peer', ''], ['peer', undefined],
    ['round', -1], ['round', 0.5], ['round', 2 ** 53],
    ['mechanism', 'laplace'],
    ['sampleRate', 0], ['sampleRate', 1.1], ['sampleRate', NaN],
    ['noiseMultiplier', 0], ['noiseMultiplier', -1], ['noiseMultiplier', Infinity],
    ['clipNorm', 0], ['clipNorm', NaN],
    ['steps', 0], ['steps', 1.5], ['steps', NaN], ['steps', 2 ** 53],
    ['reason', '']
  ])('refuses %s %s, and charges nothing', async (field, value) => {
    await expect(ledger.reserve({ ...charge(0), [field]: value })).rejects.toThrow(expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(field) as string }))
    expect(ledger.head().index).toBe(-1)
  })

  it('refuses unknown fields, notes without a reason, and steps that add up to a number that is not exact', async () => {
    await expect(ledger.reserve({ ...charge(0), epsilon: 1 } as LedgerCharge)).rejects.toThrow(RangeError)
    await expect(ledger.note({ reason: '' })).rejects.toThrow(RangeError)
    await ledger.reserve(charge(0, { steps: Number.MAX_SAFE_INTEGER - 1 }))
    await expect(ledger.reserve(charge(1, { steps: 2 }))).rejects.toThrow(RangeError)
    await ledger.reserve(charge(1, { steps: 1 }))
    expect(ledger.totals()).toMatchObject([{ steps: Number.MAX_SAFE_INTEGER }])
    expect(await ledger.verify()).toEqual({ entries: 2 })
  })

  it('tells whether it continues a head that was noted', async () => {
    const heads = [ledger.head()]
    for (let round = 0; round < 3; round++) {
      await ledger.reserve(charge(round))
      heads.push(ledger.head())
    }
    await reopen()
    for (const head of heads) {
      expect(await ledger.contains(head)).toBe(true)
    }
    expect(await ledger.contains({ index: 3, hash: heads[3]!.hash })).toBe(false)
    expect(await ledger.contains({ index: 1, hash: heads[3]!.hash })).toBe(false)
    expect(await ledger.contains({ index: -1, hash: heads[1]!.hash })).toBe(false)
    expect(await ledger.contains({ index: -2, hash: heads[0]!.hash })).toBe(false)
  })

  it('does not contain the head that it had before an old copy was put back, though its chain is whole', async () => {
    await ledger.reserve(charge(0))
    await ledger.close()
    await cp(join(root, FINGERPRINT), join(root, 'copy'), { recursive: true })
    await ledger.open()
    await ledger.reserve(charge(1))
    const noted = ledger.head()
    await ledger.close()
    await rm(join(root, FINGERPRINT), { recursive: true })
    await cp(join(root, 'copy'), join(root, FINGERPRINT), { recursive: true })
    await ledger.open()
    expect(await ledger.verify()).toEqual({ entries: 1 })
    expect(await ledger.contains(noted)).toBe(false)
    // and it still does not when it has as many entries again
    await ledger.reserve(charge(2))
    expect(await ledger.contains(noted)).toBe(false)
  })

  it('lists entries from an index on, as they were when the listing began', async () => {
    await Promise.all([0, 1, 2, 3].map(async (round) => ledger.reserve(charge(round))))
    expect((await all(ledger.entries({ from: 2 }))).map(({ index }) => index)).toEqual([2, 3])
    expect(await all(ledger.entries({ from: 4 }))).toEqual([])
    const seen: number[] = []
    for await (const { index } of ledger.entries()) {
      seen.push(index)
      await ledger.reserve(charge(10 + index))
    }
    expect(seen).toEqual([0, 1, 2, 3])
    await expect(all(ledger.entries({ from: -1 }))).rejects.toThrow(RangeError)
  })

  it('ends a listing with an error when it is closed meanwhile', async () => {
    for (let round = 0; round < 200; round++) {
      await ledger.reserve(charge(round))
    }
    const listing = ledger.entries()[Symbol.asyncIterator]()
    await listing.next()
    await ledger.close()
    const rest = async (): Promise<void> => {
      while ((await listing.next()).done !== true) { /* until the error */ }
    }
    await expect(rest()).rejects.toMatchObject({ name: 'StoreClosedError' })
  })

  it('refuses every call before it is opened and after it is closed', async () => {
    await ledger.close()
    await ledger.close()
    for (const closed of [ledger, ledgerIn(root)]) {
      const calls = [
        async () => closed.reserve(charge(0)), async () => closed.note({ reason: 'x' }), async () => all(closed.entries()),
        async () => closed.contains({ index: -1, hash: '' }), async () => closed.verify(),
        async () => closed.totals(), async () => closed.head(), async () => closed.lastRound('f', 'p')
      ]
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({ name: 'StoreClosedError' })
      }
    }
    await ledger.open()
    await ledger.open()
    expect(ledger.head().index).toBe(-1)
  })

  it('is for this user only, and its name is a fingerprint', async () => {
    const deep = join(root, 'a', 'b')
    const other = ledgerIn(deep)
    await other.open()
    await other.close()
    for (const folder of [join(root, 'a'), deep, join(deep, FINGERPRINT)]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700)
    }
    for (const fingerprint of ['', '..', FINGERPRINT.toUpperCase(), `../${FINGERPRINT}`]) {
      expect(() => createLedger({ root, fingerprint, clock: tickingClock() })).toThrow(RangeError)
    }
  })

  it('works over a database in memory', async () => {
    const database = new MemoryLevel<string, Uint8Array>(ENCODINGS)
    await reopen({ createDatabase: () => database })
    await ledger.reserve(charge(0))
    await ledger.close()
    await ledger.open()
    expect(await ledger.verify()).toEqual({ entries: 1 })
  })
})

describe('a ledger in use', () => {
  it('is refused to a second node, which is told that the same data are in training', async () => {
    await ledger.reserve(charge(0))
    const second = ledgerIn(root)
    await expect(second.open()).rejects.toMatchObject({
      name: 'LedgerLockedError',
      message: `the privacy ledger in ${join(root, FINGERPRINT)} is in use by this process: another node is training on the same data; stop it first`
    })
    await expect(second.reserve(charge(0))).rejects.toMatchObject({ name: 'StoreClosedError' })
    await expect(verifyLedger({ root, fingerprint: FINGERPRINT })).rejects.toMatchObject({ name: 'LedgerLockedError' })
    await ledger.reserve(charge(1))
    await ledger.close()
    await second.open()
    expect(second.head().index).toBe(1)
    await second.close()
  })

  it('does not keep another dataset from being trained on', async () => {
    const other = ledgerIn(root, { fingerprint: 'f'.repeat(64) })
    await other.open()
    await other.reserve(charge(0))
    expect(ledger.totals()).toEqual([])
    await other.close()
  })
})

describe('durability', () => {
  it('writes each charge in one synced batch, and returns only when it is written', async () => {
    const disk = new WatchedDisk()
    await reopen({ createDatabase: disk.createDatabase })
    const syncs: unknown[] = []
    const written = Promise.withResolvers<void>()
    disk.around = async (write, { sync }) => {
      syncs.push(sync)
      await written.promise
      await write()
    }
    let returned = false
    const reserved = ledger.reserve(charge(0)).then(() => { returned = true })
    await expect.poll(() => syncs.length).toBe(1)
    expect({ returned, totals: ledger.totals(), head: ledger.head().index }).toEqual({ returned: false, totals: [], head: -1 })
    written.resolve()
    await reserved
    expect(syncs).toEqual([true])
    expect(ledger.totals()).toMatchObject([{ steps: 10 }])
    await ledger.note({ reason: 'x' })
    expect(syncs).toEqual([true, true])
  })

  it('says which round must not train when a write fails, and goes on from what is on disk', async () => {
    const disk = new WatchedDisk()
    await reopen({ createDatabase: disk.createDatabase })
    await ledger.reserve(charge(0))
    disk.around = async () => { throw new Error('IO error: /x/000003.log: No space left on device') }
    await expect(ledger.reserve(charge(1))).rejects.toMatchObject({
      name: 'LedgerWriteError',
      message: `cannot write the privacy ledger in ${join(root, FINGERPRINT)}: the disk is full. The round that was to be charged must not train: correct this, then start again`
    })
    expect(ledger.totals()).toMatchObject([{ steps: 10 }])
    disk.around = async (write) => write()
    expect(await ledger.reserve(charge(1))).toMatchObject({ index: 1 })
    expect(await ledger.verify()).toEqual({ entries: 2 })
  })

  it('counts a charge that reached the disk although its write failed', async () => {
    const disk = new WatchedDisk()
    await reopen({ createDatabase: disk.createDatabase })
    disk.around = async (write) => {
      await write()
      throw new Error('IO error: fsync: Input/output error')
    }
    await expect(ledger.reserve(charge(0))).rejects.toMatchObject({ name: 'LedgerWriteError' })
    disk.around = async (write) => write()
    expect(ledger.totals()).toMatchObject([{ steps: 10 }])
    expect(await ledger.reserve(charge(1))).toMatchObject({ index: 1 })
    expect(await ledger.verify()).toEqual({ entries: 2 })
  })

  it.skipIf(process.getuid?.() === 0)('cannot be opened in a folder that may not be written', async () => {
    await chmod(root, 0o500)
    const other = ledgerIn(root, { fingerprint: 'f'.repeat(64) })
    await expect(other.open()).rejects.toMatchObject({ name: 'LedgerWriteError', message: expect.stringContaining('permission denied') as string })
    await chmod(root, 0o700)
  })

  it('cannot be opened where a file stands', async () => {
    await writeFile(join(root, 'f'.repeat(64)), '')
    await expect(ledgerIn(root, { fingerprint: 'f'.repeat(64) }).open()).rejects.toMatchObject({ name: 'LedgerWriteError', message: expect.stringContaining('a file stands where the folder should be') as string })
  })
})

describe('100,000 entries', () => {
  const COUNT = 100_000

  function collectGarbage (): number {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return (heapUsed + external) / 2 ** 20
  }

  /** As `reserve` writes them, a thousand in one batch: what the disk needs for each is not what is tested */
  async function fill (): Promise<void> {
    const files = new Level<string, Uint8Array>(join(root, FINGERPRINT), { ...ENCODINGS, compression: false })
    const summary = await Summary.load([])
    let previousHash = genesis(FINGERPRINT).hash
    let puts: Array<{ type: 'put', key: string, value: Uint8Array }> = []
    for (let index = 0; index < COUNT; index++) {
      const content = { index, previousHash, time: 0, kind: 'reserve' as const, ...charge(index, { noiseMultiplier: 1 + index % 4 }) }
      const bytes = encodeEntry(content)
      previousHash = createHash('sha256').update(bytes).digest('hex')
      const { rows, apply } = summary.change(content)
      apply()
      puts.push(...[{ key: `entry/${String(index).padStart(16, '0')}`, value: bytes }, ...rows].map((put) => ({ type: 'put' as const, ...put })))
      if (index % 1000 === 999) {
        await files.batch(puts)
        puts = []
      }
    }
    await files.put('head', encodeHead({ fingerprint: FINGERPRINT, index: COUNT - 1, hash: previousHash, summaryDigest: summary.digest }))
    await files.close()
  }

  it('are opened by reading a few records, and walked with a few in memory', async () => {
    await ledger.close()
    await fill()
    const disk = new WatchedDisk()
    await reopen({ createDatabase: disk.createDatabase })
    expect(disk.reads).toBeLessThan(20)
    expect(ledger.totals().map(({ steps }) => steps)).toEqual(Array(4).fill(COUNT * 10 / 4))
    expect(ledger.lastRound('bafy', '12D3')).toBe(COUNT - 1)

    disk.reads = 0
    await ledger.reserve(charge(COUNT))
    expect(disk.reads).toBe(0)

    const before = collectGarbage()
    const peaks: number[] = []
    let entries = 0
    for await (const { index } of ledger.entries()) {
      entries += index === entries ? 1 : 0
      if (entries % 25_000 === 0) {
        peaks.push(collectGarbage() - before)
      }
    }
    expect(entries).toBe(COUNT + 1)
    // all of them held would be 67 MiB
    expect(Math.max(...peaks)).toBeLessThan(10)
    expect(await ledger.verify()).toEqual({ entries: COUNT + 1 })
  }, 240_000)
})
