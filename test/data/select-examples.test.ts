import { describe, expect, it } from 'vitest'
import { imageExamples } from '../../src/data/examples.ts'
import { selectExamples } from '../../src/data/select-examples.ts'

const examples = imageExamples(Uint8Array.of(0, 51, 102, 255), Uint16Array.of(0, 1, 2, 3), { kind: 'image', shape: [1, 1, 1], mean: 0, stdDev: 1 })

describe('a selection of examples', () => {
  it('has them in the order asked for, repeated where asked for', () => {
    const selected = selectExamples(examples, [3, 1, 1])
    const out = new Float32Array(3)
    for (let index = 0; index < 3; index++) {
      selected.writeInputs(index, out, index)
    }
    expect(Array.from(selected.labels)).toEqual([3, 1, 1])
    expect(Array.from(out)).toEqual([1, Math.fround(0.2), Math.fround(0.2)])
    expect(selected).toMatchObject({ count: 3, featureCount: 1 })
  })

  it('refuses rows and indices that do not exist', () => {
    expect(() => selectExamples(examples, [4])).toThrow(RangeError)
    expect(() => { selectExamples(examples, [0]).writeInputs(1, new Float32Array(1), 0) }).toThrow(RangeError)
  })
})
