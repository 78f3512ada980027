/**
 * Picks the backend that trains the federation's model fastest, by running real steps of it
 */
import { BackendError } from '../errors.ts'
import { BACKEND_NAMES } from './backend-names.ts'
import { loadBackend, unloadBackend } from './backend.ts'
import { firstLine } from './first-line.ts'
import type { BackendName, TrainerDescription } from '../interface.ts'
import type { Backend } from './backend.ts'
import type { LocalTraining } from './local-training.ts'

const WARM_UP_STEPS = 3
const TIMED_STEPS = 7
/** A slow backend is not asked for more steps once it has taken this long */
const TIMING_BUDGET_MS = 600

/**
 * A step of no more multiplications than this takes wasm under 1 ms, which the native library spends on calling
 * operations: it is not loaded then, which also spares the process 400 MB
 */
const NATIVE_STEP_MULTIPLICATIONS = 10_000_000

/**
 * Plain JavaScript does some 0.2 billion multiplications a second: beyond this many in a step it cannot be the fastest
 */
const CPU_STEP_MULTIPLICATIONS = 500_000

export interface ChosenBackend extends Pick<TrainerDescription, 'stepMs' | 'unavailable'> {
  training: LocalTraining
  backend: BackendName
}

export interface ChooseBackendInit {
  backend: BackendName | 'auto'
  /** Sets up training on a backend */
  prepare: (backend: Backend) => LocalTraining
  /** Any parameters that the model can be trained from */
  parameters: Float32Array
  /** Multiplications of one training step */
  stepMultiplications: number
  /** Whether what an example gives must not depend on the others of its batch, not by a rounding either: for dp-sgd */
  independentRows?: boolean
  /** Milliseconds, any origin */
  now: () => number
}

/**
 * Loads, warms up and times one backend, or all of them for `auto`
 *
 * Throws BackendError when the named backend (for `auto`: every backend) cannot be loaded or cannot train the model.
 * Whatever `prepare` throws is not the backend's fault and goes through
 */
export async function chooseBackend (init: ChooseBackendInit): Promise<ChosenBackend> {
  if (init.backend !== 'auto') {
    const { training, ms } = await attempt(init.backend, init)
    return { training, backend: init.backend, stepMs: { [init.backend]: ms }, unavailable: {} }
  }
  const { best, stepMs, unavailable } = await compare(init)
  if (best === undefined) {
    const reasons = Object.values(unavailable).join('; ')
    throw new BackendError(`no training backend works: ${reasons}`)
  }
  for (const name of BACKEND_NAMES) {
    if (name !== best.name && stepMs[name] !== undefined) {
      unloadBackend(name)
    }
  }
  await loadBackend(best.name)
  return { training: best.training, backend: best.name, stepMs, unavailable }
}

interface Comparison extends Pick<TrainerDescription, 'stepMs' | 'unavailable'> {
  best: { name: BackendName, training: LocalTraining, ms: number } | undefined
}

async function compare (init: ChooseBackendInit): Promise<Comparison> {
  const comparison: Comparison = { best: undefined, stepMs: {}, unavailable: {} }
  for (const name of BACKEND_NAMES) {
    const reason = comparison.best === undefined ? undefined : hopeless(name, init)
    if (reason !== undefined) {
      comparison.unavailable[name] = reason
      continue
    }
    try {
      const { training, ms } = await attempt(name, init)
      comparison.stepMs[name] = ms
      if (comparison.best === undefined || ms < comparison.best.ms) {
        comparison.best = { name, training, ms }
      }
    } catch (err) {
      if (!(err instanceof BackendError)) {
        throw err
      }
      comparison.unavailable[name] = firstLine(err)
    }
  }
  return comparison
}

/** Why a backend need not be tried when another one works */
function hopeless (name: BackendName, { stepMultiplications, independentRows = false }: ChooseBackendInit): string | undefined {
  if (name === 'tensorflow' && independentRows) {
    return 'not tried: native code rounds an example by its place in the batch, which dp-sgd has no bound for'
  }
  if (name === 'tensorflow' && stepMultiplications <= NATIVE_STEP_MULTIPLICATIONS) {
    return 'not tried: a step of this model is too short for native code to pay'
  }
  if (name === 'cpu' && stepMultiplications > CPU_STEP_MULTIPLICATIONS) {
    return 'not tried: a step of this model is too much work for plain JavaScript'
  }
  return undefined
}

async function attempt (name: BackendName, { prepare, parameters, now }: ChooseBackendInit): Promise<{ training: LocalTraining, ms: number }> {
  const training = prepare(await loadBackend(name))
  try {
    return { training, ms: medianStep(training, parameters, now) }
  } catch (err) {
    throw new BackendError(`backend ${name} cannot train this model: ${firstLine(err)}`, { cause: err })
  }
}

function medianStep (training: LocalTraining, parameters: Float32Array, now: () => number): number {
  const began = now()
  const times: number[] = []
  for (let i = 0; i < WARM_UP_STEPS + TIMED_STEPS; i++) {
    const start = now()
    training.rehearse(parameters)
    const end = now()
    times.push(end - start)
    if (end - began > TIMING_BUDGET_MS) {
      break
    }
  }
  const timed = times.slice(Math.min(WARM_UP_STEPS, times.length - 1)).sort((a, b) => a - b)
  return timed[Math.floor(timed.length / 2)]!
}
