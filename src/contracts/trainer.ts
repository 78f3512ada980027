/**
 * What every Trainer must do, on whichever backend
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseFederation } from '../federation/document.ts'
import { initialParameters } from '../model/initial-parameters.ts'
import { denseTopology } from '../model/topology.ts'
import { seededRandom } from '../seeded-random.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from './test-runner.ts'
import type { FederationDocument, FederationInit } from '../federation/document.ts'
import type { BackendName, DatasetSource, Trainer } from '../interface.ts'

export interface TrainerContractInit {
  document: FederationDocument
  data: DatasetSource
  seed?: number
}

const LABELS = ['left', 'right', 'top']

export function blobDocument (training: Partial<FederationInit['training']> = {}): FederationDocument {
  const { steps, ...rest } = training
  return parseFederation({
    format: 1,
    name: 'blobs',
    model: {
      topology: denseTopology({ inputShape: [2], hidden: [8], classes: LABELS.length }),
      seed: 5,
      loss: 'categoricalCrossentropy',
      input: { kind: 'table', label: 'class', columns: [{ kind: 'numeric', name: 'x', mean: 0, stdDev: 1 }, { kind: 'numeric', name: 'y', mean: 0, stdDev: 1 }] },
      labels: LABELS
    },
    training: { batchSize: 16, optimizer: { name: 'sgd', learningRate: 0.2, momentum: 0.5 }, ...(steps === undefined ? { epochs: 5 } : { steps }), ...rest },
    aggregation: { rule: 'mean', f: 0 },
    codec: { name: 'float32' },
    topology: { degree: 1 },
    round: { deadlineMs: 1000, staleness: 0 },
    privacy: { mechanism: 'none' }
  })
}

/** Three separable clouds of points */
export async function writeBlobs (file: string, count: number): Promise<void> {
  const random = seededRandom(count)
  const centres = [[-2, 0], [2, 0], [0, 2.5]]
  const rows = Array.from({ length: count }, (_, i) => {
    const [x, y] = centres[i % 3]!
    return `${(x! + random() - 0.5).toFixed(4)},${(y! + random() - 0.5).toFixed(4)},${LABELS[i % 3]!}`
  })
  await writeFile(file, ['x,y,class', ...rows].join('\n') + '\n')
}

