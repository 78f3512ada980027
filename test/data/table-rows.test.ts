/**
 * Rows that are kept while a table is read, and those that are too many to lie in memory twice
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inferInput } from '../../src/data/data-formats.ts'
import { readAllRows } from '../../src/data/table-rows.ts'
import type { Model } from '../../src/data/examples.ts'

/** More than two of the blocks that rows are kept in */
const ROWS = 9_000

let folder: string
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'grapevine-rows-')) })
afterAll(async () => { await rm(folder, { recursive: true, force: true }) })

it('are the same examples whether they were kept, or given up and read once more', async () => {
  const file = join(folder, 'rows.csv')
  await writeFile(file, ['a,b,label', ...Array.from({ length: ROWS }, (_, i) => `${i / 8},${i * 7 % 100},${i % 3 === 0 ? 'x' : 'y'}`), ''].join('\n'))
  const { schema: _, ...inferred } = await inferInput({ kind: 'csv', file })
  const model = { ...inferred, seed: 1, topology: {} } as unknown as Model
  const selections = [
    { rows: Uint32Array.from({ length: ROWS / 2 }, (_, i) => 2 * i), own: true, identified: true },
    { rows: Uint32Array.from({ length: ROWS / 2 }, (_, i) => 2 * i + 1) }
  ]
  const examplesOf = async (maxBytes?: number): Promise<unknown> => {
    const all = await readAllRows({ file, model, options: {} }, true, maxBytes)
    return (await all.take(selections)).map(({ examples }, i) => {
      const inputs = new Float32Array(examples.count * examples.featureCount)
      examples.labels.forEach((_, row) => { examples.writeInputs(row, inputs, row * examples.featureCount) })
      return { inputs, labels: examples.labels, digests: i === 0 ? examples.recordDigests : undefined }
    })
  }
  const kept = await examplesOf()
  for (const maxBytes of [1, 4_096 * 40 * 2]) {
    expect(await examplesOf(maxBytes)).toEqual(kept)
  }
})
