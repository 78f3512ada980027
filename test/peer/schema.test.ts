/**
 * A schema that a founder edits: what the rows say stays with the founder, what is declared is all that others read
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError, UsageError } from '../../peer/errors.ts'
import { founding } from '../../peer/founding.ts'
import { withoutStatistics } from '../../peer/published-statistics.ts'
import { readSchemaFile } from '../../peer/schema-file.ts'
import { schemaText, tomlText } from '../../peer/schema-text.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { inferTable } from '../../src/data/infer-table.ts'
import { DatasetError } from '../../src/errors.ts'
import { encodeFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { hostileText, steering } from '../hostile-text.ts'
import arrays from '../data/arrays/known-arrays.json' with { type: 'json' }
import tables from '../data/parquet/known-tables.json' with { type: 'json' }
import { run } from './program.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Dataset } from '../../src/data/examples.ts'

let folder: string

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'gv-schema-')) })
afterAll(async () => { await rm(folder, { recursive: true }) })

interface Hospital {
  seed?: string
  columns?: readonly string[]
  classes?: readonly string[]
  weight?: (kilograms: number) => string
  bom?: string
}

/** A hundred patients, three visits each */
async function hospital (name: string, { seed = name, columns = ['patient_id', 'admitted', 'age', 'weight', 'ward', 'outcome'], classes = ['ill', 'well'], weight = (kilograms) => kilograms.toFixed(1), bom = '' }: Hospital = {}): Promise<string> {
  const random = seededRandom(seed)
  const lines = Array.from({ length: 300 }, (_, i) => {
    const cells: Record<string, string> = {
      patient_id: `P${10_000 + i % 100}`,
      admitted: `2024-0${1 + i % 9}-11`,
      age: random() < 0.1 ? '' : String(20 + Math.floor(70 * random())),
      weight: random() < 0.1 ? '?' : weight(50 + 60 * random()),
      ward: ['ICU', 'surgery', `${name}-ward`][i % 3]!,
      site: name,
      outcome: classes[Math.floor(classes.length * random())]!
    }
    return columns.map((column) => cells[column]).join(',')
  })
  const file = join(folder, `${name}.csv`)
  await writeFile(file, `${bom}${[columns.join(','), ...lines].join('\n')}\n`)
  return file
}

async function proposed (file: string, counts = false): Promise<string> {
  const { schema } = await inferTable(file)
  return schemaText({ command: `grapevine init --data csv:${file} --schema FILE`, table: schema, rareRows: 5, counts })
}

let written = 0

async function toml (text: string): Promise<string> {
  const file = join(folder, `schema-${written++}.toml`)
  await writeFile(file, text)
  return file
}

const DECLARED = `
label = "outcome"
classes = ["ill", "well"]
group = "patient_id"

[columns.age]
kind = "numeric"
unit = "years"
min = 0
max = 120
missing-input = true

[columns.weight]
kind = "numeric"
unit = "kg"
min = 20
max = 220
missing = 70

[columns.ward]
kind = "categorical"
values = ["ICU", "surgery"]
missing-input = true
`

async function found (file: string, schema: string, privacy?: 'dp-sgd'): Promise<FederationDocument> {
  return (await founding({ data: `csv:${file}`, schema: await toml(schema), ...(privacy === undefined ? {} : { privacy }) })).document
}

async function refusal (promise: Promise<unknown>): Promise<Error> {
  const err = await promise.then(() => undefined, (reason: unknown) => reason)
  expect(err).toBeInstanceOf(Error)
  expect((err as Error).message).not.toContain('\n')
  return err as Error
}

