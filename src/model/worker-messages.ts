/**
 * What crosses between a trainer and its worker thread
 *
 * Parameters are transferred, not copied. Errors cross by name and message: an Error's class does not survive the
 * thread.
 */
import { BackendError, DatasetError, InvalidFederationError, TrainingError, WeightsError } from '../errors.ts'
import type { Poison } from '../data/poison.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { BackendName, DatasetSource, EvaluationResult, LocalSteps, Partition, TrainerDescription, TrainResult } from '../interface.ts'

export interface WorkerTrainerInit {
  document: FederationDocument
  /** A safetensors file, where the document has `model.weights` */
  weights?: Uint8Array | undefined
  /** Where this peer's examples come from */
  data: DatasetSource
  /** Which share of them is this peer's own. Default all */
  partition?: Partition | undefined
  /** @default 'auto': the fastest one for this model */
  backend?: BackendName | 'auto' | undefined
  /**
   * Threads inside one tensor operation of the `tensorflow` backend; the others have one. The native library reads it
   * once for each process, so that the first trainer decides
   *
   * @default 1
   */
  threads?: number | undefined
  /** SIMULATION ONLY: what a dishonest peer does to its training data */
  poison?: Poison | undefined
  /** Key of the sketch of the training set; with it the description names the set */
  sketchSecret?: Uint8Array | undefined
  /** Order of the examples. @default 0 */
  seed?: number | string | undefined
}

export interface Calls {
  start: { arguments: object, result: TrainerDescription }
  initialParameters: { arguments: object, result: Float32Array }
  train: { arguments: { parameters: Float32Array } & LocalSteps, result: TrainResult }
  restore: { arguments: { state: Uint8Array }, result: boolean }
  evaluate: { arguments: { parameters: Float32Array, detailed?: boolean | undefined }, result: EvaluationResult }
  sampleLoss: { arguments: { parameters: Float32Array, round: number }, result: number }
}

export type CallName = keyof Calls

/** `cancelled[0]` becomes 1 when nobody waits for the answer any more */
export type Request = { [Name in CallName]: { id: number, name: Name, cancelled: Int32Array } & Calls[Name]['arguments'] }[CallName]

export type Response =
  | { id: number, value: Calls[CallName]['result'] }
  | { id: number, error: ErrorData }

/** Sent while the data are read, the share of them from 0 to 1 */
export interface ReadProgress {
  read: number
}

const ERRORS: ReadonlyMap<string, new (message: string) => Error> = new Map<string, new (message: string) => Error>([
  ['DatasetError', DatasetError],
  ['BackendError', BackendError],
  ['InvalidFederationError', InvalidFederationError],
  ['WeightsError', WeightsError],
  ['RangeError', RangeError],
  ['TypeError', TypeError]
])

/** What of an error crosses to another thread: all that it is told by */
export interface ErrorData {
  name: string
  message: string
  code?: string
  reason?: string
  cause?: ErrorData
}

/** A chain of causes may be a loop */
const MAX_CAUSES = 8

/** @param message - @default that of the error */
export function errorData (err: unknown, message?: string, depth = 0): ErrorData {
  const { name, code, reason, cause } = (err instanceof Error ? err : {}) as { name?: string, code?: unknown, reason?: unknown, cause?: unknown }
  return {
    name: name ?? 'Error',
    message: message ?? (err instanceof Error ? err.message : String(err)),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorData(cause, undefined, depth + 1) })
  }
}

/** The error as it was thrown in the worker; one without a class of its own becomes a TrainingError */
export function recreateError ({ name, message, cause, ...data }: ErrorData): Error {
  const error = new (ERRORS.get(name) ?? TrainingError)(message)
  return Object.assign(error, data, cause === undefined ? {} : { cause: recreateCause(cause) })
}

function recreateCause ({ message, cause, ...data }: ErrorData): Error {
  return Object.assign(new Error(message), data, cause === undefined ? {} : { cause: recreateCause(cause) })
}
