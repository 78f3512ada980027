/**
 * Runs cells on worker threads, each of which takes the next one when it is done
 */
import { Worker } from 'node:worker_threads'
import type { DatasetSource } from '../../src/interface.ts'
import type { Cell, CellResult } from './cell.ts'

export interface Finished<C extends Cell = Cell> {
  cell: C
  result: CellResult
}

const percent = (share: number, digits = 1): string => (100 * share).toFixed(digits)

/** One line to standard error */
function report ({ cell, result }: Finished, progress: string): void {
  const parts = [
    progress,
    ...('recipe' in cell ? [String(cell.recipe)] : []),
    cell.rule,
    cell.attack,
    `seed ${cell.seed}`,
    `${percent(result.accuracy)} %`,
    `worst ${percent(result.worst)}`,
    `mean model ${percent(result.averageModelAccuracy)}`,
    `consensus ${result.consensus.toPrecision(3)}`,
    ...(result.backdoorSuccess === null ? [] : [`backdoor ${percent(result.backdoorSuccess)} %`]),
    `left out ${percent(result.byzantineExcluded, 0)} % of lies, ${percent(result.honestExcluded, 0)} % of honest`,
    `${result.seconds.toFixed(0)} s`
  ]
  process.stderr.write(`${parts.join('  ')}\n`)
}

export interface RunOptions {
  source: DatasetSource
  threads: number
  /** The threads' entry point. @default cell-worker.js */
  worker?: URL
}

/** All of them, in the order in which they finished. Rejects when a cell throws */
export async function runCells<C extends Cell> (cells: readonly C[], { source, threads, worker: entry = new URL('./cell-worker.js', import.meta.url) }: RunOptions): Promise<Array<Finished<C>>> {
  const finished: Array<Finished<C>> = []
  const pending = [...cells]
  process.stderr.write(`${cells.length} cells on ${source.kind === 'idx' ? 'MNIST' : 'generated digits'}\n`)
  await Promise.all(Array.from({ length: Math.min(threads, cells.length) }, async () => new Promise<void>((resolve, reject) => {
    const worker = new Worker(entry, { workerData: { source } })
    worker.on('error', reject)
    worker.on('message', (message: 'ready' | Finished<C>) => {
      if (message !== 'ready') {
        finished.push(message)
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