describe('a proposed schema', () => {
  it('unedited makes the document that there would be without it', async () => {
    const file = await hospital('mary')
    const { columns, ...without } = (await inferTable(file)).input
    const { columns: own, ...rest } = (await inferTable(file, await readSchemaFile(await toml(await proposed(file))))).input
    expect([own, rest]).toEqual([columns, without])
  })

  it('holds no rows of classes but for the own screen, and what it proposes as a range is no extreme of a row', async () => {
    const file = await hospital('counts')
    const [screen, kept] = [await proposed(file, true), await proposed(file)]
    expect(screen).toMatch(/^# Rows: "ill" 1\d\d, "well" 1\d\d$/m)
    expect(kept).not.toMatch(/"ill" 1|300 rows$/m)
    expect(kept).toMatch(/^# 20 to 89, \d\d different values, \d+ of 300 rows without one \(\d+\.\d %\)\n\[columns\.age\]\nkind = "numeric"\n# unit = "kg"\n# min = 0\n# max = 100\nmissing-input = true$/m)
  })

  it('is TOML whatever the names and values, and steers no terminal', async () => {
    fc.assert(fc.property(fc.oneof(hostileText, fc.constantFrom('a"b\\c', '😀', '__proto__', 'constructor', '# = [x]')), (text) => {
      const line = `${tomlText(text)} = ${tomlText(text)}`
      expect(steering(line)).toBeUndefined()
      expect(line).not.toContain('\n')
      const unicode = text.replace(/\p{Cs}/gu, '\ufffd')
      expect(Object.entries(parse(line))).toEqual([[unicode, unicode]])
    }))
    const name = 'we\u001b[2J\r"ight'
    const file = join(folder, 'hostile.csv')
    await writeFile(file, [`"${name.replaceAll('"', '""')}",x,label`, ...Array.from({ length: 40 }, (_, i) => `${i % 2 === 0 ? '\u202eb' : '"c\nd"'},${i % 7},${i % 2}`)].join('\n'))
    const text = await proposed(file, true)
    expect(steering(text)).toBeUndefined()
    expect((await inferTable(file, await readSchemaFile(await toml(text)))).input.columns[0]).toMatchObject({ name, values: ['c\nd', '\u202eb'] })
  })
})

describe('a declared schema', () => {
  it('makes one document of whatever rows: nothing in it was computed from them, and a mechanism may promise', async () => {
    const documents = await Promise.all(['one', 'two'].map(async (name) => found(await hospital(name), DECLARED, 'dp-sgd')))
    const [one, two] = documents.map((document) => Buffer.from(encodeFederation({ ...document, name: 'same' })).toString('hex'))
    expect(one).toBe(two)
    expect(documents[0]!.model.input).toEqual({
      kind: 'table',
      label: 'outcome',
      group: 'patient_id',
      columns: [
        { kind: 'numeric', name: 'age', mean: 60, stdDev: 120 / Math.sqrt(12), unit: 'years', min: 0, max: 120, missing: { indicator: true } },
        { kind: 'numeric', name: 'weight', mean: 120, stdDev: 200 / Math.sqrt(12), unit: 'kg', min: 20, max: 220, missing: { constant: 70 } },
        { kind: 'categorical', name: 'ward', values: ['ICU', 'surgery'], other: true, missing: true }
      ]
    })
  })

  it.each<[string, string, string, RegExp]>([
    ['a key that it does not know', 'unit = "kg"', 'units = "kg"', /column "weight": unknown field "units" \(did you mean "unit"\?\)/],
    ['a key of the file that it does not know', 'group =', 'groups =', /unknown field "groups" \(did you mean "group"\?\)/],
    ['a kind that there is not', 'kind = "numeric"', 'kind = "numerical"', /column "age": kind must be .* \(did you mean "numeric"\?\)/],
    ['half a range', 'min = 20\n', '', /column "weight": "min" and "max" are one range/],
    ['a range the wrong way', 'min = 20\n', 'min = 2000\n', /"min" and "max" are one range/],
    ['a mean alone', 'unit = "kg"', 'mean = 70', /"mean" and "deviation" go together/],
    ['infinity', 'max = 220', 'max = inf', /column "weight": max: must be a number/],
    ['a date', 'max = 220', 'max = 2024-01-01', /column "weight": max: must be a number/],
    ['a value twice', '"ICU", "surgery"', '"ICU", "ICU"', /column "ward": the value "ICU" stands there twice/],
    ['the label as an input', '[columns.age]', '[columns.outcome]', /column "outcome": is the label/],
    ['what is no TOML', '[columns.age]', '[columns.age', /schema-\d+\.toml:\d+:\d+: not valid TOML/],
    ['a column twice', '[columns.age]', '[columns.weight]', /not valid TOML/]
  ])('is refused with %s, by name', async (_, before, after, message) => {
    const err = await refusal(readSchemaFile(await toml(DECLARED.replace(before, after))))
    expect(err).toBeInstanceOf(ConfigurationError)
    expect(err.message).toMatch(message)
  })

  it('is refused where its columns and classes are not those of the file', async () => {
    const file = await hospital('other')
    const missing = await refusal(found(file, DECLARED.replace('[columns.weight]', '[columns.Weight]')))
    expect(missing).toBeInstanceOf(DatasetError)
    expect(missing.message).toMatch(/has no column "Weight"; it has .* \(did you mean "weight"\?\)/)
    expect((await refusal(found(file, DECLARED.replace('"well"]', '"healthy"]')))).message).toMatch(/column "outcome": "well" is not one of the classes that the schema declares, "ill", "healthy"; correct it, or declare it, too/)
    expect((await refusal(found(file, DECLARED.replace('[columns.age]', '[columns.patient_id]\nkind = "ignore"\n[columns.admitted]')))).message).toMatch(/column "admitted": "2024-01-11" is no number/)
  })

  it('cannot be had beside flags that decide the same', async () => {
    const settings = { data: `csv:${await hospital('flags')}`, schema: await toml(DECLARED), label: 'outcome', drop: ['age'] }
    expect(await refusal(founding(settings))).toMatchObject({ name: 'UsageError', message: expect.stringContaining('say there what --label and --drop would') as string })
  })
})

describe('a private federation', () => {
  it('tells nothing of its founder\'s rows but by the founder\'s leave, and says what it would tell', async () => {
    const data = `csv:${await hospital('private')}`
    const err = await refusal(founding({ data, privacy: 'dp-sgd' }))
    expect(err).toBeInstanceOf(UsageError)
    expect(err.message).toMatch(/^under dp-sgd the document may tell nothing that was computed from your rows, and it would tell means and deviations of "age", "weight", the values of "ward", the classes of "outcome": declare them \(grapevine schema \S+private\.csv --output schema\.toml, edit it, then --schema schema\.toml\), or let everyone read them, outside of the promise \(--publish-statistics\)$/)
    expect((await refusal(founding({ data, privacy: 'update-level', schema: await toml(DECLARED.replace('classes = ["ill", "well"]\n', '').replace('min = 20\nmax = 220\n', '')) }))).message)
      .toMatch(/it would tell means and deviations of "weight", the classes of "outcome": declare/)
    expect((await founding({ data, privacy: 'dp-sgd', publishStatistics: true })).document.privacy.mechanism).toBe('dp-sgd')
    expect((await founding({ data })).document.privacy.mechanism).toBe('none')
    expect((await refusal(founding({ preset: 'digits', publishStatistics: true }))).message).toMatch(/this one is not made from them/)
  })
})

describe('a private federation of pictures', () => {
  it('is standardised by the range of pixels, not by its founder\'s mean', () => {
    const document = presetDocument('digits-private')
    const fitted = { ...document, model: { ...document.model, input: { kind: 'image' as const, shape: [28, 28, 1], mean: 0.1307, stdDev: 0.3081 } } }
    expect(withoutStatistics(fitted, {}).model.input).toMatchObject({ mean: 0.5, stdDev: 1 / Math.sqrt(12) })
    expect(withoutStatistics(fitted, { publishStatistics: true })).toBe(fitted)
    const open = { ...fitted, privacy: { mechanism: 'none' as const } }
    expect(withoutStatistics(open, {})).toBe(open)
  })
})

describe('three sites with one schema', () => {
  const load = async (document: FederationDocument, file: string): Promise<Dataset> => loadDataset({ kind: 'csv', file }, document.model)

  it('work where one lacks a class and another has more columns in another order, and grams are refused by name', async () => {
    const document = await found(await hospital('founder'), DECLARED)
    const lacking = await load(document, await hospital('lacking', { classes: ['well'] }))
    expect([new Set(lacking.train.labels), lacking.remarks]).toEqual([new Set([1]), undefined])
    const wider = await load(document, await hospital('wider', { columns: ['outcome', 'site', 'weight', 'ward', 'patient_id', 'age'], bom: '\ufeff' }))
    expect([wider.train.featureCount, wider.remarks, wider.split]).toEqual([6, undefined, { by: 'groups', column: 'patient_id' }])
    const grams = await refusal(load(document, await hospital('grams', { weight: (kilograms) => String(Math.round(1000 * kilograms)) })))
    expect(grams).toBeInstanceOf(DatasetError)
    expect(grams.message).toMatch(/grams\.csv does not fit the federation: column "weight": \d+ of \d+ values lie outside of the declared range 20 to 220 \(kg\), their mean is [78]\d{3}0: convert them in this file/)
    const renamed = await refusal(load(document, await hospital('renamed', { columns: ['patient_id', 'outcome', 'site', 'age', 'ward'] })))
    expect(renamed.message).toMatch(/renamed\.csv has no column "weight", which the federation takes as an input/)
  })
})

describe('the program', () => {
  it('writes a schema that only its owner can read, never over another one, and founds with it', async () => {
    const file = await hospital('program')
    const output = join(folder, 'program.toml')
    const wrote = await run(['schema', file, '--output', output])
    expect([wrote.exit, (await stat(output)).mode & 0o777]).toEqual([0, 0o600])
    const text = await readFile(output, 'utf8')
    const again = await run(['schema', file, '--output', output])
    expect([again.exit, await readFile(output, 'utf8')]).toEqual([2, text])
    expect(again.stderr).toContain('exists already')
    await writeFile(output, DECLARED)
    const home = join(folder, 'home')
    const refused = await run(['init', '--home', home, '--data', `csv:${file}`, '--privacy', 'dp-sgd', '--backend', 'wasm'])
    expect([refused.exit, existsSync(home)]).toEqual([2, false])
    const { exit, stdout } = await run(['init', '--home', home, '--data', `csv:${file}`, '--schema', output, '--privacy', 'dp-sgd', '--backend', 'wasm'])
    expect(exit).toBe(0)
    expect(stdout).toMatch(/patient_id +group .* all rows of one value are trained on or all tested on/)
    expect(stdout).toMatch(/age +numeric .* name, range 0 to 120, unit "years" \(declared\), that values may be missing/)
    expect(stdout).toMatch(/240 examples to train, 60 to test \(whole groups of "patient_id"\)/)
    expect(stdout).not.toMatch(/of your rows\)/)
  })

  it.each([
    ['a number to predict', ['--label', 'dose', '--task', 'regression', '--target-range', '0..120', '--target-unit', 'years', '--rare', '2'], ' --task regression --target-range 0..120 --target-unit years'],
    ['a number by the kind of its column', ['--label', 'dose', '--column', 'dose=numeric', '--drop', 'ward'], ' --task regression'],
    ['how the file is written', ['--separator', ',', '--decimal', 'point'], ' --separator , --decimal point'],
    ['nothing', [], '']
  ])('says in the next command what was said here: %s', async (name, flags, carried) => {
    const file = join(folder, `next ${name}.csv`)
    await writeFile(file, ['dose,ward,outcome', ...Array.from({ length: 60 }, (_, i) => `${(i * 7) % 60 + 0.5},${i % 3 === 0 ? 'a' : 'b'},${i % 2 === 0 ? 'ill' : 'well'}`), ''].join('\n'))
    const output = join(folder, `next ${name}.toml`)
    const { exit, stdout } = await run(['schema', file, ...flags, '--output', output])
    expect(exit).toBe(0)
    const command = stdout.trimEnd().split('\n').at(-1)!
    expect(command).toBe(`grapevine init --data 'csv:${file}' --schema '${output}'${carried}`)
    expect(await readFile(output, 'utf8')).toContain(`#   ${command}\n`)
    const { document } = await founding({ data: `csv:${file}`, schema: output, ...(carried.includes('regression') ? { task: 'regression' } : {}), ...(carried.includes('0..120') ? { targetRange: '0..120' } : {}) })
    expect(document.model.target !== undefined).toBe(carried.includes('regression'))
    expect(document.model.input.kind === 'table' && document.model.input.columns.some(({ name }) => name === 'ward')).toBe(!flags.includes('ward'))
  })

  it('keeps in the file from how many rows on values are named', async () => {
    const file = join(folder, 'rare.csv')
    await writeFile(file, ['colour,x,label', ...Array.from({ length: 60 }, (_, i) => `${i < 3 ? 'violet' : 'red'},${i},${i % 2 === 0 ? 'a' : 'b'}`), ''].join('\n'))
    const output = join(folder, 'rare.toml')
    await run(['schema', file, '--rare', '2', '--output', output])
    const { document } = await founding({ data: `csv:${file}`, schema: output })
    const own = (await founding({ data: `csv:${file}`, rare: 2 })).document
    expect(document.model.input).toEqual(own.model.input)
    expect(document.model.input).toMatchObject({ columns: [{ values: ['red', 'violet'] }] })
  })

  it('reads Parquet files and arrays, whose kind is in the next command; pictures have no columns', async () => {
    const parquet = join(folder, 'patients.parquet')
    await writeFile(parquet, Buffer.from(tables.patients, 'base64'))
    const own = await run(['schema', parquet, '--output', join(folder, 'parquet.toml')])
    expect(own.stdout.trimEnd().split('\n').at(-1)).toBe(`grapevine init --data parquet:${parquet} --schema ${join(folder, 'parquet.toml')}`)
    const npz = join(folder, 'table.npz')
    await writeFile(npz, Buffer.from(arrays.table, 'base64'))
    const array = await run(['schema', npz, '--output', join(folder, 'npy.toml')])
    expect([array.exit, array.stdout.trimEnd().split('\n').at(-1)]).toEqual([0, `grapevine init --data npy:${npz} --schema ${join(folder, 'npy.toml')}`])
    expect((await founding({ data: `npy:${npz}`, schema: join(folder, 'npy.toml') })).document.model.input.kind).toBe('table')
    const pictures = join(folder, 'pictures.npz')
    await writeFile(pictures, Buffer.from(arrays.images.keras, 'base64'))
    const refused = await run(['schema', `npy:${pictures}`])
    expect([refused.exit, refused.stderr]).toEqual([2, expect.stringContaining('holds pictures, which have no columns: grapevine init --data npy:') as string])
    expect((await run(['schema', 'images:scans'])).stderr).toContain('images:scans is no table: a schema is that of csv:FILE, parquet:FILE, jsonl:FILE or npy:PATH')
  })
})
