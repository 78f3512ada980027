/**
 * The training thread: an entry point, started by worker-trainer.ts
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadDataset } from '../data/data-formats.ts'
import { poisoned, triggerToken } from '../data/poison.ts'
import { identityOf } from '../data/dataset-identity.ts'
import { createSecureNoise } from '../privacy/noise/secure-noise.ts'
import { chooseBackend } from './choose-backend.ts'
import { splitPlan } from './frozen-prefix.ts'
import { firstLine } from './first-line.ts'
import { initialParameters } from './initial-parameters.ts'
import { openWeights } from './initial-weights.ts'
import { LocalTraining } from './local-training.ts'
import { setNativeEnvironment } from './native-environment.ts'
import { planModel } from './topology.ts'
import { WarmUp } from './warm-up.ts'
import { errorData } from './worker-messages.ts'
import type { TrainerDescription, TrainResult } from '../interface.ts'
import type { ModelWeights } from './canonical-weights.ts'
import type { Calls, CallName, ReadProgress, Request, Response, WorkerTrainerInit } from './worker-messages.ts'

/** Forward, gradient of the inputs, gradient of the weights */
const PASSES = 3

const init = workerData as WorkerTrainerInit
/** Of a document that has some: opened when they are first asked for, so that what is wrong is told as an answer */
let weights: ModelWeights | undefined
let training: LocalTraining | undefined
let warmUp: WarmUp | undefined
let requests = 0

/** At most so often does a share of what was read cross the threads */
const PROGRESS_STEP = 0.01
let told = 0

function tellProgress (share: number): void {
  if (share - told >= PROGRESS_STEP) {
    told = share
    parentPort?.postMessage({ read: share } satisfies ReadProgress)
  }
}

async function start (): Promise<TrainerDescription> {
  const { document, data, partition, poison, backend = 'auto', seed = 0 } = init
  weights ??= openWeights(document.model, init.weights)
  const plan = planModel(document.model, weights)
  const honest = await loadDataset(data, document.model, partition, { identified: init.sketchSecret !== undefined, onRead: tellProgress })
  const dataset = poison === undefined
    ? honest
    : { ...honest, train: poisoned(honest.train, poison, { shape: plan.inputShape, classes: document.model.labels.length, token: triggerToken(document.model.input) }) }
  const noise = document.privacy.mechanism === 'none' ? undefined : createSecureNoise()
  setNativeEnvironment(init.threads)
  const chosen = await chooseBackend({
    backend,
    prepare: (loaded) => new LocalTraining({ document, dataset, backend: loaded, seed, noise, weights }),
    parameters: initialParameters(document.model, weights),
    stepMultiplications: PASSES * (splitPlan(plan)?.trained ?? plan).multiplications * Math.min(document.training.batchSize, dataset.train.count),
    independentRows: document.privacy.mechanism === 'dp-sgd',
    now: () => performance.now()
  })
  const chosenTraining = training = chosen.training
  const parameters = initialParameters(document.model, weights)
  warmUp = new WarmUp({ rehearse: () => { chosenTraining.warmUp(parameters) }, now: () => performance.now() })
  return {
    backend: chosen.backend,
    stepMs: chosen.stepMs,
    unavailable: chosen.unavailable,
    parameterCount: plan.parameterCount,
    layout: plan.layout,
    trainExamples: dataset.train.count,
    testExamples: dataset.test.count,
    ...(honest.remarks === undefined ? {} : { remarks: honest.remarks }),
    ...(honest.split === undefined ? {} : { split: honest.split }),
    // a liar's changes make no new people of those in the data: one budget
    ...(init.sketchSecret === undefined ? {} : { dataset: identityOf(honest.train, init.sketchSecret) })
  }
}

function train (training: LocalTraining, { parameters, round = 0, correction, withState }: Calls['train']['arguments'], cancelled: () => boolean): TrainResult {
  const result = training.train(parameters, { round, correction, cancelled })
  return withState === true ? { ...result, state: training.state() } : result
}

async function answer (request: Request): Promise<Calls[CallName]['result']> {
  const cancelled = (): boolean => Atomics.load(request.cancelled, 0) !== 0
  if (request.name === 'start') {
    return start()
  }
  if (request.name === 'initialParameters') {
    weights ??= openWeights(init.document.model, init.weights)
    return initialParameters(init.document.model, weights)
  }
  if (training === undefined) {
    throw new TypeError('the trainer has not been started')
  }
  switch (request.name) {
    case 'train': return train(training, request, cancelled)
    case 'restore': return training.restore(request.state)
    case 'evaluate': return training.evaluate(request.parameters, { cancelled, detailed: request.detailed })
    case 'sampleLoss': return training.sampleLoss(request.parameters, request.round)
  }
}

function transferable (value: Calls[CallName]['result']): ArrayBuffer[] {
  if (typeof value !== 'object') {
    return []
  }
  const arrays = value instanceof Float32Array ? [value] : 'parameters' in value ? [value.parameters, value.state] : []
  return arrays.filter((array) => array !== undefined).map(({ buffer }) => buffer as ArrayBuffer)
}

async function respond (port: NonNullable<typeof parentPort>, request: Request): Promise<void> {
  let response: Response
  let transfer: ArrayBuffer[] = []
  try {
    const value = await answer(request)
    response = { id: request.id, value }
    transfer = transferable(value)
  } catch (err) {
    response = { id: request.id, error: errorData(err, firstLine(err)) }
  }
  port.postMessage(response, transfer)
}

if (parentPort !== null) {
  const port = parentPort
  // one request at a time, in order: training is synchronous, but loading is not
  let last = Promise.resolve()
  port.on('message', (request: Request) => {
    const number = ++requests
    last = last.then(async () => {
      if (request.name === 'train') {
        warmUp?.stop()
      }
      await respond(port, request)
      await warmUp?.run(() => requests > number)
    })
  })
}
