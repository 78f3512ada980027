/**
 * A peer shortens its steps to what its neighbours take for usual, so that who was away is heard again, and its data
 * are learned
 */
import { describe, expect, it } from 'vitest'
import { subset } from '../../bench/laboratory/shared-data.ts'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { loadDataset } from '../../src/data/data-formats.ts'
import { split } from '../../src/data/partition.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { presetDocument } from '../../src/presets.ts'
import { StepLength, usualFactor } from '../../src/round/step-length.ts'
import { placed, unnamed } from './placed.ts'
import { sparedNeighbours } from '../../src/node/spared-neighbours.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'

const SIZE = 2_000
const before = new Float32Array(SIZE).fill(1)

/** A model one step of this length from `before`, in a direction of its own, after what all have in common */
function moved (length: number, seed: string, common = 0): Float32Array {
  const normal = seededNormal(seededRandom(seed))
  return before.map((value) => value + common + length * normal() / Math.sqrt(SIZE))
}

describe('usualFactor', () => {
  it('is as much of a long step as the default rule lets in, with room to spare', () => {
    const replicas = [moved(1, 'a'), moved(1, 'b'), moved(1, 'c')]
    const own = moved(10, 'own')
    const factor = usualFactor(placed(own, unnamed(replicas), before), 1)
    expect(factor).toBeGreaterThan(0.1)
    expect(factor).toBeLessThan(0.35)
    const shortened = own.map((value, i) => before[i]! + factor * (value - before[i]!))
    const heard = (parameters: Float32Array): number => createAggregator(presetDocument('digits').aggregation).aggregate({
      own: replicas[0]!,
      neighbours: [replicas[1]!, replicas[2]!, parameters].map((model, j) => ({ peer: `${j}`, parameters: model, weight: 0.25 }))
    }).excluded.length
    expect([heard(own), heard(shortened)]).toEqual([1, 0])
  })

  it('shortens nothing that is common to all, however long, nor a step that is no longer than the others', () => {
    expect(usualFactor(placed(moved(1, 'own', 3), unnamed(['a', 'b', 'c', 'd'].map((seed) => moved(1, seed, 3))), before), 1)).toBeGreaterThanOrEqual(1)
    expect(usualFactor(placed(moved(1, 'own'), unnamed(['a', 'b', 'c'].map((seed) => moved(1, seed))), before), 1)).toBeGreaterThanOrEqual(1)
  })

  it('gives no single neighbour a say, and shortens nothing where it is the model that stands apart', () => {
    const honest = [moved(1, 'a'), moved(1, 'b'), moved(1, 'c')]
    expect(usualFactor(placed(moved(1, 'own'), unnamed([...honest, honest[0]!]), before), 1)).toBeGreaterThanOrEqual(1)
    expect(usualFactor(placed(moved(0.1, 'own'), unnamed(['a', 'b', 'c', 'd'].map((seed) => moved(0.1, seed, 5))), before), 1)).toBe(2)
  })
})

describe('StepLength', () => {
  it('takes whole steps until one stood out, never less than a twentieth, and whole ones again in time', () => {
    const steps = new StepLength(1)
    const long = moved(1_000, 'own')
    expect(steps.shortened(before, long)).toBe(long)
    const replicas = [moved(1, 'a'), moved(1, 'b'), moved(1, 'c')]
    steps.observe(placed(long, unnamed(replicas), before))
    expect(steps.scale).toBe(1 / 20)
    expect(steps.shortened(before, long)[0]! - before[0]!).toBeCloseTo((long[0]! - before[0]!) / 20, 3)
    for (let round = 0; round < 5; round++) {
      steps.observe(placed(moved(0.3, 'own'), unnamed(replicas), before))
    }
    expect(steps.scale).toBe(1)
  })

  it('leaves steps alone with fewer than three neighbours, under privacy noise, and under a mean that hears everybody', () => {
    const steps = new StepLength(1)
    steps.observe(placed(moved(50, 'own'), unnamed([moved(1, 'a'), moved(1, 'b')]), before))
    expect(steps.scale).toBe(1)
    expect(sparedNeighbours(presetDocument('digits-private'))).toBeUndefined()
    const document = presetDocument('mnist-mlp')
    expect(sparedNeighbours({ ...document, aggregation: { ...document.aggregation, quarantine: false } })).toBeUndefined()
    expect([sparedNeighbours(document), sparedNeighbours(presetDocument('digits'))]).toEqual([1, 1])
  })
})

/** Rounds, of the last five, in which the neighbours left peer 1 out; it was away from round 2 to 16 */
async function leftOutAtLast (spared: number | undefined): Promise<{ leftOut: number, accuracy: number }> {
  const document = presetDocument('digits')
  const { train, test } = await loadDataset({ kind: 'digits', seed: 1, trainExamples: 6_000, testExamples: 1_000 }, document.model)
  const backend = await loadBackend('wasm')
  const aggregator = createAggregator(document.aggregation)
  const peers = split(train.labels, { strategy: 'dirichlet', alpha: 0.3, count: 4, seed: 1 }).map((rows, index) => ({
    index,
    steps: new StepLength(spared),
    training: new LocalTraining({ document, dataset: { train: subset(train, rows), test }, backend, seed: `${index}` }),
    model: initialParameters(document.model)
  }))
  let leftOut = 0
  for (let round = 1; round <= 34; round++) {
    if (round === 17) {
      peers[1]!.model = peers[0]!.model
    }
    const there = peers.filter(({ index }) => index !== 1 || round === 1 || round >= 17)
    const trained = there.map(({ steps, training, model }) => steps.shortened(model, training.train(model, { round }).parameters))
    there.forEach((peer, i) => {
      const own = trained[i]!
      const others = there.flatMap(({ index }, j) => j === i ? [] : [{ peer: `${index}`, parameters: trained[j]!, weight: 0.25 }])
      const { parameters, excluded } = aggregator.aggregate({ own, neighbours: others, round })
      peer.steps.observe(placed(own, unnamed(others.map((other) => other.parameters)), peer.model))
      peer.model = parameters
      leftOut += round > 29 && excluded.some((one) => one.peer === '1') ? 1 : 0
    })
  }
  return { leftOut, accuracy: peers[0]!.training.evaluate(peers[0]!.model).accuracy! }
}

it('a peer that was away while the others converged is heard again, and what they lacked is learned', async () => {
  const [whole, now] = [await leftOutAtLast(undefined), await leftOutAtLast(1)]
  expect(whole.leftOut).toBeGreaterThan(4)
  expect(now.leftOut).toBe(0)
  expect(now.accuracy).toBeGreaterThan(whole.accuracy)
}, 240_000)
