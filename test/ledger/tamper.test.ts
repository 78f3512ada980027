/**
 * What happens when somebody, or a failing disk, changes a ledger behind our back
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as dagCbor from '@ipld/dag-cbor'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeEntry, encodeEntry, genesis } from '../../src/ledger/entry.ts'
import { decodeHead, encodeHead } from '../../src/ledger/head-record.ts'
import { verifyLedger } from '../../src/ledger/ledger.ts'
import { Summary } from '../../src/ledger/summary.ts'
import { charge, ENCODINGS, FINGERPRINT, ledgerIn } from './charges.ts'
import type { EntryContent, LedgerEntry } from '../../src/ledger/entry.ts'
import type { HeadRecord } from '../../src/ledger/head-record.ts'

type Files = Level<string, Uint8Array>

const COUNT = 6
let root: string
let folder: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'grapevine-tamper-'))
  folder = join(root, FINGERPRINT)
  const ledger = ledgerIn(root)
  await ledger.open()
  for (let round = 0; round < COUNT; round++) {
    await ledger.reserve(charge(round, { noiseMultiplier: 1 + round % 2 }))
  }
  await ledger.close()
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

async function tamper<T> (edit: (files: Files) => Promise<T>): Promise<T> {
  const files: Files = new Level(folder, { ...ENCODINGS, compression: false, createIfMissing: false })
  await files.open()
  try {
    return await edit(files)
  } finally {
    await files.close()
  }
}

async function contents (): Promise<Array<[string, string]>> {
  return tamper(async (files) => (await files.iterator().all()).map(([key, value]) => [key, Buffer.from(value).toString('hex')]))
}

function key (index: number): string {
  return `entry/${String(index).padStart(16, '0')}`
}

async function entryAt (files: Files, index: number): Promise<EntryContent> {
  const { hash, ...content } = decodeEntry((await files.get(key(index)))) as LedgerEntry
  return content
}

/** The entry as if it had cost one step; a careful forger can give it another place */
async function cheaper (files: Files, index: number, overrides: Partial<EntryContent> = {}): Promise<Uint8Array> {
  return encodeEntry({ ...await entryAt(files, index), steps: 1, ...overrides } as EntryContent)
}

async function headOf (files: Files): Promise<HeadRecord> {
  return decodeHead((await files.get('head'))) as HeadRecord
}

/** A head that fits the entry and, if asked, the sums that are stored now */
async function forgeHead (files: Files, index: number, { sums }: { sums: boolean }): Promise<void> {
  const hash = index < 0 ? genesis(FINGERPRINT).hash : decodeEntry((await files.get(key(index))))!.hash
  const rows = (await files.iterator({ gte: 'sum/', lt: 'sum0' }).all()).map(([key, value]) => ({ key, value }))
  const summaryDigest = sums ? (await Summary.load(rows)).digest : (await headOf(files)).summaryDigest
  await files.put('head', encodeHead({ fingerprint: FINGERPRINT, index, hash, summaryDigest }))
}

async function forgeSum (files: Files, value: object): Promise<void> {
  await files.put('sum/total/0000000000000000', dagCbor.encode(value))
}

const CHEAP = { mechanism: 'dp-sgd', sampleRate: 0.01, noiseMultiplier: 1, steps: 1 }

interface Case {
  what: string
  edit: (files: Files) => Promise<void>
  /** Where verify finds it */
  index: number
  problem: RegExp
  /** What open says; without it, open does not look there */
  refused?: RegExp
}

