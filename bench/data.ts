/**
 * npm run bench:data: the kinds of data in docs/data.md, three peers each, beside training alone and central training
 *
 * Real programs and files; tables, texts and pictures are made from a seed. Together and central are judged on examples
 * that nobody trained on: of a table and of texts the same for all, of pictures those that the first site, or all, held
 * out.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { trial } from './data/federation.ts'
import { writePictures } from './data/made-pictures.ts'
import { csvText, madeMachines, madePatients, madePayments } from './data/made-tables.ts'
import { madeNotes } from './data/made-texts.ts'
import type { Sites, TrialResult } from './data/federation.ts'
import type { MadeTable } from './data/made-tables.ts'
import type { EvaluationResult } from '../src/interface.ts'

const SITES = 3
const ROUNDS = 15
const TEST_SHARE = 0.2

interface Case {
  name: string
  /** Names the figure that counts: a field of `evaluate`'s figures */
  figure: string
  founding: readonly string[]
  write: (folder: string) => Promise<Sites>
}

/** Rows dealt out in turn: a fifth to test, the others to the sites */
async function writeTable (folder: string, table: MadeTable, kind: 'csv' | 'text' = 'csv'): Promise<Sites> {
  const tests = Math.floor(TEST_SHARE * table.rows.length)
  const rest = table.rows.slice(tests)
  const save = async (name: string, rows: string[][]): Promise<string> => {
    const file = join(folder, `${name}.csv`)
    await writeFile(file, csvText({ ...table, rows }))
    return file
  }
  const parts = Array.from({ length: SITES }, (_, site) => rest.filter((_, i) => i % SITES === site))
  return {
    sites: await Promise.all(parts.map(async (rows, site) => `${kind}:${await save(`site-${site + 1}`, rows)}`)),
    all: `${kind}:${await save('all', rest)}`,
    test: await save('test', table.rows.slice(0, tests))
  }
}

/** Each site's folder, and a folder with all of them; a part of each is held out to test on */
async function writeFolders (folder: string, each: number): Promise<Sites> {
  const save = async (name: string, from: number, count: number): Promise<string> => {
    const path = join(folder, name)
    await writePictures(path, { from, count, seed: 1 })
    return `images:${path}`
  }
  return {
    sites: await Promise.all(Array.from({ length: SITES }, async (_, site) => save(`pictures-${site + 1}`, site * each, each))),
    all: await save('pictures', 0, SITES * each)
  }
}

/** Each site's file, and the folder with all of them (data/patients-parquet/make.py) */
function writtenByArrow (): Sites {
  const folder = resolve(import.meta.dirname, '../../bench/data/patients-parquet')
  return {
    sites: Array.from({ length: SITES }, (_, site) => `parquet:${join(folder, 'sites', `site-${site + 1}.parquet`)}`),
    all: `parquet:${join(folder, 'sites')}`,
    test: join(folder, 'test.parquet')
  }
}

const CASES: readonly Case[] = [
  { name: 'patients', figure: 'auc', founding: [], write: async (folder) => writeTable(folder, madePatients(1_500, '1')) },
  { name: 'patients in Parquet', figure: 'auc', founding: [], write: async () => writtenByArrow() },
  { name: 'payments', figure: 'auc', founding: ['--label', 'verdict'], write: async (folder) => writeTable(folder, madePayments(6_000, '1')) },
  { name: 'machines', figure: 'r2', founding: ['--task', 'regression'], write: async (folder) => writeTable(folder, madeMachines(1_500, '1')) },
  { name: 'notes', figure: 'balancedAccuracy', founding: ['--vocabulary', '1000', '--rare', '2', '--length', '24', '--epochs', '3', '--learning-rate', '0.003'], write: async (folder) => writeTable(folder, madeNotes(1_200, '1'), 'text') },
  { name: 'digits as PNG files', figure: 'balancedAccuracy', founding: [], write: async (folder) => writeFolders(folder, 600) }
]

function figureOf ({ figures }: EvaluationResult, name: string): number {
  return Number((figures as unknown as Record<string, unknown>)[name])
}

function row (name: string, figure: string, { together, alone, central }: TrialResult): string {
  const mean = alone.reduce((sum, result) => sum + figureOf(result, figure), 0) / alone.length
  const cells = [figureOf(together, figure), mean, figureOf(central, figure)].map((value) => value.toFixed(3))
  return `| ${name} | ${figure} | ${cells.join(' | ')} |`
}

const wanted = process.argv.slice(2)
const root = await mkdtemp(join(tmpdir(), 'grapevine-data-'))
try {
  console.log(`three peers, ${ROUNDS} rounds\n\n| data | figure | together | alone, mean | central |\n| --- | --- | --- | --- | --- |`)
  for (const { name, figure, founding, write } of CASES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const folder = join(root, name)
    await mkdir(folder)
    console.log(row(name, figure, await trial({ folder, ...await write(folder), founding, rounds: ROUNDS })))
  }
} finally {
  await rm(root, { recursive: true, force: true })
}
