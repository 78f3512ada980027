import { describe, expect, it } from 'vitest'
import { imageExamples } from '../../src/data/examples.ts'
import { inferenceGroups, inferMembership } from '../../src/audit/membership-inference.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { Examples } from '../../src/data/examples.ts'

/** The pixel tells training from test examples apart */
function labelled (labels: number[], pixel: number): Examples {
  return imageExamples(new Uint8Array(labels.length).fill(pixel), Uint16Array.from(labels), { kind: 'image', shape: [1, 1, 1], mean: 0, stdDev: 1 })
}

function ofClasses (counts: number[]): number[] {
  return counts.flatMap((count, label) => new Array<number>(count).fill(label))
}

const histogram = ({ labels }: Examples): number[] => [0, 1, 2].map((label) => labels.filter((own) => own === label).length)

const inputOf = (examples: Examples, index: number): number => {
  const out = new Float32Array(1)
  examples.writeInputs(index, out, 0)
  return out[0]!
}

/** Of 300, 40 and no examples; the test set has 200 of each */
const skewed = { train: labelled(ofClasses([300, 40, 0]), 255), test: labelled(ofClasses([200, 200, 200]), 0) }

describe('the groups of a membership attack', () => {
  it('hold as many members as non-members of each class, and the rest of the test examples for the fit', () => {
    const { members, nonMembers, others } = inferenceGroups(skewed, seededRandom(1))
    expect(histogram(members)).toEqual([150, 40, 0])
    expect(histogram(nonMembers)).toEqual([150, 40, 0])
    expect(histogram(others)).toEqual([50, 50, 50])
    expect(inputOf(members, 7)).toBe(1)
    expect(inputOf(nonMembers, 7)).toBe(0)
    expect(inputOf(others, 7)).toBe(0)
  })

  it('never score an example of the fit', () => {
    const test = imageExamples(Uint8Array.from({ length: 90 }, (_, i) => i), Uint16Array.from({ length: 90 }, (_, i) => i % 3), { kind: 'image', shape: [1, 1, 1], mean: 0, stdDev: 1 })
    const { nonMembers, others } = inferenceGroups({ train: skewed.train, test }, seededRandom(1))
    const scored = new Set(Array.from({ length: nonMembers.count }, (_, i) => inputOf(nonMembers, i)))
    expect(scored.size).toBe(nonMembers.count)
    for (let i = 0; i < others.count; i++) {
      expect(scored.has(inputOf(others, i))).toBe(false)
    }
  })

  it('refuse data in which the two have too little in common', () => {
    expect(() => inferenceGroups({ train: labelled(ofClasses([30, 0, 0]), 255), test: labelled(ofClasses([0, 30, 30]), 0) }, seededRandom(1)))
      .toThrow(expect.objectContaining({ name: 'DatasetError', message: expect.stringContaining('takes at least 10') as string }) as Error)
  })
})

describe('the attacks', () => {
  const groups = inferenceGroups(skewed, seededRandom(1))

  /** A model that gives logit `confidence(input)` to the label, 0 to the others */
  const attacked = (confidence: (input: number, random: () => number) => number) => {
    const random = seededRandom('model')
    return inferMembership(groups, 'categoricalCrossentropy', (examples) => {
      const logits = new Float32Array(3 * examples.count)
      examples.labels.forEach((label, index) => { logits[3 * index + label] = confidence(inputOf(examples, index), random) })
      return { logits, labels: examples.labels, count: examples.count, outputs: 3 }
    })
  }

  it('find all members of a model that is sure of them alone', () => {
    const { loss, likelihoodRatio } = attacked((input, random) => 5 * input + random())
    expect(loss.auc).toBe(1)
    expect(likelihoodRatio.auc).toBe(1)
  })

  it('take the spread of all classes where a class has no example to spare', () => {
    const few = inferenceGroups({ train: skewed.train, test: labelled(ofClasses([30, 1, 0]), 0) }, seededRandom(1))
    expect(histogram(few.others)).toEqual([15, 0, 0])
    expect(histogram(few.nonMembers)).toEqual([15, 1, 0])
    const random = seededRandom('few')
    const { likelihoodRatio } = inferMembership(few, 'categoricalCrossentropy', ({ labels, count }) => ({ logits: Float32Array.from({ length: 3 * count }, random), labels, count, outputs: 3 }))
    expect(likelihoodRatio.points.at(-1)).toMatchObject({ truePositives: 16, falsePositives: 16 })
  })

  it('find nobody in a model that is as sure of the others, however skewed the classes are', () => {
    const { loss, likelihoodRatio } = attacked((_, random) => random())
    // 4 standard errors over 190 of each
    for (const { auc } of [loss, likelihoodRatio]) {
      expect(Math.abs(auc - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 6 / 190))
    }
  })
})