const CASES: Case[] = [
  {
    what: 'an edited entry',
    edit: async (files) => files.put(key(2), await cheaper(files, 2)),
    index: 3,
    problem: /^does not follow entry 2: one of the two was changed$/
  },
  {
    what: 'an edited first entry, with the hash of another dataset',
    edit: async (files) => files.put(key(0), await cheaper(files, 0, { previousHash: 'a'.repeat(64) })),
    index: 0,
    problem: /^does not begin the ledger of this dataset$/
  },
  {
    what: 'an edited last entry',
    edit: async (files) => files.put(key(5), await cheaper(files, 5)),
    index: 5,
    problem: /^has another hash than the head$/,
    refused: /entry 5, the last, was changed/
  },
  {
    what: 'an entry with one flipped bit',
    edit: async (files) => {
      const bytes = (await files.get(key(4)))
      bytes[0]! ^= 1
      await files.put(key(4), bytes)
    },
    index: 4,
    problem: /^not readable$/
  },
  {
    what: 'an entry in another than its canonical encoding',
    edit: async (files) => {
      const bytes = Buffer.from((await files.get(key(4))))
      // steps 10 as a float: a decoder that is not strict takes it for the same number
      const float = Buffer.alloc(9, 0xfb)
      float.writeDoubleBE(10, 1)
      const at = bytes.indexOf(Buffer.from([0x65, ...Buffer.from('steps'), 10]))
      await files.put(key(4), Buffer.concat([bytes.subarray(0, at + 6), float, bytes.subarray(at + 7)]))
    },
    index: 4,
    problem: /^not readable$/
  },
  {
    what: 'a torn last entry',
    edit: async (files) => files.put(key(5), (await files.get(key(5))).subarray(0, 100)),
    index: 5,
    problem: /^not readable$/,
    refused: /entry 5, the last, was changed/
  },
  {
    what: 'a removed entry',
    edit: async (files) => files.del(key(2)),
    index: 2,
    problem: /^missing: entry 3 is the next one$/
  },
  {
    what: 'a removed entry, those behind it moved up and numbered anew',
    edit: async (files) => {
      for (let index = 2; index < 5; index++) {
        await files.put(key(index), encodeEntry({ ...await entryAt(files, index + 1), index }))
      }
      await files.del(key(5))
      await forgeHead(files, 4, { sums: true })
    },
    index: 2,
    problem: /^does not follow entry 1/
  },
  {
    what: 'two entries in each other\'s place',
    edit: async (files) => {
      const [third, fourth] = [(await files.get(key(2))), (await files.get(key(3)))]
      await files.batch([{ type: 'put', key: key(2), value: fourth }, { type: 'put', key: key(3), value: third }])
    },
    index: 2,
    problem: /^holds entry 3$/
  },
  {
    what: 'two entries in each other\'s place, numbered anew',
    edit: async (files) => {
      const [third, fourth] = [await entryAt(files, 2), await entryAt(files, 3)]
      await files.put(key(2), encodeEntry({ ...fourth, index: 2, previousHash: third.previousHash }))
      await files.put(key(3), encodeEntry({ ...third, index: 3, previousHash: fourth.previousHash }))
    },
    index: 3,
    problem: /^does not follow entry 2/
  },
  {
    what: 'an entry put in, those behind it moved down',
    edit: async (files) => {
      for (let index = 5; index >= 2; index--) {
        await files.put(key(index + 1), encodeEntry({ ...await entryAt(files, index), index: index + 1 }))
      }
      await forgeHead(files, 6, { sums: true })
    },
    index: 3,
    problem: /^does not follow entry 2/
  },
  {
    what: 'an entry added behind the head',
    edit: async (files) => files.put(key(6), await cheaper(files, 5, { index: 6, previousHash: (await headOf(files)).hash })),
    index: 6,
    problem: /^behind the head, which is entry 5$/,
    refused: /entry 6 lies behind the last, which is entry 5/
  },
  {
    what: 'a truncated tail',
    edit: async (files) => files.batch([4, 5].map((index) => ({ type: 'del', key: key(index) }))),
    index: 4,
    problem: /^missing: the head is entry 5$/,
    refused: /entry 5, the last, is missing/
  },
  {
    what: 'a truncated tail under a head that fits it',
    edit: async (files) => {
      await files.del(key(5))
      await forgeHead(files, 4, { sums: false })
    },
    index: 4,
    problem: /^the sums stored with it are not those of the entries$/
  },
  {
    what: 'no entry left, only the head',
    edit: async (files) => files.clear({ gte: 'entry/', lt: 'entry0' }),
    index: 0,
    problem: /^missing: the head is entry 5$/,
    refused: /entry 5, the last, is missing/
  },
  {
    what: 'a removed head',
    edit: async (files) => files.del('head'),
    index: 5,
    problem: /^the head record is missing/,
    refused: /entry 5, the last, has no head record/
  },
  {
    what: 'a changed head',
    edit: async (files) => {
      const head = await headOf(files)
      const bytes = encodeHead(head)
      bytes[bytes.indexOf(head.hash.charCodeAt(0), 20)]! ^= 1
      await files.put('head', bytes)
    },
    index: 5,
    problem: /^the head record is missing, changed/,
    refused: /the head record of entry 5, the last, was changed/
  },
  {
    what: 'a sum set down',
    edit: async (files) => forgeSum(files, CHEAP),
    index: 5,
    problem: /^the sums stored with it are not those of the entries$/,
    refused: /the sums stored with entry 5, the last, were changed/
  },
  {
    what: 'a sum set down, with a head that fits it',
    edit: async (files) => {
      await forgeSum(files, CHEAP)
      await forgeHead(files, 5, { sums: true })
    },
    index: 5,
    problem: /^the sums stored with it are not those of the entries$/
  },
  {
    what: 'a head with other sums than its own',
    edit: async (files) => files.put('head', encodeHead({ ...await headOf(files), summaryDigest: 'a'.repeat(64) })),
    index: 5,
    problem: /^the sums stored/,
    refused: /the sums stored with entry 5/
  },
  {
    what: 'a removed sum',
    edit: async (files) => files.del('sum/total/0000000000000001'),
    index: 5,
    problem: /^the sums stored/,
    refused: /the sums stored with entry 5/
  },
  {
    what: 'a removed last round',
    edit: async (files) => files.del('sum/round/0000000000000000'),
    index: 5,
    problem: /^the sums stored/,
    refused: /the sums stored with entry 5/
  },
  {
    what: 'a key that is none of an entry',
    edit: async (files) => files.put('entry/x', new Uint8Array(1)),
    index: 6,
    problem: /^a key that is none of an entry$/,
    refused: /behind entry 5, the last, is a key that is none of an entry/
  }
]

