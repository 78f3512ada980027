/**
 * A peer that founds a federation on a table, run as a hospital would: what it sees, and what the document tells
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNode } from '../../src/index.ts'
import { tableChoices } from '../../peer/table-choices.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { run } from './program.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

let folder: string
let file: string

/** With a byte order mark and CRLF, as spreadsheets write */
function patients (weight: (random: () => number) => string): string {
  const random = seededRandom('patients')
  const lines = Array.from({ length: 200 }, (_, i) => [
    `P${10_000 + i}`, `2024-0${1 + i % 9}-11`, i % 15 === 0 ? '' : String(20 + i % 60), i % 20 === 3 ? '?' : weight(random), i < 2 ? 'hospice' : i % 3 === 0 ? 'ICU' : 'surgery', 'St. Mary', i % 2 === 0 ? 'ill' : 'well'
  ])
  return `\ufeff${[['patient_id', 'admitted', 'age', 'weight', 'ward', 'site', 'outcome'], ...lines].map((cells) => cells.join(',')).join('\r\n')}\r\n`
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gv-table-'))
  file = join(folder, 'st-mary.csv')
  await writeFile(file, patients((random) => (60 + 30 * random()).toFixed(1)))
})
afterAll(async () => { await rm(folder, { recursive: true }) })

async function init (name: string, ...flags: string[]): ReturnType<typeof run> {
  return run(['init', '--home', join(folder, name), '--data', `csv:${file}`, '--backend', 'wasm', ...flags])
}

describe('init on a table', () => {
  it('shows what each column holds and what the document tells everyone, and tells no more', async () => {
    const { exit, stdout } = await init('shown')
    expect(exit).toBe(0)
    const lines = stdout.split('\n').map((line) => line.trim().replace(/ {2,}/g, ' | '))
    expect(lines[0]).toBe('Table | 200 rows, 7 columns; read with separator ","')
    expect(lines).toContain('patient_id | text | 200 values | nothing, left out: its name is that of an identifier')
    expect(lines).toContain('admitted | dates | 9 values | nothing, left out: dates; --column admitted=categorical takes it')
    expect(lines).toContainEqual(expect.stringMatching(/^age \| numeric \| 21 to 79 \| 14 \| name, mean [\d.]+, deviation [\d.]+ \(of your rows\), that values may be missing$/))
    expect(lines).toContainEqual(expect.stringMatching(/^weight \| numeric \| 60\S* to \S+ \| 10 \| name, mean/))
    expect(lines).toContain('ward | categorical | 3 values | name, values "ICU", "surgery" (of your rows); 1 of fewer than 5 rows, not named')
    expect(lines).toContain('site | text | 1 value | nothing, left out: constant: "St. Mary" in every row')
    expect(lines).toContain('outcome | label | 2 classes | name, classes "ill", "well" (of your rows)')
    expect(lines).toContainEqual(expect.stringMatching(/^Told \| whoever joins reads the last column in the federation document, and its name "st-mary": no row, no range of your rows, .* the 3 columns left out$/))
    // before anything is founded
    expect(stdout.indexOf('Told')).toBeLessThan(stdout.indexOf('Identity'))

    const document = await readFile(join(folder, 'shown', 'federation.json'), 'utf8')
    for (const secret of ['P10000', 'patient_id', '2024', 'admitted', 'hospice', 'St. Mary', 'site']) {
      expect(document).not.toContain(secret)
    }
  })

  it('takes what its founder decides, and says it in the one line of JSON', async () => {
    const { exit, stdout } = await init('decided', '--json', '--drop', 'ward', '--column', 'age=categorical', '--column', 'site=ignore', '--rare', '2')
    expect(exit).toBe(0)
    const event = JSON.parse(stdout) as { table: { rows: number, columns: Array<{ name: string, role: string, kind: string }> } }
    expect(event.table.rows).toBe(200)
    expect(event.table.columns.map(({ name, role, kind }) => `${name} ${role} ${kind}`)).toEqual(['patient_id left out text', 'admitted left out dates', 'age input categorical', 'weight input numeric', 'ward left out text', 'site left out text', 'outcome label categorical'])
    const { model } = JSON.parse(await readFile(join(folder, 'decided', 'federation.json'), 'utf8')) as FederationDocument
    expect(model.input).toMatchObject({ columns: [{ kind: 'categorical', name: 'age', other: true }, { kind: 'numeric', name: 'weight' }] })
  })

  it.each<[string, string[], number, string]>([
    ['a choice without a kind', ['--column', 'age'], 2, '--column must be NAME=numeric, NAME=categorical or NAME=ignore'],
    ['two choices for one column', ['--drop', 'age', '--column', 'age=numeric'], 2, 'column "age" is to be ignore and numeric: say one of them'],
    ['a choice beside a preset', ['--preset', 'digits', '--drop', 'age'], 2, '--drop decides what a new federation\'s document says of a table: a preset says it already'],
    ['a choice of one who joins', ['--bootstrap', '/ip4/127.0.0.1/tcp/9', '--rare', '3'], 2, '--rare is for a new federation only'],
    ['a numeric target of words', ['--label', 'outcome', '--column', 'outcome=numeric'], 8, 'is no number to predict'],
    ['a column that there is not', ['--drop', 'wards'], 8, 'has no column "wards"']
  ])('refuses %s in one line, and makes no home', async (_, flags, exit, says) => {
    const outcome = await init('refused', ...flags)
    expect(outcome.stderr).toContain(says)
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(outcome.exit).toBe(exit)
    expect(existsSync(join(folder, 'refused'))).toBe(false)
  })

  it('takes a column whose name has an equals sign', () => {
    expect(tableChoices({ column: ['a=b=numeric'], drop: ['c'] }).columns).toEqual(new Map([['a=b', 'numeric'], ['c', 'ignore']]))
  })
})

describe('a site whose column has another unit', () => {
  it('is warned with numbers before it trains', async () => {
    await init('kilograms')
    const grams = join(folder, 'grams.csv')
    await writeFile(grams, patients((random) => String(Math.round(60_000 + 30_000 * random()))))
    const document = JSON.parse(await readFile(join(folder, 'kilograms', 'federation.json'), 'utf8')) as FederationDocument
    const node = createNode({ home: join(folder, 'grams'), federation: document, data: { kind: 'csv', file: grams }, listen: ['/ip4/127.0.0.1/tcp/0'], backend: 'wasm' })
    const warnings: Array<{ code: string, message: string }> = []
    node.addEventListener('warning', ({ detail }) => { warnings.push(detail) })
    await node.start()
    expect(node.describe().trainer).not.toHaveProperty('remarks')
    await node.stop({ force: true })
    expect(warnings).toContainEqual({ code: 'columns', message: expect.stringMatching(/^column "weight": mean 7\d{3}0 and deviation 8\d{3} here, 7\d\.?\d* and 8\.\d+ in the federation: are the units the same\?$/) as string })
  })
})
