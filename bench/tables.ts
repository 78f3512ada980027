/**
 * What reading a large table costs: `grapevine init` of this build beside an older one, and memory for a file of any
 * size
 *
 * npm run bench:tables -- --folder DIR. DIR is a checkout that is installed and built; without it this build runs
 * alone. `--gigabytes 2` reads a table of that size once more, for the memory it takes.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { median } from '../src/aggregators/median.ts'
import { inferInput } from '../src/data/data-formats.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { processorSeconds, residentPeakBytes } from './guard/processes.ts'

const POLL_MS = 20
const BLOCK_ROWS = 1_000
const MEBIBYTE = 1_048_576
const ROOT = resolve(import.meta.dirname, '../..')
const WORDS = ['north', 'east', 'south', 'west', 'centre'] as const

const { values } = parseArgs({
  options: {
    /** A checkout that is installed and built */
    folder: { type: 'string' },
    rows: { type: 'string', default: '200000' },
    columns: { type: 'string', default: '30' },
    runs: { type: 'string', default: '3' },
    gigabytes: { type: 'string', default: '0' }
  }
})

interface Measured {
  cpuSeconds: number
  wallSeconds: number
  peakMebibytes: number
}

/** Five kinds of columns in turn, 1 % of the numbers missing, and a label that follows from them */
function writer (columns: number): { header: string, row: () => string } {
  const random = seededRandom('bench/tables')
  const cell = (column: number): string => {
    const value = random()
    switch (column % 6) {
      case 5: return WORDS[Math.floor(value * WORDS.length)]!
      case 4: return String(Math.floor(100 * value))
      case 3: return (200 * value - 100).toFixed(2)
      default: return value < 0.01 ? '' : (200 * value - 100).toFixed(5)
    }
  }
  return {
    header: [...Array.from({ length: columns - 1 }, (_, i) => `c${i}`), 'label'].join(','),
    row: () => {
      const cells = Array.from({ length: columns - 1 }, (_, i) => cell(i))
      return [...cells, Number(cells[0]) > 0 ? 'yes' : 'no'].join(',')
    }
  }
}

/** Until there are so many rows, or so many bytes */
async function writeTable (file: string, { rows, bytes = Infinity }: { rows: number, bytes?: number }): Promise<void> {
  const { header, row } = writer(Number(values.columns))
  const out = createWriteStream(file)
  out.write(`${header}\n`)
  for (let written = 0; written < rows && out.bytesWritten < bytes; written += BLOCK_ROWS) {
    const block = Array.from({ length: Math.min(BLOCK_ROWS, rows - written) }, row)
    if (!out.write(`${block.join('\n')}\n`)) {
      await once(out, 'drain')
    }
  }
  out.end()
  await once(out, 'close')
}

/** One `init` in a home of its own */
async function runInit (build: string, folder: string, file: string): Promise<Measured> {
  const home = join(await mkdtemp(join(folder, 'home-')), 'home')
  const began = performance.now()
  const args = ['init', '--home', home, '--ledgers', join(folder, 'ledgers'), '--data', `csv:${file}`, '--backend', 'wasm', '--quiet']
  const child = spawn(process.execPath, [join(build, 'dist/peer/main.js'), ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  const measured: Measured = { cpuSeconds: 0, wallSeconds: 0, peakMebibytes: 0 }
  const poll = setInterval(() => {
    measured.cpuSeconds = Math.max(measured.cpuSeconds, processorSeconds(child.pid!))
    measured.peakMebibytes = Math.max(measured.peakMebibytes, residentPeakBytes(child.pid!) / MEBIBYTE)
  }, POLL_MS)
  const [code] = await once(child, 'exit') as [number | null]
  clearInterval(poll)
  if (code !== 0) {
    throw new Error(`init of ${build} ended with code ${code}`)
  }
  return { ...measured, wallSeconds: (performance.now() - began) / 1_000 }
}

function line (name: string, runs: readonly Measured[]): string {
  const of = (key: keyof Measured): string => median(runs.map((run) => run[key])).toFixed(1)
  return `| ${name} | ${of('cpuSeconds')} | ${of('wallSeconds')} | ${of('peakMebibytes')} |`
}

async function compare (folder: string): Promise<void> {
  const file = join(folder, 'table.csv')
  await writeTable(file, { rows: Number(values.rows) })
  const [before, now]: [Measured[], Measured[]] = [[], []]
  for (let run = 0; run < Number(values.runs); run++) {
    if (values.folder !== undefined) {
      before.push(await runInit(resolve(values.folder), folder, file))
    }
    now.push(await runInit(ROOT, folder, file))
  }
  console.log(`| init, ${values.rows} rows x ${values.columns} columns, ${((await stat(file)).size / MEBIBYTE).toFixed(0)} MiB | processor, s | wall, s | memory, MiB |`)
  console.log('| --- | --- | --- | --- |')
  if (values.folder !== undefined) {
    console.log(line(values.folder, before))
  }
  console.log(line('this build', now))
  if (values.folder !== undefined) {
    const ratios = before.map((each, i) => each.cpuSeconds / now[i]!.cpuSeconds)
    console.log(`processor time: ${median(ratios).toFixed(2)} times less`)
  }
}

/** In this process: what it keeps is bounded by columns and categories, not by rows */
async function measureMemory (folder: string): Promise<void> {
  const file = join(folder, 'large.csv')
  await writeTable(file, { rows: Infinity, bytes: Number(values.gigabytes) * 2 ** 30 })
  const began = performance.now()
  const { schema } = await inferInput({ kind: 'csv', file })
  const seconds = (performance.now() - began) / 1_000
  console.log(`${values.gigabytes} GiB, ${schema!.rows} rows: looked through in ${seconds.toFixed(0)} s, ${(process.resourceUsage().maxRSS / 1_024).toFixed(0)} MiB at most`)
}

const folder = await mkdtemp(join(tmpdir(), 'grapevine-tables-'))
try {
  await compare(folder)
  if (Number(values.gigabytes) > 0) {
    await measureMemory(folder)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