describe('a ledger that was changed', () => {
  it.each(CASES)('is found out: $what', async ({ edit, index, problem, refused }) => {
    await tamper(edit)
    const changed = await contents()
    const ledger = ledgerIn(root)
    const entries = changed.filter(([key]) => key.startsWith('entry/')).length

    const verification = await verifyLedger({ root, fingerprint: FINGERPRINT })
    expect(verification).toEqual({ entries, firstBad: { index, problem: expect.stringMatching(problem) as string } })
    if (refused === undefined) {
      await ledger.open()
      expect(await ledger.verify()).toEqual(verification)
    } else {
      const error = await ledger.open().then(() => undefined, (err: Error) => err)
      expect(error).toMatchObject({ name: 'LedgerCorruptError', message: expect.stringMatching(refused) as string })
      expect(error!.message).toContain(folder)
      expect(error!.message).toContain('grapevine privacy ledger verify')
    }
    await ledger.close()
    // whatever it was, it is still there
    expect(await contents()).toEqual(changed)
  })

  it('lists entries up to the one that is not readable', async () => {
    await tamper(async (files) => files.put(key(3), new Uint8Array(10)))
    const ledger = ledgerIn(root)
    await ledger.open()
    const seen: number[] = []
    const list = async (): Promise<void> => {
      for await (const { index } of ledger.entries()) {
        seen.push(index)
      }
    }
    await expect(list()).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringContaining('entry 3 is not readable') as string })
    expect(seen).toEqual([0, 1, 2])
    await ledger.close()
  })

  it('is not taken for the ledger of another dataset', async () => {
    const other = 'f'.repeat(64)
    await rename(folder, join(root, other))
    await expect(ledgerIn(root, { fingerprint: other }).open()).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringContaining(`it is the ledger of another dataset, ${FINGERPRINT}, up to entry 5`) as string })
    expect(await verifyLedger({ root, fingerprint: other })).toMatchObject({ firstBad: { index: 0, problem: 'does not begin the ledger of this dataset' } })
  })

  it('is not begun anew where LevelDB would begin anew: without the file CURRENT', async () => {
    await rm(join(folder, 'CURRENT'))
    await expect(ledgerIn(root).open()).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringContaining('the file CURRENT is missing') as string })
    await expect(verifyLedger({ root, fingerprint: FINGERPRINT })).rejects.toMatchObject({ name: 'LedgerCorruptError' })
  })

  it('is not read by a version that does not know its format', async () => {
    await tamper(async (files) => files.put('head', dagCbor.encode({ format: 2, anything: 'else' })))
    await expect(ledgerIn(root).open()).rejects.toMatchObject({ name: 'StoreFormatError', message: `the privacy ledger in ${folder} has format 2, this version of Grapevine supports format 1: open it with the version that wrote it` })
  })

  it('opens again once the damage is undone, and is free meanwhile', async () => {
    const head = await tamper(async (files) => {
      const bytes = (await files.get('head'))
      await files.del('head')
      return bytes
    })
    const ledger = ledgerIn(root)
    await expect(ledger.open()).rejects.toMatchObject({ name: 'LedgerCorruptError' })
    await tamper(async (files) => files.put('head', head))
    await ledger.open()
    expect(ledger.head().index).toBe(5)
    await ledger.close()
  })

  it('is refused when LevelDB finds its own files damaged', async () => {
    const manifest = join(folder, (await readFile(join(folder, 'CURRENT'), 'utf8')).trim())
    await writeFile(manifest, 'damaged')
    await expect(ledgerIn(root).open()).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringContaining(folder) as string })
  })
})

describe('verifyLedger', () => {
  it('makes no ledger where there is none', async () => {
    const none = 'f'.repeat(64)
    await expect(verifyLedger({ root, fingerprint: none })).rejects.toMatchObject({ name: 'LedgerCorruptError' })
    await expect(readFile(join(root, none, 'CURRENT'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('finds nothing in a ledger without entries', async () => {
    const fingerprint = 'f'.repeat(64)
    const ledger = ledgerIn(root, { fingerprint })
    await ledger.open()
    expect(await ledger.verify()).toEqual({ entries: 0 })
    await ledger.close()
    expect(await verifyLedger({ root, fingerprint })).toEqual({ entries: 0 })
  })
})
