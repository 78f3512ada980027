/**
 * A thread that runs cells one after the other: an entry point, started by robustness.ts
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadBackend } from '../../src/model/backend.ts'
import { laboratoryDocument } from './document.ts'
import { Laboratory } from './laboratory.ts'
import { GRID_A } from './cell.ts'
import { loadShared } from './shared-data.ts'
import type { DatasetSource } from '../../src/interface.ts'
import type { Cell } from './cell.ts'

const { source } = workerData as { source: DatasetSource }
const dataset = await loadShared(source, laboratoryDocument(GRID_A).model)
const backend = await loadBackend('wasm')

parentPort!.on('message', (cell: Cell) => {
  parentPort!.postMessage({ cell, result: new Laboratory(cell, { document: laboratoryDocument(cell), dataset, backend }).run() })
})
parentPort!.postMessage('ready')
