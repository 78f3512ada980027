import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as dagCbor from '@ipld/dag-cbor'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exampleDigests, fingerprint, flatRows } from '../../src/data/fingerprint.ts'
import { ledgerSecret, listLedgers, similarLedgers } from '../../src/ledger/similar-ledgers.ts'
import { HASH_BYTES, overlap, SKETCH_HASHES, sketchOf } from '../../src/data/sketch.ts'
import { FINGERPRINT, ledgerIn } from './charges.ts'
import type { TrainingRows } from '../../src/data/fingerprint.ts'
import type { Sketch } from '../../src/interface.ts'

const SECRET = new Uint8Array(32).fill(7)

/** Examples number `from` to `to` of an endless set, all different */
function rows (from: number, to: number): TrainingRows {
  return flatRows(Float32Array.from({ length: to - from }, (_, i) => from + i), new Uint16Array(to - from))
}

function sketch (from: number, to: number, secret: Uint8Array = SECRET): Sketch {
  return sketchOf(exampleDigests(rows(from, to)), secret)
}

describe('a sketch', () => {
  it('holds the smallest keyed hashes, ascending, each once, as many as there are up to 16,384', () => {
    for (const [count, hashes] of [[0, 0], [1, 1], [SKETCH_HASHES - 1, SKETCH_HASHES - 1], [SKETCH_HASHES, SKETCH_HASHES], [SKETCH_HASHES + 1, SKETCH_HASHES], [100_000, SKETCH_HASHES]] as const) {
      const made = sketch(0, count)
      expect(made.hashes.length).toBe(hashes * HASH_BYTES)
      expect(made.complete).toBe(count <= SKETCH_HASHES)
      const list = Array.from({ length: hashes }, (_, i) => Buffer.from(made.hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)).toString('hex'))
      expect(list).toEqual([...new Set(list)].sort())
    }
  })

  it('of a set is among the hashes of its parts: none that is smaller was left out', () => {
    const hex = ({ hashes }: Sketch): string[] => Buffer.from(hashes).toString('hex').match(/.{12}/g)!
    const parts = Array.from({ length: 10 }, (_, i) => hex(sketch(i * 10_000, (i + 1) * 10_000)))
    expect(hex(sketch(0, 100_000))).toEqual(parts.flat().sort().slice(0, SKETCH_HASHES))
  })

  it('counts examples that occur twice once', () => {
    const twice = flatRows(Float32Array.from({ length: 3000 }, (_, i) => i % 100), new Uint16Array(3000))
    expect(sketchOf(exampleDigests(twice), SECRET)).toEqual(sketch(0, 100))
  })

  it('cannot be compared, nor guessed, without the secret', () => {
    expect(overlap(sketch(0, 100), sketch(0, 100, new Uint8Array(32).fill(8)))).toBe(0)
    expect(() => sketchOf(exampleDigests(rows(0, 1)), new Uint8Array(31))).toThrow(RangeError)
  })
})

describe('the overlap of two sketches', () => {
  // five standard deviations of the estimate from the 16,384 hashes, or fewer, that can be compared
  type Case = [what: string, a: [number, number], b: [number, number], expected: { share: number, within: number }]
  it.each<Case>([
    ['equal sets', [0, 50_000], [0, 50_000], { share: 1, within: 0 }],
    ['sets without a common example', [0, 50_000], [50_000, 100_000], { share: 0, within: 0 }],
    ['half of each', [0, 50_000], [25_000, 75_000], { share: 0.5, within: 0.02 }],
    ['a hundredth of each', [0, 50_000], [49_500, 99_500], { share: 0.01, within: 0.004 }],
    ['a set in one of thrice its size', [0, 20_000], [0, 60_000], { share: 1, within: 0 }],
    ['half a set in one of ten times its size', [0, 10_000], [5000, 105_000], { share: 0.5, within: 0.06 }],
    ['small sets, exactly', [0, 100], [25, 125], { share: 0.75, within: 0 }],
    ['a small set in a large one', [0, 500], [0, 50_000], { share: 1, within: 0 }],
    ['an empty set and another', [0, 0], [0, 100], { share: 0, within: 0 }]
  ])('is known for %s', (_what, a, b, { share, within }) => {
    const [left, right] = [sketch(...a), sketch(...b)]
    expect(Math.abs(overlap(left, right) - share)).toBeLessThanOrEqual(within)
    expect(overlap(right, left)).toBe(overlap(left, right))
  })
})

