import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadBackend } from '../../src/model/backend.ts'
import { createOptimizer } from '../../src/model/optimizer.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import { largestDifference } from './models.ts'
import type { OptimizerSettings } from '../../src/federation/document.ts'

const COUNT = 37
const STEPS = 60

/** Gradients that depend on nothing but the step, some of them zero */
function gradientsOf (step: number): Float32Array {
  const normal = seededNormal(seededRandom(step))
  return Float32Array.from({ length: COUNT }, (_, i) => i % 5 === 0 ? 0 : 0.1 * normal())
}

const ADAM: OptimizerSettings = { name: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }

describe('optimisers', () => {
  beforeAll(async () => { await loadBackend('cpu') })

  it.each<[string, OptimizerSettings, () => tf.Optimizer]>([
    ['gradient descent', { name: 'sgd', learningRate: 0.05, momentum: 0 }, () => tf.train.sgd(0.05)],
    ['momentum', { name: 'sgd', learningRate: 0.05, momentum: 0.9 }, () => tf.train.momentum(0.05, 0.9)],
    ['Adam', ADAM, () => tf.train.adam(0.01, 0.9, 0.999, 1e-7)],
    ['Adam with other settings', { ...ADAM, beta1: 0.5, beta2: 0.9, epsilon: 0.01 }, () => tf.train.adam(0.01, 0.5, 0.9, 0.01)]
  ])('take the steps of tfjs: %s', (_, settings, stock) => {
    const start = Float32Array.from({ length: COUNT }, seededRandom(1))
    const optimizer = createOptimizer(settings, COUNT)
    optimizer.parameters.set(start)
    const reference = stock()
    const variable = tf.variable(tf.tensor1d(start), true, `w${Math.random()}`)
    for (let step = 0; step < STEPS; step++) {
      const gradients = gradientsOf(step)
      optimizer.gradients.set(gradients)
      optimizer.step()
      reference.applyGradients({ [variable.name]: tf.tensor1d(gradients) })
    }
    expect(largestDifference(optimizer.parameters, variable.dataSync())).toBeLessThan(1e-5)
  })

  it.each<OptimizerSettings>([ADAM, { name: 'sgd', learningRate: 0.05, momentum: 0.9 }])('start afresh after a reset: $name', (settings) => {
    const run = (optimizer: ReturnType<typeof createOptimizer>): Float32Array => {
      optimizer.parameters.fill(0)
      optimizer.gradients.set(gradientsOf(3))
      optimizer.step()
      return optimizer.parameters.slice()
    }
    const optimizer = createOptimizer(settings, COUNT)
    const fresh = run(optimizer)
    expect(run(optimizer)).not.toEqual(fresh)
    optimizer.reset()
    expect(run(optimizer)).toEqual(fresh)
  })

  it.each<OptimizerSettings>([ADAM, { name: 'sgd', learningRate: 0.05, momentum: 0.9 }, { name: 'sgd', learningRate: 0.05, momentum: 0 }])('hide no NaN: $name $momentum', (settings) => {
    const optimizer = createOptimizer(settings, COUNT)
    optimizer.gradients.set(gradientsOf(1))
    optimizer.gradients[7] = NaN
    optimizer.step()
    optimizer.gradients.fill(0)
    optimizer.step()
    expect(optimizer.parameters[7]).toBeNaN()
    expect(optimizer.parameters[6]).not.toBeNaN()
  })

  it('let momentum decay to zero, not to the smallest number that there is', () => {
    const optimizer = createOptimizer({ name: 'sgd', learningRate: 1e20, momentum: 0.9 }, 4)
    optimizer.gradients.fill(1)
    optimizer.step()
    optimizer.gradients.fill(0)
    for (let step = 0; step < 2000; step++) {
      optimizer.step()
    }
    optimizer.parameters.fill(0)
    optimizer.step()
    expect([...optimizer.parameters]).toEqual([0, 0, 0, 0])
  })

  it('stay finite when Adam sees no gradient at all', () => {
    const optimizer = createOptimizer({ ...ADAM, epsilon: 1e-60 }, 5)
    optimizer.step()
    expect([...optimizer.parameters]).toEqual([0, 0, 0, 0, 0])
  })
})
