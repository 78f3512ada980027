import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ClassTally, MAX_CONFUSION_CLASSES } from '../../src/figures/class-tally.ts'
import { createRankings, EXACT_SCORES, MAX_BINNED_CLASSES } from '../../src/figures/ranking.ts'
import { RegressionTally } from '../../src/figures/regression-tally.ts'
import { Evaluation } from '../../src/model/evaluation.ts'
import { seededRandom } from '../../src/seeded-random.ts'

interface ClassVector {
  labels: number[]
  logits: number[]
  accuracy: number
  balancedAccuracy: number
  recall: Array<number | null>
  precision: Array<number | null>
  confusion: number[][]
  auc: number
  averagePrecision: number
  logLoss: number
  calibrationError: number
  majority: number
}

interface RegressionVector {
  target: number[]
  predicted: number[]
  mean: number
  median: number
  meanSquaredError: number
  meanAbsoluteError: number
  r2: number
  baseline: { meanSquaredError: number, meanAbsoluteError: number, r2: number }
}

const { regression, ...classes } = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8')) as { regression: RegressionVector } & Record<string, ClassVector>

function evaluated ({ labels, logits }: Pick<ClassVector, 'labels' | 'logits'>, { detailed, loss = 'categoricalCrossentropy', classes: width = logits.length / labels.length, batch = 16 }: { detailed: boolean, loss?: 'categoricalCrossentropy' | 'binaryCrossentropy', classes?: number, batch?: number }) {
  const names = Array.from({ length: width }, (_, i) => `class ${i}`)
  const outputs = logits.length / labels.length
  const evaluation = new Evaluation({ model: { loss, labels: names }, examples: labels.length, detailed })
  for (let first = 0; first < labels.length; first += batch) {
    const part = labels.slice(first, first + batch)
    evaluation.add({ logits: Float32Array.from(logits.slice(first * outputs, (first + batch) * outputs)), labels: Uint16Array.from(part), count: part.length, outputs })
  }
  const { accuracy, figures } = evaluation.result()!
  if (figures?.kind !== 'classes') {
    throw new Error('no figures of classes')
  }
  return { accuracy, figures }
}

describe('figures of classes', () => {
  it.each(Object.keys(classes))('are those of scikit-learn: %s', (name) => {
    const vector = classes[name]!
    const { accuracy, figures } = evaluated(vector, { detailed: true })
    const found = {
      accuracy,
      ...figures,
      recall: figures.classes!.map(({ recall }) => recall ?? null),
      precision: figures.classes!.map(({ precision }) => precision ?? null),
      majority: figures.baseline.accuracy
    }
    for (const field of ['accuracy', 'balancedAccuracy', 'auc', 'averagePrecision', 'majority'] as const) {
      expect(found[field], field).toBeCloseTo(vector[field], 12)
    }
    for (const field of ['logLoss', 'calibrationError'] as const) {
      expect(found[field], field).toBeCloseTo(vector[field], 6)
    }
    for (const field of ['recall', 'precision'] as const) {
      expect(found[field].map((value) => value ?? -1)).toEqual(vector[field].map((value) => expect.closeTo(value ?? -1, 12) as number))
    }
    expect(figures.confusion).toEqual(vector.confusion)
  })

  it('say beside each what the most frequent class alone would get', () => {
    const { accuracy, figures } = evaluated({ labels: [0, 0, 0, 1], logits: Array.from({ length: 8 }, (_, i) => i % 2 === 0 ? 1 : 0) }, { detailed: true })
    expect(accuracy).toBe(figures.baseline.accuracy)
    expect(figures).toMatchObject({
      auc: 0.5,
      averagePrecision: 0.25,
      balancedAccuracy: 0.5,
      baseline: { label: 'class 0', accuracy: 0.75, balancedAccuracy: 0.5, averagePrecision: 0.25 }
    })
    expect(figures.baseline.logLoss).toBeCloseTo(-(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25)), 12)
  })

  it('of one output are those of its two classes', () => {
    const { labels, logits } = classes['two classes']!
    const one = labels.map((_, i) => logits[2 * i + 1]! - logits[2 * i]!)
    const { figures: pair } = evaluated({ labels, logits }, { detailed: true })
    const { figures: single } = evaluated({ labels, logits: one }, { detailed: true, loss: 'binaryCrossentropy', classes: 2 })
    expect(single.auc).toBe(pair.auc)
    expect(single.logLoss).toBeCloseTo(pair.logLoss!, 6)
    expect(single.calibrationError).toBeCloseTo(pair.calibrationError!, 6)
  })

  it('leave out what a single class cannot have', () => {
    const { figures } = evaluated({ labels: [1, 1], logits: [0, 1, 1, 0] }, { detailed: true })
    expect(figures).not.toHaveProperty('auc')
    expect(figures.classes![0]).toEqual({ label: 'class 0', examples: 0, predicted: 1, precision: 0 })
  })

  it('of each round are few: neither classes nor a matrix', () => {
    const { figures } = evaluated(classes['four classes, one absent']!, { detailed: false })
    expect(Object.keys(figures).sort()).toEqual(['balancedAccuracy', 'baseline', 'kind'])
    expect(Object.keys(evaluated(classes['two classes']!, { detailed: false }).figures).sort()).toEqual(['auc', 'averagePrecision', 'balancedAccuracy', 'baseline', 'kind'])
  })

  it('take memory that many classes do not square', () => {
    const labels = Array.from({ length: 65_536 }, (_, i) => `${i}`)
    const tally = new ClassTally({ labels, examples: 2 ** 28, detailed: true })
    tally.add(65_535, 65_535, new Float64Array(65_536))
    const figures = tally.figures()
    expect(figures).not.toHaveProperty('confusion')
    expect(figures).not.toHaveProperty('auc')
    expect(figures.baseline.label).toBe('65535')
    expect(MAX_CONFUSION_CLASSES ** 2).toBeLessThanOrEqual(4096)
  })
})

