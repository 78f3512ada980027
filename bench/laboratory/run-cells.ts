/**
 * Runs cells on worker threads, each of which takes the next one when it is done
 */
import { Worker } from 'node:worker_threads'
import { codeDigest, keyOf, knownCells, remember } from './known-cells.ts'
import type { DatasetSource } from '../../src/interface.ts'
import type { Cell, CellResult } from './cell.ts'

export interface Finished<C extends Cell = Cell> {
  cell: C
  result: CellResult
}

const percent = (share: number, digits = 1): string => (100 * share).toFixed(digits)

function reasons ({ liesRefused = {} }: CellResult): string {
  const parts = Object.entries(liesRefused).map(([reason, share]) => `${percent(share, 0)} ${reason}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

/** One line to standard error */
function report ({ cell, result }: Finished, progress: string): void {
  const parts = [
    progress,
    ...('recipe' in cell ? [String(cell.recipe)] : []),
    cell.rule,
    cell.attack,
    cell.lies,
    ...(cell.lieEvery === 1 ? [] : [`every ${cell.lieEvery} rounds`]),
    ...(cell.quarantine ? [] : ['no quarantine']),
    ...(cell.resample === 0 ? [] : [`re-sampled ${cell.resample}`]),
    `seed ${cell.seed}`,
    `${percent(result.accuracy)} %`,
    `worst ${percent(result.worst)}`,
    `mean model ${percent(result.averageModelAccuracy)}`,
    `consensus ${result.consensus.toPrecision(3)}`,
    ...(result.backdoorSuccess === null ? [] : [`backdoor ${percent(result.backdoorSuccess)} %`]),
    `left out ${percent(result.byzantineExcluded, 0)} % of lies${reasons(result)}, ${percent(result.honestExcluded, 0)} % of honest`,
    ...(result.failed === 0 ? [] : [`${result.failed} ended`]),
    `${result.seconds.toFixed(0)} s`
  ]
  process.stderr.write(`${parts.join('  ')}\n`)
}

export interface RunOptions {
  source: DatasetSource
  threads: number
  /** The threads' entry point. @default cell-worker.js */
  worker?: URL
  /** File of results, which are taken from it and put into it: see known-cells.ts */
  resume?: string | undefined
}

/** All of them, in the order in which they finished. Rejects when a cell throws */
export async function runCells<C extends Cell> (cells: readonly C[], { source, threads, worker: entry = new URL('./cell-worker.js', import.meta.url), resume }: RunOptions): Promise<Array<Finished<C>>> {
  const code = `${await codeDigest()} ${JSON.stringify(source)}`
  const known = resume === undefined ? new Map<string, CellResult>() : await knownCells(resume, code)
  const finished: Array<Finished<C>> = []
  const pending: C[] = []
  for (const cell of cells) {
    const result = known.get(keyOf(cell))
    result === undefined ? pending.push(cell) : finished.push({ cell, result })
  }
  process.stderr.write(`${cells.length} cells on ${source.kind === 'idx' ? 'MNIST' : 'generated digits'}, ${finished.length} of them known\n`)
  await Promise.all(Array.from({ length: Math.min(threads, pending.length) }, async () => new Promise<void>((resolve, reject) => {
    const worker = new Worker(entry, { workerData: { source } })
    worker.on('error', reject)
    worker.on('message', (message: 'ready' | Finished<C>) => {
      if (message !== 'ready') {
        finished.push(message)
        if (resume !== undefined) {
          void remember(resume, code, message).catch(reject)
        }
        report(message, `${finished.length}/${cells.length}`)
      }
      const next = pending.shift()
      if (next === undefined) {
        void worker.terminate().then(() => { resolve() })
      } else {
        worker.postMessage(next)
      }
    })
  })))
  return finished
}
