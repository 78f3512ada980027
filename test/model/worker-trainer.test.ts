/**
 * The trainer in its worker thread: the contract on every backend, and what only a thread can do
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportError } from '../../peer/error-report.ts'
import { BackendError, DatasetError } from '../../src/errors.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { errorData, recreateError } from '../../src/model/worker-messages.ts'
import { createWorkerTrainer } from '../../src/model/worker-trainer.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { presetDocument } from '../../src/presets.ts'
import { blobDocument, trainerContract, writeBlobs } from '../../src/contracts/trainer.ts'
import { availableBackends, largestDifference } from './models.ts'
import type { Worker } from 'node:worker_threads'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { DatasetSource } from '../../src/interface.ts'

const backends = await availableBackends()

for (const backend of backends) {
  trainerContract(backend, (init) => createWorkerTrainer({ ...init, backend }))
}

const DIGITS: DatasetSource = { kind: 'digits', seed: 1, trainExamples: 200, testExamples: 50 }

function oneStep (document: FederationDocument): FederationDocument {
  // few examples, for the sake of plain code
  return { ...document, training: { optimizer: document.training.optimizer, batchSize: 2, steps: 1 } }
}

describe('worker trainer', () => {
  let folder: string
  let data: DatasetSource

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'grapevine-worker-'))
    await writeBlobs(join(folder, 'train.csv'), 240)
    data = { kind: 'csv', file: join(folder, 'train.csv'), testFraction: 0.25 }
  })

  afterAll(async () => {
    await rm(folder, { recursive: true })
  })

  it.each(['mnist-noniid', 'mnist-cnn'] as const)('takes the same step on all backends, to 1e-4: %s', async (preset) => {
    const document = oneStep(presetDocument(preset))
    const results = []
    for (const backend of backends) {
      const trainer = createWorkerTrainer({ document, data: DIGITS, backend, seed: 3 })
      await trainer.start()
      results.push((await trainer.train(await trainer.initialParameters())).parameters)
      await trainer.stop()
    }
    expect(results.length).toBeGreaterThanOrEqual(2)
    for (const parameters of results.slice(1)) {
      expect(largestDifference(parameters, results[0]!)).toBeLessThan(1e-4)
    }
  })

  it('times real steps and keeps the fastest backend', async () => {
    const trainer = createWorkerTrainer({ document: presetDocument('mnist-mlp'), data: DIGITS, backend: 'auto' })
    const { backend, stepMs, unavailable } = await trainer.start()
    await trainer.stop()
    const timed = Object.values(stepMs)
    expect(stepMs[backend]).toBe(Math.min(...timed))
    expect(Object.keys({ ...stepMs, ...unavailable }).sort()).toEqual(['cpu', 'tensorflow', 'wasm'])
    expect(Object.keys(stepMs).some((name) => name in unavailable)).toBe(false)
  })

  it('does not load native code for a model whose step is short', async () => {
    const trainer = createWorkerTrainer({ document: blobDocument(), data })
    const { unavailable } = await trainer.start()
    await trainer.stop()
    expect(unavailable.tensorflow).toMatch(/not tried|setup-tensorflow/)
  })

  it('does not take native code for dp-sgd, however long a step is', async () => {
    const { privacy: _, ...rest } = presetDocument('mnist-mlp')
    const document = parseFederation({ ...rest, privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } })
    const trainer = createWorkerTrainer({ document, data: DIGITS, backend: 'auto' })
    const { backend, unavailable } = await trainer.start()
    await trainer.stop()
    expect(backend).toBe('wasm')
    expect(unavailable.tensorflow).toMatch(/not tried: native code rounds an example by its place/)
  })

  it('makes noise that no seed brings back, as much as the document asks for', async () => {
    const { privacy: _, ...rest } = presetDocument('digits')
    const document = oneStep(parseFederation({ ...rest, privacy: { mechanism: 'update-level', clipNorm: 1, noiseMultiplier: 2, epsilonLimit: 1000, delta: 1e-5 } }))
    const released: Float32Array[] = []
    for (let life = 0; life < 2; life++) {
      const trainer = createWorkerTrainer({ document, data: DIGITS, backend: 'wasm', seed: 3 })
      await trainer.start()
      released.push((await trainer.train(await trainer.initialParameters(), { round: 1 })).parameters)
      await trainer.stop()
    }
    // equal seeds make the same step: all that differs is noise, of both
    const [first, second] = released
    const squares = first!.reduce((sum, value, at) => sum + (value - second![at]!) ** 2, 0)
    expect(Math.abs(squares / first!.length / 8 - 1)).toBeLessThan(6 * Math.sqrt(2 / first!.length))
  })

  it('fails as it failed in its thread: class, code and causes cross as data', async () => {
    const trainer = createWorkerTrainer({ document: presetDocument('mnist-mlp'), data: { kind: 'idx', directory: '/nowhere' }, backend: 'cpu' })
    const problem: unknown = await trainer.start().catch((err: unknown) => err)
    await trainer.stop()
    expect(problem).toBeInstanceOf(DatasetError)
    expect(problem).toMatchObject({ message: expect.stringContaining('/nowhere does not exist') as string, cause: { code: 'ENOENT' } })
    expect(reportError(problem).code).toBe('GRAPEVINE_E_DATA_MISSING')
  })

  it('takes over reason, code and a chain of causes that may be a loop, and nothing else', () => {
    const root = Object.assign(new Error('no space'), { code: 'ENOSPC', path: '/secret' })
    const thrown = Object.assign(new BackendError('cannot', { cause: new TypeError('middle', { cause: root }) }), { reason: 'because' })
    const crossed = recreateError(structuredClone(errorData(thrown)))
    expect(crossed).toBeInstanceOf(BackendError)
    expect(crossed).toMatchObject({ message: 'cannot', reason: 'because', cause: { name: 'TypeError', message: 'middle', cause: { message: 'no space', code: 'ENOSPC' } } })
    expect(JSON.stringify(errorData(thrown))).not.toContain('secret')
    root.cause = thrown
    expect(errorData(thrown)).toMatchObject({ cause: { cause: { cause: { message: 'cannot' } } } })
    expect(recreateError(errorData('text'))).toMatchObject({ name: 'TrainingError', message: 'text' })
    // what has no class of its own is a failure of training
    expect(recreateError(errorData(new SyntaxError('odd')))).toMatchObject({ name: 'TrainingError', message: 'odd' })
  })

  it('fails the call in hand when its thread dies, and starts another for the next one', async () => {
    const document = blobDocument({ steps: 1_000_000 })
    const trainer = createWorkerTrainer({ document, data, backend: 'cpu' })
    await trainer.start()
    const parameters = initialParameters(document.model)
    const failed = expect(trainer.train(parameters)).rejects.toMatchObject({ name: 'TrainingError', message: expect.stringMatching(/training thread/) as string })
    const { worker } = trainer as unknown as { worker: Worker }
    await worker.terminate()
    await failed
    expect((await trainer.evaluate(parameters)).examples).toBe(60)
    await trainer.stop()
  })

  it('names the same data whatever a liar makes of them', async () => {
    const names = []
    for (const poison of [undefined, { kind: 'label-flip' as const }]) {
      const trainer = createWorkerTrainer({ document: blobDocument(), data, backend: 'wasm', poison, sketchSecret: new Uint8Array(32) })
      names.push((await trainer.start()).dataset!.fingerprint)
      await trainer.stop()
    }
    expect(names[1]).toBe(names[0])
  })

  it('stops waiting for a start that is aborted', async () => {
    const trainer = createWorkerTrainer({ document: presetDocument('mnist-cnn'), data: DIGITS, backend: 'cpu' })
    const reason = new RangeError('never mind')
    const starting = trainer.start({ signal: AbortSignal.abort(reason) })
    await expect(starting).rejects.toBe(reason)
    const controller = new AbortController()
    const again = trainer.start({ signal: controller.signal })
    controller.abort(reason)
    await expect(again).rejects.toBe(reason)
    await trainer.stop()
  })

  it('leaves the main thread free while it trains', async () => {
    const document = presetDocument('mnist-cnn')
    const trainer = createWorkerTrainer({ document: { ...document, training: { ...document.training, epochs: 3 } }, data: DIGITS, backend: 'wasm' })
    await trainer.start()
    let turns = 0
    let training = true
    const turn = (): void => {
      turns++
      training && setImmediate(turn)
    }
    setImmediate(turn)
    const { steps } = await trainer.train(initialParameters(document.model))
    training = false
    await trainer.stop()
    // on a blocked thread there would be a turn or two
    expect(turns).toBeGreaterThan(steps)
  })
})