describe('ranking', () => {
  it('by bins is within half of the pairs that share one', () => {
    const random = seededRandom('bins')
    const [exact] = createRankings(1, 20_000)
    const [binned] = createRankings(1, 20_000, 0)
    for (let i = 0; i < 20_000; i++) {
      const isOfClass = random() < 0.1
      const score = random() + random() - 1 + (isOfClass ? 0.2 : 0)
      exact!.add(score, isOfClass)
      binned!.add(score, isOfClass)
    }
    expect(binned!.figures()!.auc).toBeCloseTo(exact!.figures()!.auc, 3)
    expect(binned!.figures()!.averagePrecision).toBeCloseTo(exact!.figures()!.averagePrecision, 2)
    expect(binned!.figures()).not.toEqual(exact!.figures())
  })

  it('by bins keeps the order of negative, zero and positive scores', () => {
    const [binned] = createRankings(1, 5, 0)
    for (const [score, isOfClass] of [[-1e9, false], [-1e-9, false], [-0, false], [0, true], [1e-9, true]] as const) {
      binned!.add(score, isOfClass)
    }
    expect(binned!.figures()!.auc).toBe(5.5 / 6)
  })

  it('keeps no more scores than its bound', () => {
    expect(createRankings(2, EXACT_SCORES / 2)).toHaveLength(2)
    expect(createRankings(MAX_BINNED_CLASSES + 1, EXACT_SCORES)).toEqual([])
    const [exact] = createRankings(1, 1)
    exact!.add(1, true)
    expect(() => { exact!.add(1, true) }).toThrow(RangeError)
  })
})

describe('figures of a number', () => {
  it('are those of scikit-learn, beside the mean and the median of the training targets', () => {
    const { target, predicted, mean, median, baseline, ...errors } = regression
    const tally = new RegressionTally({ mean, median })
    target.forEach((value, i) => { tally.add(value, predicted[i]!) })
    const figures = tally.figures()
    for (const field of ['meanSquaredError', 'meanAbsoluteError', 'r2'] as const) {
      expect(figures[field], field).toBeCloseTo(errors[field], 9)
      expect(figures.baseline[field], field).toBeCloseTo(baseline[field], 9)
    }
  })

  it('leave R2 out where all targets are equal', () => {
    const tally = new RegressionTally({ mean: 1, median: 1 })
    tally.add(2, 3)
    tally.add(2, 2)
    expect(tally.figures()).not.toHaveProperty('r2')
  })
})
