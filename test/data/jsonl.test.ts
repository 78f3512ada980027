import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { readInputs } from '../../src/data/input-formats.ts'
import { DatasetError } from '../../src/errors.ts'
import type { Dataset, Model } from '../../src/data/examples.ts'
import type { DatasetSource } from '../../src/interface.ts'

let folder: string
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'grapevine-jsonl-')) })
afterAll(async () => { await rm(folder, { recursive: true, force: true }) })

let files = 0
async function written (content: string | Buffer, extension = 'jsonl'): Promise<string> {
  const file = join(folder, `${files++}.${extension}`)
  await writeFile(file, content)
  return file
}

interface Patient { age: number | null, ward?: string | null, smoker: boolean, label: string }

const PATIENTS: readonly Patient[] = Array.from({ length: 60 }, (_, i) => ({
  age: i % 7 === 0 ? null : i / 8,
  ...(i % 11 === 3 ? {} : { ward: i % 5 === 0 ? null : ['north', 'south "x"', ' Straße '][i % 3]! }),
  smoker: i % 2 === 0,
  label: i % 3 === 0 ? 'yes' : 'no'
}))

function csvCell (value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? '' : `"${String(value).trim().replaceAll('"', '""')}"`
}

const LINES = `${PATIENTS.map((row) => JSON.stringify(row)).join('\n')}\n`
const CSV = ['age,ward,smoker,label', ...PATIENTS.map(({ age, ward, smoker, label }) => [age, ward, smoker, label].map(csvCell).join(',')), ''].join('\n')

async function modelOf (source: DatasetSource): Promise<Model> {
  const { schema: _, ...inferred } = await inferInput(source)
  return { ...inferred, seed: 1, layers: [] } as unknown as Model
}

function seenOf ({ train, test, split }: Dataset): unknown {
  return [split, ...[train, test].map((examples) => {
    const inputs = new Float32Array(examples.count * examples.featureCount)
    for (let i = 0; i < examples.count; i++) {
      examples.writeInputs(i, inputs, i * examples.featureCount)
    }
    return [examples.labels, inputs, examples.recordDigests]
  })]
}

describe('JSON Lines are a table', () => {
  it.each<[string, (text: string) => string | Buffer, string]>([
    ['as they are', (text) => text, 'jsonl'],
    ['called ndjson', (text) => text, 'ndjson'],
    ['known by their beginning', (text) => text, 'txt'],
    ['with a byte order mark, CRLF and blank lines', (text) => `\ufeff${text.replaceAll('\n', '\r\n\r\n')}`, 'jsonl'],
    ['in UTF-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le'), 'jsonl'],
    ['compressed', (text) => gzipSync(text), 'jsonl.gz'],
    ['compressed, known by their beginning', (text) => gzipSync(text), 'gz'],
    ['without a last line end', (text) => text.trimEnd(), 'jsonl']
  ])('%s: document, examples and digests are those of the CSV file of the same cells', async (_, write, extension) => {
    const table = { kind: 'csv', file: await written(CSV, 'csv') } as const
    const lines = { kind: 'jsonl', file: await written(write(LINES), extension) } as const
    const model = await modelOf(table)
    expect(await modelOf(lines)).toEqual(model)
    expect(seenOf(await loadDataset(lines, model))).toEqual(seenOf(await loadDataset(table, model)))
  })

  it('whose columns are the names of all lines, also of the last one', async () => {
    const file = await written(`${LINES}{"label":"no","late":3}\n`)
    const { schema } = await inferInput({ kind: 'jsonl', file })
    expect(schema!.columns.map(({ name, missing }) => [name, missing])).toEqual([['age', 10], ['ward', expect.any(Number)], ['smoker', 1], ['label', 0], ['late', 60]])
    expect(schema!.rows).toBe(61)
  })

  it('of which predictions are made without a label', async () => {
    const model = await modelOf({ kind: 'csv', file: await written(CSV, 'csv') })
    const taken: Float32Array[] = []
    const take = async ({ inputs, count }: { inputs: Float32Array, count: number }): Promise<void> => { taken.push(inputs.slice(0, count * inputs.length / 1024)) }
    const unlabelled = PATIENTS.map(({ label: _, ...row }) => JSON.stringify(row)).join('\n')
    expect(await readInputs({ path: await written(unlabelled) }, model, take)).toBe(60)
    expect(await readInputs({ path: await written(CSV, 'csv') }, model, take)).toBe(60)
    expect(taken[0]).toEqual(taken[1])
  })

  it('said to be read in two halves', async () => {
    const shares: number[] = []
    await inferInput({ kind: 'jsonl', file: await written(LINES) }, {}, { onRead: (share) => { shares.push(share) } })
    expect(shares).toEqual([0.5, 1])
  })
})

const GOOD = '{"a":1,"label":"x"}'

