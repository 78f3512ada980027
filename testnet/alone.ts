/**
 * What each peer would have reached without the others: the same examples, the same rounds, no neighbours
 */
import { anySignal } from 'any-signal'
import { createWorkerTrainer } from '../src/model/worker-trainer.ts'
import { lonelyRounds } from '../src/simulation/lonely-rounds.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { AbortOptions, BackendName, DatasetSource, Partition, RegressionFigures } from '../src/interface.ts'

export interface AloneInit extends AbortOptions {
  document: FederationDocument
  /** A safetensors file, where the document has `model.weights` */
  weights: Uint8Array | undefined
  data: DatasetSource
  /** One for each peer to train */
  partitions: readonly Partition[]
  backend: BackendName | 'auto'
  rounds: number
  /** How many train at the same time, one thread each */
  workers: number
  onProgress?: (done: number) => void
}

/** On the peer's own test examples */
export interface AloneScore {
  /** Null where a number is predicted */
  accuracy: number | null
  /** Where a number is predicted */
  figures?: RegressionFigures
}

/** By the partition's index. Throws the errors of the Trainer port */
export async function trainAlone (init: AloneInit): Promise<Map<number, AloneScore>> {
  const waiting = [...init.partitions]
  const scores = new Map<number, AloneScore>()
  // one failure ends the others at their next step instead of leaving them behind
  const failure = new AbortController()
  const signal = anySignal([init.signal, failure.signal])
  const work = async (): Promise<void> => {
    for (let partition = waiting.shift(); partition !== undefined; partition = waiting.shift()) {
      scores.set(partition.index, await trainOne(init, partition, signal))
      init.onProgress?.(scores.size)
    }
  }
  init.onProgress?.(0)
  const results = await Promise.allSettled(Array.from({ length: init.workers }, () => work().catch((err: unknown) => {
    failure.abort(err)
    throw err
  })))
  signal.clear()
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    throw failure.signal.reason
  }
  return scores
}

async function trainOne ({ document, weights, data, backend, rounds }: AloneInit, partition: Partition, signal: AbortSignal): Promise<AloneScore> {
  const trainer = createWorkerTrainer({ document, weights, data, partition, backend, threads: 1 })
  try {
    await trainer.start({ signal })
    const { parameters, report } = await lonelyRounds({ document, trainer, rounds, signal })
    const { accuracy, figures } = report.accuracy === null || report.accuracy === undefined ? await trainer.evaluate(parameters, { signal, detailed: true }) : { accuracy: report.accuracy, figures: undefined }
    return { accuracy, ...(figures?.kind === 'regression' ? { figures } : {}) }
  } finally {
    await trainer.stop()
  }
}