describe('ledgers of nearly the same data', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'grapevine-similar-'))
  })

  afterEach(async () => {
    await rm(root, { recursive: true })
  })

  /** Opens and closes the ledger of these examples; returns its fingerprint */
  async function keep (from: number, to: number): Promise<string> {
    const ledger = ledgerIn(root, { fingerprint: fingerprint(rows(from, to)), identity: { sketch: sketch(from, to, await ledgerSecret(root)) } })
    await ledger.open()
    await ledger.close()
    return fingerprint(rows(from, to))
  }

  async function similar (from: number, to: number, { except = 'none', minimumShare = 0.01 } = {}): ReturnType<typeof similarLedgers> {
    return similarLedgers(root, { fingerprint: except, sketch: sketch(from, to, await ledgerSecret(root)) }, { minimumShare })
  }

  it('are found when one example was changed, most similar first, and not the own one', async () => {
    const whole = await keep(0, 500)
    const half = await keep(250, 750)
    await keep(400, 900)
    await keep(5000, 5500)
    expect(await similar(1, 501)).toEqual([{ fingerprint: whole, share: 0.998 }, { fingerprint: half, share: 0.502 }, { fingerprint: expect.any(String) as string, share: 0.202 }])
    expect(await similar(0, 500, { except: whole, minimumShare: 0.3 })).toEqual([{ fingerprint: half, share: 0.5 }])
    expect((await similar(0, 500, { except: whole })).map(({ share }) => share)).toEqual([0.5, 0.2])
    expect((await similar(-496, 4)).map(({ share }) => share)).toEqual([])
    expect((await similar(-495, 5)).map(({ share }) => share)).toEqual([0.01])
  })

  it('are found while another process uses them', async () => {
    const used = ledgerIn(root, { identity: { sketch: sketch(0, 100, await ledgerSecret(root)) } })
    await used.open()
    expect(await similar(0, 99)).toEqual([{ fingerprint: FINGERPRINT, share: 1 }])
    await used.close()
  })

  it('are listed with or without a sketch; what else lies in the folder is not', async () => {
    expect(await listLedgers(join(root, 'none'))).toEqual([])
    const plain = ledgerIn(root)
    await plain.open()
    await plain.close()
    const other = await keep(0, 10)
    await mkdir(join(root, 'else'))
    expect(await listLedgers(root)).toEqual([FINGERPRINT, other].sort())
    expect(await similar(0, 10)).toEqual([{ fingerprint: other, share: 1 }])
  })

  it('share one secret, made once, which only this user may read and which is in no ledger\'s folder', async () => {
    const secrets = await Promise.all(Array.from({ length: 8 }, async () => ledgerSecret(join(root, 'new'))))
    expect(new Set(secrets.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1)
    expect(secrets[0]!.length).toBe(32)
    expect(await ledgerSecret(root)).not.toEqual(secrets[0])
    expect((await stat(join(root, 'new', 'SECRET'))).mode & 0o777).toBe(0o600)
    const name = await keep(0, 10)
    expect((await readFile(join(root, name, 'SKETCH'))).includes(Buffer.from(await ledgerSecret(root)))).toBe(false)
  })

  it('get a new sketch when the secret is a new one', async () => {
    const name = await keep(0, 100)
    await rm(join(root, 'SECRET'))
    expect(await similar(0, 99)).toEqual([])
    await keep(0, 100)
    expect(await similar(0, 99)).toEqual([{ fingerprint: name, share: 1 }])
  })

  it('are found by the sketches of 1024 longer hashes that earlier versions wrote', async () => {
    const secret = await ledgerSecret(root)
    const name = await keep(0, 5000)
    const digests = Buffer.from(exampleDigests(rows(0, 5000)))
    const old = Array.from({ length: 5000 }, (_, i) => createHash('sha256').update(secret).update(digests.subarray(32 * i, 32 * i + 32)).digest().subarray(0, 16))
      .sort((a, b) => a.compare(b)).slice(0, 1024)
    await writeFile(join(root, name, 'SKETCH'), dagCbor.encode({ format: 1, complete: false, hashes: new Uint8Array(Buffer.concat(old)) }))
    expect(await similar(0, 5000)).toEqual([{ fingerprint: name, share: 1 }])
    const [found] = await similar(4700, 9700)
    expect(Math.abs(found!.share - 0.06)).toBeLessThan(0.04)
    expect(await similar(5000, 10_000)).toEqual([])
  })

  it('say which file is damaged', async () => {
    const name = await keep(0, 100)
    await writeFile(join(root, name, 'SKETCH'), 'damaged')
    await expect(similar(0, 100)).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringContaining(join(root, name, 'SKETCH')) as string })
    await keep(0, 100)
    expect(await similar(0, 100)).toHaveLength(1)
    await writeFile(join(root, 'SECRET'), 'short')
    await expect(ledgerSecret(root)).rejects.toMatchObject({ name: 'LedgerCorruptError', message: expect.stringContaining(join(root, 'SECRET')) as string })
  })
})
