/**
 * What each peer would have reached without the others: the same examples, the same rounds, no neighbours
 */
import { anySignal } from 'any-signal'
import { createWorkerTrainer } from '../src/model/worker-trainer.ts'
import { lonelyRounds } from '../src/simulation/lonely-rounds.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { AbortOptions, BackendName, DatasetSource, Partition } from '../src/interface.ts'

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

/**
 * Final accuracy on the peer's own test examples, by the partition's index; null where a number is predicted. Throws
 * the errors of the Trainer port
 */
export async function trainAlone (init: AloneInit): Promise<Map<number, number | null>> {
  const waiting = [...init.partitions]
  const accuracies = new Map<number, number | null>()
  // one failure ends the others at their next step instead of leaving them behind
  const failure = new AbortController()
  const signal = anySignal([init.signal, failure.signal])
  const work = async (): Promise<void> => {
    for (let partition = waiting.shift(); partition !== undefined; partition = waiting.shift()) {
      accuracies.set(partition.index, await trainOne(init, partition, signal))
      init.onProgress?.(accuracies.size)
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
  return accuracies
}

async function trainOne ({ document, weights, data, backend, rounds }: AloneInit, partition: Partition, signal: AbortSignal): Promise<number | null> {
  const trainer = createWorkerTrainer({ document, weights, data, partition, backend, threads: 1 })
  try {
    await trainer.start({ signal })
    const { parameters, report } = await lonelyRounds({ document, trainer, rounds, signal })
    return report.accuracy ?? (await trainer.evaluate(parameters, { signal })).accuracy
  } finally {
    await trainer.stop()
  }
}
