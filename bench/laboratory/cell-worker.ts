/**
 * A thread that runs cells one after the other: an entry point, started by robustness.ts
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadBackend } from '../../src/model/backend.ts'
import { presetDocument } from '../../src/presets.ts'
import { Laboratory } from './laboratory.ts'
import { loadShared } from './shared-data.ts'
import type { DatasetSource } from '../../src/interface.ts'
import type { Cell } from './cell.ts'

const document = presetDocument('mnist-noniid')
const dataset = await loadShared((workerData as { source: DatasetSource }).source, document.model)
const backend = await loadBackend('wasm')

parentPort!.on('message', (cell: Cell) => {
  parentPort!.postMessage({ cell, result: new Laboratory(cell, { document, dataset, backend }).run() })
})
parentPort!.postMessage('ready')
