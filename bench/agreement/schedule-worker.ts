/**
 * A thread that runs the batches it is given
 */
import { parentPort } from 'node:worker_threads'
import { runBatch } from './tally.ts'
import type { Batch } from './tally.ts'

parentPort!.on('message', (batch: Batch) => { parentPort!.postMessage(runBatch(batch)) })
