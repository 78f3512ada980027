/**
 * A thread that runs cells one after the other: an entry point, started by robustness.ts
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadBackend } from '../../src/model/backend.ts'
import { GRID_A } from './cell.ts'
import { laboratoryDocument } from './document.ts'
import { runGridCell } from './grid-cell.ts'
import { PublishedRing } from './published-ring.ts'
import { loadShared } from './shared-data.ts'
import type { DatasetSource } from '../../src/interface.ts'
import type { Cell, CellResult } from './cell.ts'

const { source } = workerData as { source: DatasetSource }
const dataset = await loadShared(source, laboratoryDocument(GRID_A).model)
const backend = await loadBackend('wasm')

/** The published ring has weights of its own, and lets everything through */
async function run (cell: Cell): Promise<CellResult> {
  return cell.graph === 'ring' ? new PublishedRing(cell, { document: laboratoryDocument(cell), dataset, backend }).run() : runGridCell(cell, { dataset, backend })
}

parentPort!.on('message', (cell: Cell) => {
  void run(cell).then((result) => { parentPort!.postMessage({ cell, result }) })
})
parentPort!.postMessage('ready')