describe('JSON Lines are refused in one line', () => {
  it.each<[string, string, RegExp]>([
    ['an object in a cell', `${GOOD}\n{"a":{"b":1},"label":"x"}`, /line 2: "a" holds an object \("a\.b"\), and nested values are no cells/],
    ['an array in a cell', '{"a":[1],"label":"x"}', /line 1: "a" holds an array \("a\[0\]"\)/],
    ['a name twice', `${GOOD}\n\n{"a":1,"label":"x","a":2}`, /line 3: "a" is there twice/],
    ['a name twice, once nested', '{"a":{"a":1},"label":"x","a":2}', /line 1: "a" is there twice/],
    ['a name twice, written in two ways', '{"a":1,"label":"x","\\u0061":2}', /line 1: "a" is there twice/],
    ['NaN', '{"a":NaN,"label":"x"}', /line 1: NaN is no JSON; write null/],
    ['Infinity', '{"a":-Infinity,"label":"x"}', /line 1: -Infinity is no JSON; write null/],
    ['a number beyond doubles', '{"a":1e999,"label":"x"}', /line 1: "a" is a number too large/],
    ['more digits than doubles have', '{"a":12345678901234567890,"label":"x"}', /line 1: "a" is a whole number of more digits/],
    ['single quotes', '{"b":1}\n{\'a\':1}', /line 2: no complete JSON object/],
    ['a comma too many', '{"a":1,}', /line 1: no complete JSON object/],
    ['a text of several lines', '{\n"a":1\n}', /line 1: a JSON text of several lines.*jq/],
    ['an array', `${GOOD}\n[1,2]`, /line 2: an array, and no object/],
    ['a number', `${GOOD}\n7`, /line 2: 7, and no object/],
    ['null', `${GOOD}\nnull`, /line 2: null, and no object/],
    ['two objects in a line', `${GOOD}${GOOD}`, /line 1: no complete JSON object/],
    ['half of a line', `${GOOD}\n{"a":1,"la`, /line 2: no complete JSON object/],
    ['a zero byte', `${GOOD}\n{"a":"\0"}`, /line 2: a zero byte/],
    ['one name', '{"a":1}', /one name only, "a"/],
    ['no names', '{}', /no names in its objects/],
    ['nothing', '\n\n', /is empty/],
    ['a line without end', `{"a":"${'x'.repeat(2 ** 20)}"}`, /line 1: the line is longer than 1048576/],
    ['a line without end in the middle', `${GOOD}\n{"a":"${'x'.repeat(2 ** 20)}`, /line 2: the line is longer than 1048576/],
    ['names that are values', Array.from({ length: 5_000 }, (_, i) => `{"k${i}":1}`).join('\n'), /line 4097: the objects have more than 4096 names/],
    ['a hundred thousand names in a line', `{${Array.from({ length: 80_000 }, (_, i) => `"${i}":1`).join(',')}}`, /line 1: the object has 80000 names, more than the 4096 columns/],
    ['many numbers that doubles do not hold', `{${Array.from({ length: 60_000 }, (_, i) => `"${i}":1e99`).join(',')}}`, /line 1: the object has 60000 names/],
    ['half of a line of escaped text', `{"a":"${'\\"'.repeat(400_000)}`, /line 1: no complete JSON object/]
  ])('%s', async (_, text, message) => {
    const failure = inferInput({ kind: 'jsonl', file: await written(text) })
    await expect(failure).rejects.toThrow(message)
    await expect(failure).rejects.toThrow(DatasetError)
    await expect(failure).rejects.not.toThrow('\n')
  })

  it.each<[string, string, RegExp]>([
    ['a JSON array', '[{"a":1}]', /does not begin with an object; a JSON array becomes one by jq/],
    ['a CSV file', 'a,b\n1,2\n', /does not begin with an object.*csv:FILE/]
  ])('what is something else: %s', async (_, text, message) => {
    await expect(inferInput({ kind: 'jsonl', file: await written(text, 'json') })).rejects.toThrow(message)
  })

  it('a pipe, which would be waited for at the second reading', async () => {
    const pipe = join(folder, 'pipe.jsonl')
    execFileSync('mkfifo', [pipe])
    await expect(inferInput({ kind: 'jsonl', file: pipe })).rejects.toThrow(/pipe\.jsonl is no file, and JSON Lines are read twice: save them as one$/)
  })

  it('no number that is exact, whatever others stand beside it', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `{"a":${i % 12}e15,"id":${1234567890123400 + i},"label":"${i % 2 === 0 ? 'x' : 'y'}"}`)
    const { schema } = await inferInput({ kind: 'jsonl', file: await written(rows.join('\n')) })
    expect(schema!.columns.map(({ name }) => name)).toEqual(['a', 'id', 'label'])
  })

  it('a name that no prototype lends, and one that it has', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `{"__proto__":${i},"constructor":${i % 4},"label":"${i % 2 === 0 ? 'x' : 'y'}"}`)
    const { schema } = await inferInput({ kind: 'jsonl', file: await written(rows.join('\n')) }, { columns: new Map([['__proto__', 'numeric']]) })
    expect(schema!.columns.map(({ name }) => name)).toEqual(['__proto__', 'constructor', 'label'])
  })
})
