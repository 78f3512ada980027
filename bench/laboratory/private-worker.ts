/**
 * A thread that runs cells of private training one after the other: an entry point, started by privacy.ts
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadBackend } from '../../src/model/backend.ts'
import { runPrivateCell } from './private-laboratory.ts'
import { privateDocument } from './private-recipes.ts'
import { loadShared } from './shared-data.ts'
import type { DatasetSource } from '../../src/interface.ts'
import type { PrivateCell } from './private-recipes.ts'

const { source } = workerData as { source: DatasetSource }
const dataset = await loadShared(source, privateDocument('no privacy').model)
const backend = await loadBackend('wasm')

parentPort!.on('message', (cell: PrivateCell) => {
  void runPrivateCell(cell, { dataset, backend }).then((result) => { parentPort!.postMessage({ cell, result }) })
})
parentPort!.postMessage('ready')
