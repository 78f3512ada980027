/**
 * What tables become, to the bit: the founder's proposal, and every number that training sees, held to what the first
 * readers made of these tables, which read every cell as text (known-readings.json)
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inferInput, loadDataset } from '../../src/data/data-formats.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { DeclaredTable, TableChoices } from '../../src/data/table-schema.ts'
import type { Partition } from '../../src/interface.ts'
import type { Examples, Model } from '../../src/data/examples.ts'

const KNOWN = join(import.meta.dirname, 'known-readings.json')
const ROWS = 1_500

interface Writing {
  separator: ',' | ';' | '\t'
  decimal: '.' | ','
  /** Of the cells, so many stand in quotes */
  quoted: number
}

const PLAIN: Writing = { separator: ',', decimal: '.', quoted: 0 }

const NUMBERS = ['0', '-0', '+7', '007', '1e3', '1E-2', '.5', '5.', '123456789012345', '1234567890123456789', '0.1', '1e-300', '20240131', '-999', '-999.0', '1.005', '-12.50']

/** Every kind of cell that the readers tell apart */
function tableText (seed: string, { separator, decimal, quoted }: Writing): string {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const number = (text: string): string => text.replace('.', decimal)
  const columns: Array<[string, (row: number) => string]> = [
    ['plain', () => number((200 * random() - 100).toFixed(5))],
    ['gaps', () => random() < 0.1 ? pick(['', 'NA', 'nan', '?', '-999', '-']) : number((random() * 10).toFixed(1))],
    ['odd', () => number(pick(NUMBERS))],
    ['blanks', () => `${pick(['', ' ', '\u00a0'])}${Math.floor(100 * random())}${pick(['', ' '])}`],
    ['ward', () => pick(['north', 'east', 'south west', 'Straße', '-999', ''])],
    ['many', () => `w${Math.floor(5_000 * random() ** 3)}`],
    ['day', () => `202${Math.floor(5 * random())}0${1 + Math.floor(9 * random())}1${Math.floor(10 * random())}`],
    ['visit', (row) => String(100_000 + row)],
    ['long', () => random() < 0.01 ? 'x'.repeat(300) : 'short'],
    ['flag', () => pick(['0', '1'])],
    ['constant', () => '3'],
    ['patient', () => `p${Math.floor(200 * random())}`],
    ['outcome', () => number((50 * random()).toFixed(2))],
    ['label', () => pick(['yes', 'no', 'perhaps'])]
  ]
  const cell = (text: string): string => random() < quoted ? `"${text.trim()}"` : text
  const rows = Array.from({ length: ROWS }, (_, row) => columns.map(([, of]) => cell(of(row))).join(separator))
  return [columns.map(([name]) => name).join(separator), ...rows, ''].join('\n')
}

const DECLARED: DeclaredTable = {
  columns: new Map([
    ['plain', { kind: 'numeric', range: { min: -50, max: 150 }, unit: 'mg/l' }],
    ['gaps', { kind: 'numeric', missingInput: true, constant: 3 }],
    ['odd', { kind: 'numeric', told: { mean: 12, stdDev: 4 } }],
    ['ward', { kind: 'categorical', values: ['north', 'east'], missingInput: true }],
    ['flag', { kind: 'categorical' }]
  ]),
  classes: ['no', 'yes', 'perhaps', 'never'],
  marks: ['NA', 'nan', '?', '-', '-999'],
  group: 'patient'
}

interface Case {
  name: string
  writing: Writing
  choices: TableChoices
  partition?: Partition
}

const CASES: readonly Case[] = [
  { name: 'judged by its values', writing: PLAIN, choices: {} },
  { name: 'with quotes', writing: { ...PLAIN, quoted: 0.2 }, choices: {} },
  { name: 'with decimal commas', writing: { separator: ';', decimal: ',', quoted: 0 }, choices: {} },
  { name: 'with decimal commas, tabs and quotes', writing: { separator: '\t', decimal: ',', quoted: 0.1 }, choices: {} },
  { name: 'a number to predict', writing: PLAIN, choices: { label: 'outcome', task: 'regression', columns: new Map([['long', 'ignore'], ['flag', 'categorical']]) } },
  { name: 'declared', writing: PLAIN, choices: { declared: DECLARED } },
  { name: 'declared, with decimal commas', writing: { separator: ';', decimal: ',', quoted: 0.1 }, choices: { declared: DECLARED } },
  { name: 'declared, a number to predict', writing: PLAIN, choices: { declared: { ...DECLARED, classes: undefined }, label: 'outcome', task: 'regression', target: { range: { min: 0, max: 60 } } } },
  { name: 'a part', writing: PLAIN, choices: {}, partition: { strategy: 'dirichlet', index: 1, count: 3, seed: 7 } },
  { name: 'a part by groups', writing: PLAIN, choices: { declared: DECLARED }, partition: { strategy: 'iid', index: 0, count: 4, seed: 7 } }
]

function digestOf (value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

function bytesDigest (values: NodeJS.TypedArray | undefined): string | null {
  return values === undefined ? null : createHash('sha256').update(Buffer.from(values.buffer, values.byteOffset, values.byteLength)).digest('hex')
}

function examplesDigest (examples: Examples): unknown {
  const { count, featureCount } = examples
  const inputs = new Float32Array(count * featureCount)
  for (let row = 0; row < count; row++) {
    examples.writeInputs(row, inputs, row * featureCount)
  }
  return [count, featureCount, bytesDigest(inputs), bytesDigest(examples.labels), bytesDigest(examples.targets), bytesDigest(examples.recordDigests)]
}

async function readingsOf (file: string, { choices, partition }: Case): Promise<Record<string, string>> {
  const source = { kind: 'csv', file } as const
  const { schema, ...inferred } = await inferInput(source, choices)
  const model = { ...inferred, seed: 1, layers: [] } as unknown as Model
  const { train, test, split, remarks } = await loadDataset(source, model, partition)
  return { inferred: digestOf(inferred), schema: digestOf(schema), train: digestOf(examplesDigest(train)), test: digestOf(examplesDigest(test)), split: digestOf([split, (remarks ?? []).map((line) => line.replaceAll(file, ''))]) }
}

describe('A table becomes, to the bit, what the first readers made of it', () => {
  let folder: string
  const found: Record<string, Record<string, string>> = {}
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'grapevine-readings-')) })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
    if (process.env['UPDATE_READINGS'] === '1') {
      await writeFile(KNOWN, `${JSON.stringify(found, undefined, 2)}\n`)
    }
  })

  it.each(CASES)('$name', async (each) => {
    const file = join(folder, `${CASES.indexOf(each)}.csv`)
    await writeFile(file, tableText(each.name, each.writing))
    found[each.name] = await readingsOf(file, each)
    if (process.env['UPDATE_READINGS'] !== '1') {
      const known = JSON.parse(await readFile(KNOWN, 'utf8')) as typeof found
      expect(found[each.name]).toEqual(known[each.name])
    }
  })
})
