import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadDigits } from '../../src/data/digits.ts'
import { TrainingError } from '../../src/errors.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { denseTopology } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import { lonelyRounds } from '../../src/simulation/lonely-rounds.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { RoundComponents } from '../../src/round/round-interface.ts'

const ROUNDS = 4
const preset = presetDocument('digits')
const document = parseFederation({
  ...preset,
  model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [8], classes: 10 }) }
})

let backend: Backend
beforeAll(async () => {
  backend = await loadBackend('wasm')
})

function training (): LocalTraining {
  return new LocalTraining({ document, dataset: loadDigits({ kind: 'digits', seed: 1, trainExamples: 80, testExamples: 100 }, document.model), backend, seed: 'lonely' })
}

/** Each answer comes from outside of all clocks, a turn of the event loop later */
function trainerOf (local: LocalTraining, more: Partial<RoundComponents['trainer']> = {}): RoundComponents['trainer'] {
  const later = async <T>(answer: () => T): Promise<T> => {
    await nextTurn()
    await nextTurn()
    return answer()
  }
  return {
    initialParameters: async () => later(() => initialParameters(document.model)),
    train: async (parameters, { round } = {}) => later(() => local.train(parameters, { round: round! })),
    evaluate: async (parameters) => later(() => local.evaluate(parameters)),
    sampleLoss: async (parameters, { round } = {}) => later(() => local.sampleLoss(parameters, round!)),
    ...more
  }
}

describe('rounds of a peer without neighbours', () => {
  it('train as many rounds as there are and nothing else, to the last bit, though the codec is lossy', async () => {
    const reports: number[] = []
    const { parameters, report } = await lonelyRounds({ document, trainer: trainerOf(training()), rounds: ROUNDS, onRound: ({ round }) => { reports.push(round) } })
    const local = training()
    let expected = initialParameters(document.model)
    for (let round = 1; round <= ROUNDS; round++) {
      expected = local.train(expected, { round }).parameters
    }
    expect(parameters).toEqual(expected)
    expect(report.accuracy).toBe(local.evaluate(expected).accuracy)
    expect(reports).toEqual([1, 2, 3, 4])
  })

  it('go on after a failure, as a node does, and end with the third in a row', async () => {
    const local = training()
    const failing = (rounds: readonly number[]): RoundComponents['trainer'] => trainerOf(local, {
      train: async (parameters, { round } = {}) => {
        if (rounds.includes(round!)) {
          throw new TrainingError('diverged')
        }
        return local.train(parameters, { round: round! })
      }
    })
    expect((await lonelyRounds({ document, trainer: failing([1, 2]), rounds: ROUNDS })).report.round).toBe(ROUNDS)
    await expect(lonelyRounds({ document, trainer: failing([1, 2, 3]), rounds: ROUNDS })).rejects.toThrow('diverged')
  })

  it('end with the reason of the signal', async () => {
    const controller = new AbortController()
    const onRound = (): void => { controller.abort(new RangeError('enough')) }
    await expect(lonelyRounds({ document, trainer: trainerOf(training()), rounds: ROUNDS, signal: controller.signal, onRound })).rejects.toThrow('enough')
  })
})