export function trainerContract (backend: BackendName, factory: (init: TrainerContractInit) => Trainer): void {
  describe(`trainer on ${backend}`, () => {
    let folder: string
    let data: DatasetSource
    let trainer: Trainer | undefined

    const started = async (document = blobDocument(), seed = 0): Promise<Trainer> => {
      await trainer?.stop()
      trainer = factory({ document, data, seed })
      await trainer.start()
      return trainer
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'grapevine-trainer-'))
      await writeBlobs(join(folder, 'train.csv'), 240)
      await writeBlobs(join(folder, 'test.csv'), 90)
      data = { kind: 'csv', file: join(folder, 'train.csv'), testFile: join(folder, 'test.csv') }
    })

    afterEach(async () => {
      await trainer?.stop()
      trainer = undefined
    })

    afterAll(async () => {
      await rm(folder, { recursive: true })
    })

    it('describes model, data and what it measured', async () => {
      trainer = factory({ document: blobDocument(), data })
      const description = await trainer.start()
      expect(description).toMatchObject({ backend, parameterCount: 51, trainExamples: 240, testExamples: 90, unavailable: {} })
      expect(description.stepMs[backend]).toBeGreaterThan(0)
      expect(description.layout.map(({ name }) => name)).toEqual(['dense_1/kernel', 'dense_1/bias', 'output/kernel', 'output/bias'])
      expect(await trainer.start()).toEqual(description)
    })

    it('starts where every other trainer of the document starts', async () => {
      const document = blobDocument()
      expect(await (await started(document)).initialParameters()).toEqual(initialParameters(document.model))
    })

    it('learns to separate what can be separated', async () => {
      const subject = await started()
      const initial = await subject.initialParameters()
      const before = await subject.evaluate(initial)
      let parameters = initial
      let loss = Infinity
      for (let round = 1; round <= 4; round++) {
        const result = await subject.train(parameters, { round })
        expect(result).toMatchObject({ examples: 5 * 240, steps: 5 * 15 })
        expect(result.loss).toBeLessThan(loss)
        parameters = result.parameters
        loss = result.loss
      }
      const after = await subject.evaluate(parameters)
      expect(after.accuracy).toBe(1)
      expect(after.examples).toBe(90)
      expect(after.loss).toBeLessThan(before.loss / 4)
    })

    it('leaves the parameters that it is given alone', async () => {
      const subject = await started()
      const parameters = await subject.initialParameters()
      const copy = parameters.slice()
      const { parameters: trained } = await subject.train(parameters)
      await subject.evaluate(parameters)
      expect(parameters).toEqual(copy)
      expect(trained).not.toEqual(copy)
      expect(trained.length).toBe(copy.length)
    })

    it('repeats itself for equal seeds, and not for others', async () => {
      const run = async (seed: number): Promise<Float32Array> => {
        const subject = await started(blobDocument({ steps: 7 }), seed)
        const first = await subject.train(await subject.initialParameters(), { round: 1 })
        const second = await subject.train(first.parameters, { round: 2 })
        expect(second).toMatchObject({ steps: 7, examples: 7 * 16 })
        return second.parameters
      }
      const parameters = await run(1)
      expect(await run(1)).toEqual(parameters)
      expect(await run(2)).not.toEqual(parameters)
    })

    it('keeps the momentum from round to round', async () => {
      // from one start, on one full batch, so that only the momentum differs
      const subject = await started(blobDocument({ steps: 1, batchSize: 240 }))
      const start = await subject.initialParameters()
      const first = await subject.train(start)
      const second = await subject.train(start)
      expect(second.loss).toBeCloseTo(first.loss, 5)
      const moved = (to: Float32Array): number => Math.hypot(...to.map((value, i) => value - start[i]!))
      expect(moved(second.parameters) / moved(first.parameters)).toBeCloseTo(1.5, 3)
    })

    it('goes on in another process as if there had been one, where its results have a state', async () => {
      const document = blobDocument({ steps: 7 })
      const subject = await started(document)
      const first = await subject.train(await subject.initialParameters(), { round: 1, withState: true })
      const state = first.state?.slice()
      const second = await subject.train(first.parameters.slice(), { round: 2 })
      const next = await started(document)
      if (state === undefined || next.restore === undefined) {
        // a trainer that keeps nothing must not pretend to
        expect(next.restore).toBeUndefined()
        return
      }
      expect(await next.restore(Uint8Array.of(1, 2, 3))).toBe(false)
      expect(await next.restore(state)).toBe(true)
      expect((await next.train(first.parameters, { round: 2 })).parameters).toEqual(second.parameters)
    })

    it('adds a correction to the gradient of each step', async () => {
      const settings = { steps: 1, optimizer: { name: 'sgd' as const, learningRate: 0.25, momentum: 0 } }
      const start = await (await started(blobDocument(settings))).initialParameters()
      const plain = await (await started(blobDocument(settings))).train(start)
      const correction = start.map((_, i) => i % 2)
      const corrected = await (await started(blobDocument(settings))).train(start, { correction })
      corrected.parameters.forEach((value, i) => { expect(value).toBeCloseTo(plain.parameters[i]! - 0.25 * correction[i]!, 5) })
      expect(correction).toEqual(start.map((_, i) => i % 2))
    })

    it('throws TrainingError when training diverges, and goes on from good parameters', async () => {
      const subject = await started(blobDocument({ optimizer: { name: 'sgd', learningRate: 100, momentum: 0.9 }, epochs: 50 }))
      const start = await subject.initialParameters()
      await expect(subject.train(start.map((value) => value * 1e30))).rejects.toMatchObject({ name: 'TrainingError', message: expect.stringMatching(/diverged/) as string })
      await expect(subject.evaluate(start.map(() => NaN))).rejects.toMatchObject({ name: 'TrainingError' })
      expect((await subject.evaluate(start)).examples).toBe(90)
    })

    it('rejects with the reason of the signal, at once, and is ready for the next call', async () => {
      const subject = await started(blobDocument({ steps: 1_000_000 }))
      const start = await subject.initialParameters()
      const reason = new RangeError('enough')
      for (const turns of [0, 1, 20]) {
        const controller = new AbortController()
        const rejected = expect(subject.train(start, { signal: controller.signal })).rejects.toBe(reason)
        for (let i = 0; i < turns; i++) {
          await new Promise((resolve) => { setImmediate(resolve) })
        }
        controller.abort(reason)
        await rejected
      }
      // a million steps would outlast the test
      expect((await subject.evaluate(start)).examples).toBe(90)
      await expect(subject.train(start, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    it('passes on what is wrong with the data, by name', async () => {
      const missing: DatasetSource = { kind: 'csv', file: join(folder, 'absent.csv') }
      trainer = factory({ document: blobDocument(), data: missing })
      await expect(trainer.start()).rejects.toMatchObject({ name: 'DatasetError', message: expect.stringContaining('absent.csv') as string })
      await expect(trainer.start()).rejects.toMatchObject({ name: 'DatasetError' })
    })

    it('refuses a model that cannot be trained', async () => {
      const document = blobDocument()
      trainer = factory({ document: { ...document, model: { ...document.model, topology: { class_name: 'Model' } } }, data })
      await expect(trainer.start()).rejects.toMatchObject({ name: 'InvalidFederationError' })
    })

    it('fails what is waiting when it is stopped, and starts again', async () => {
      const subject = await started(blobDocument({ steps: 1_000_000 }))
      const start = await subject.initialParameters()
      const failed = expect(subject.train(start)).rejects.toMatchObject({ name: 'TrainingError', message: 'the trainer was stopped' })
      await subject.stop()
      await failed
      await expect(subject.evaluate(start)).rejects.toMatchObject({ name: 'TrainingError' })
      await subject.stop()
      await subject.start()
      expect((await subject.evaluate(start)).examples).toBe(90)
    })
  })
}
