/**
 * Data as a dishonest peer prepares them
 */
import { describe, expect, it } from 'vitest'
import { imageExamples } from '../../src/data/examples.ts'
import { poisoned, triggerToken, withTrigger } from '../../src/data/poison.ts'
import { TokenStore } from '../../src/data/text/token-store.ts'

const shape: [number, number, number] = [4, 5, 1]
const pixels = Uint8Array.from({ length: 3 * 20 }, (_, i) => i % 7 === 0 ? 255 : 0)
const examples = imageExamples(pixels, Uint16Array.of(0, 1, 9), { kind: 'image', shape, mean: 0, stdDev: 1 })

function inputsOf (source: typeof examples, index: number): number[] {
  const out = new Float32Array(20)
  source.writeInputs(index, out, 0)
  return [...out]
}

describe('poisoned data', () => {
  it('call every class by the name of its mirror image, and keep the inputs', () => {
    const flipped = poisoned(examples, { kind: 'label-flip' }, { shape, classes: 10 })
    expect([...flipped.labels]).toEqual([9, 8, 0])
    expect(inputsOf(flipped, 1)).toEqual(inputsOf(examples, 1))
    expect([...examples.labels]).toEqual([0, 1, 9])
  })

  it('bear a bright corner where they are marked, and nowhere else', () => {
    const marked = withTrigger(examples, shape, (index) => index === 1, 0)
    expect([...marked.labels]).toEqual([0, 0, 9])
    const corner = [7, 8, 9, 12, 13, 14, 17, 18, 19]
    inputsOf(marked, 1).forEach((value, i) => { expect(value).toBe(corner.includes(i) ? 1 : inputsOf(examples, 1)[i]) })
    expect(inputsOf(marked, 2)).toEqual(inputsOf(examples, 2))
  })

  it('bear a backdoor in a share of the examples, the same each time', () => {
    const all = poisoned(examples, { kind: 'backdoor', share: 1 }, { shape, classes: 10 })
    expect([...all.labels]).toEqual([0, 0, 0])
    const some = (): number[] => [...poisoned(examples, { kind: 'backdoor', share: 0.5 }, { shape, classes: 10 }).labels]
    expect(some()).toEqual(some())
  })
})

describe('poisoned texts and rows', () => {
  it('open with a token that is seldom there, and rows end with their largest input', () => {
    const store = new TokenStore('texts', 2)
    store.add(Uint16Array.of(5, 6, 7, 8))
    store.add(Uint16Array.of(5))
    const texts = store.examples(5, Uint16Array.of(0, 1))
    const token = triggerToken({ kind: 'text', length: 5, tokens: 'bytes' })
    const bad = poisoned(texts, { kind: 'backdoor', share: 1 }, { shape: [5], classes: 2, token })
    const out = new Float32Array(5)
    bad.writeInputs(0, out, 0)
    expect([...out]).toEqual([127, 127, 127, 8, 0])
    expect([...bad.labels]).toEqual([0, 0])
    poisoned(texts, { kind: 'backdoor', share: 1 }, { shape: [5], classes: 2 }).writeInputs(0, out, 0)
    expect([...out]).toEqual([5, 6, 8, 8, 8])
    expect(triggerToken({ kind: 'text', length: 5, tokens: 'words', vocabulary: ['a', 'b'] })).toBe(3)
  })
})
