/**
 * The Trainer of a node: all tensor work in a worker thread, so that the main thread only ever passes messages
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { BackendError, TrainingError } from '../errors.ts'
import { recreateError } from './worker-messages.ts'
import type { AbortOptions, BackendName, EvaluateOptions, EvaluationResult, LocalSteps, Trainer, TrainerDescription, TrainResult } from '../interface.ts'
import type { CallName, Calls, ReadProgress, Request, Response, WorkerTrainerInit as WorkerInit } from './worker-messages.ts'

export interface WorkerTrainerInit extends WorkerInit {
  /** Called while the data are read, with the share of them from 0 to 1 */
  onRead?: ((share: number) => void) | undefined
}

/**
 * Bounds of the worker's JavaScript heap. Examples, parameters and tensors lie outside it, so that it stays small; a
 * small young generation keeps a round's garbage from growing the process
 */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 }

/** The worker is bundled, too, beside the programs (scripts/bundle.mjs) */
const BUNDLED = /\/dist\/program\/[^/]+$/

function workerFile (): string {
  if (BUNDLED.test(import.meta.url)) {
    return fileURLToPath(new URL('./worker.js', import.meta.url))
  }
  try {
    return createRequire(import.meta.url).resolve('#training-worker')
  } catch (err) {
    throw new BackendError('the training worker is not built: run "npm run build"', { cause: err })
  }
}

interface PendingCall {
  resolve: (value: never) => void
  reject: (reason: unknown) => void
}

class WorkerTrainer implements Trainer {
  private readonly init: WorkerInit
  private readonly onRead: WorkerTrainerInit['onRead']
  private readonly pending = new Map<number, PendingCall>()
  private worker: Worker | undefined
  private started: Promise<TrainerDescription> | undefined
  /** What `auto` chose: a restarted worker need not choose again */
  private backend: BackendName | 'auto'
  private stopped = false
  private lastId = 0

  constructor ({ onRead, ...init }: WorkerTrainerInit) {
    // a function cannot cross to the worker
    this.init = init
    this.onRead = onRead
    this.backend = init.backend ?? 'auto'
  }

  async start ({ signal }: AbortOptions = {}): Promise<TrainerDescription> {
    signal?.throwIfAborted()
    this.stopped = false
    return this.ensureStarted(signal)
  }

  async stop (): Promise<void> {
    this.stopped = true
    const worker = this.worker
    this.lose(worker, new TrainingError('the trainer was stopped'))
    await worker?.terminate()
  }

  async initialParameters (): Promise<Float32Array> {
    await this.ensureStarted()
    return this.call('initialParameters', {})
  }

  async train (parameters: Float32Array, { signal, round = 0, correction, withState }: AbortOptions & LocalSteps = {}): Promise<TrainResult> {
    signal?.throwIfAborted()
    const copy = parameters.slice()
    await this.ensureStarted(signal)
    return this.call('train', { parameters: copy, round, correction, withState }, signal)
  }

  async restore (state: Uint8Array): Promise<boolean> {
    await this.ensureStarted()
    return this.call('restore', { state })
  }

  async evaluate (parameters: Float32Array, { signal, detailed }: EvaluateOptions = {}): Promise<EvaluationResult> {
    signal?.throwIfAborted()
    const copy = parameters.slice()
    await this.ensureStarted(signal)
    return this.call('evaluate', { parameters: copy, detailed }, signal)
  }

  async sampleLoss (parameters: Float32Array, { signal, round = 0 }: AbortOptions & { round?: number } = {}): Promise<number> {
    signal?.throwIfAborted()
    const copy = parameters.slice()
    await this.ensureStarted(signal)
    return this.call('sampleLoss', { parameters: copy, round }, signal)
  }

  /** Starts the worker, also again after it died. The optimiser then starts afresh */
  private ensureStarted (signal?: AbortSignal): Promise<TrainerDescription> {
    if (this.stopped) {
      return Promise.reject(new TrainingError('the trainer was stopped'))
    }
    if (this.started === undefined) {
      const worker = this.spawn()
      const started = this.call('start', {}, signal)
      this.started = started
      started.then(({ backend }) => { this.backend = backend }, (err: unknown) => {
        // the same failure would come again from the same worker: the next call tries a new one
        this.lose(worker, err)
        return worker.terminate()
      }).catch((err: unknown) => { this.lose(worker, err) })
    }
    return this.started
  }

  private spawn (): Worker {
    const worker = new Worker(workerFile(), {
      workerData: { ...this.init, backend: this.backend } satisfies WorkerInit,
      env: SHARE_ENV,
      execArgv: [],
      resourceLimits: HEAP_LIMITS,
      name: 'training'
    })
    worker.on('message', (message: Response | ReadProgress) => {
      if ('read' in message) {
        this.onRead?.(message.read)
      } else {
        this.settle(message)
      }
    })
    worker.on('error', (err: Error) => {
      this.lose(worker, new TrainingError(`the training thread failed: ${err.message}`, { cause: err }))
    })
    worker.on('exit', (code) => {
      this.lose(worker, new TrainingError(`the training thread ended unexpectedly with code ${code}`))
    })
    this.worker = worker
    return worker
  }

  private async call<Name extends CallName> (name: Name, parameters: Calls[Name]['arguments'], signal?: AbortSignal): Promise<Calls[Name]['result']> {
    signal?.throwIfAborted()
    const worker = this.worker
    if (worker === undefined) {
      throw new TrainingError(this.stopped ? 'the trainer was stopped' : 'the training thread is gone')
    }
    const id = ++this.lastId
    const cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        Atomics.store(cancelled, 0, 1)
        this.pending.delete(id)
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason belongs to the caller
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      const done = (): void => { signal?.removeEventListener('abort', abort) }
      this.pending.set(id, {
        resolve: (value) => { done(); resolve(value) },
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- always an Error
        reject: (reason) => { done(); reject(reason) }
      })
      const request = { id, name, cancelled, ...parameters } as Request
      worker.postMessage(request, 'parameters' in request ? [request.parameters.buffer as ArrayBuffer] : [])
    })
  }

  private settle (response: Response): void {
    const call = this.pending.get(response.id)
    this.pending.delete(response.id)
    if ('error' in response) {
      call?.reject(recreateError(response.error))
    } else {
      call?.resolve(response.value as never)
    }
  }

  /** Forgets a worker and fails what waits for it; a worker that was forgotten before is nobody's loss */
  private lose (worker: Worker | undefined, reason: unknown): void {
    if (worker === undefined || worker !== this.worker) {
      return
    }
    this.worker = undefined
    this.started = undefined
    for (const call of this.pending.values()) {
      call.reject(reason)
    }
    this.pending.clear()
  }
}

/**
 * A Trainer whose data, model and optimiser live in a worker thread
 *
 * A thread that dies fails the call in hand with TrainingError; the next call starts a new one, with a fresh optimiser.
 * Aborting a call rejects it at once and stops the thread's work before its next step
 */
export function createWorkerTrainer (init: WorkerTrainerInit): Trainer {
  return new WorkerTrainer(init)
}
