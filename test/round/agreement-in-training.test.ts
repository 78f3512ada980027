/**
 * Honest peers of the built-in demo hold most of each other's model, also where data and graph are as bad as it gets
 *
 * Two complete halves of four, joined by one link for each peer, which real peers can draw (federations of eight with
 * degree 4), and severely different data. There a neighbour of the other half is twice as far as the rest, round after
 * round: distance would name it.
 */
import { expect, it } from 'vitest'
import { seededNoise } from '../../src/simulation/seeded-noise.ts'
import { subset } from '../../bench/laboratory/shared-data.ts'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { split } from '../../src/data/partition.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { presetDocument } from '../../src/presets.ts'
import { agreement as slicedAgreement, contrary as slicedContrary } from '../../src/round/agreement.ts'
import { atOnce } from '../../src/slices.ts'
import type { Agreement } from '../../src/round/agreement.ts'

const agreement = (...models: Parameters<typeof slicedAgreement>): Agreement | undefined => atOnce(slicedAgreement(...models))
const contrary = (...said: Parameters<typeof slicedContrary>): string[] => atOnce(slicedContrary(...said))

const HALVES = [[1, 2, 3, 4], [0, 2, 3, 5], [0, 1, 3, 6], [0, 1, 2, 7], [5, 6, 7, 0], [4, 6, 7, 1], [4, 5, 7, 2], [4, 5, 6, 3]]

it('no honest neighbour is contrary, in two halves with different data, in any of the first five rounds', async () => {
  const document = presetDocument('digits-private')
  const { train, test } = await loadDataset({ kind: 'digits', seed: 1, trainExamples: 8_000, testExamples: 10 }, document.model)
  const backend = await loadBackend('wasm')
  const aggregator = createAggregator(document.aggregation)
  const trainers = split(train.labels, { strategy: 'dirichlet', alpha: 0.1, count: HALVES.length, seed: 1 }).map((rows, index) =>
    new LocalTraining({ document, dataset: { train: subset(train, rows), test }, backend, seed: `${index}`, noise: seededNoise(`${index}`) }))
  let models = trainers.map(() => initialParameters(document.model))
  const shares: number[] = []
  for (let round = 1; round <= 5; round++) {
    const trained = trainers.map((trainer, index) => trainer.train(models[index]!, { round }).parameters)
    models = models.map((before, index) => {
      const neighbours = HALVES[index]!.map((j) => ({ peer: `${j}`, parameters: trained[j]!, weight: 0.2 }))
      shares.push(...neighbours.map(({ parameters }) => agreement(before, parameters)!.share))
      expect(contrary(before, neighbours)).toEqual([])
      return aggregator.aggregate({ own: trained[index]!, neighbours, round }).parameters
    })
  }
  expect(Math.min(...shares)).toBeGreaterThan(0.45)
  expect(Math.min(...shares)).toBeLessThan(0.7)
}, 60_000)
