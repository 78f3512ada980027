import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeCorrupted } from '../../src/attacks/attack.ts'
import { ATTACK_NAMES, createAttack } from '../../src/attacks/attacks.ts'
import { alieStrength } from '../../src/attacks/directions.ts'
import { squaredDistance } from '../../src/attacks/statistics.ts'
import { CODEC_NAMES, createCodec } from '../../src/codec/codec.ts'
import { MAX_MAGNITUDE } from '../../src/codec/frame.ts'
import { InvalidUpdateError } from '../../src/errors.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import type { AttackView } from '../../src/attacks/attack.ts'

const parameters = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i))
const others = [1, 2, 3].map((j) => parameters.map((value, i) => value + 0.1 * Math.cos(i * j)))

function view (own: Float32Array, observed: readonly Float32Array[] = []): AttackView {
  return { own, observed, round: 1, random: seededRandom(1) }
}

function reasonOf (decode: () => unknown): string | undefined {
  try {
    decode()
    return undefined
  } catch (err) {
    expect(err).toBeInstanceOf(InvalidUpdateError)
    return (err as InvalidUpdateError).reason
  }
}

describe('createAttack', () => {
  it('knows every attack by name', () => {
    expect(ATTACK_NAMES).toEqual(['sign-flip', 'foe', 'alie', 'mimic', 'dissensus', 'spectral', 'min-max', 'min-sum', 'gaussian', 'stale', 'equivocation', 'sybil', 'label-flip', 'backdoor', 'nan', 'huge', 'denormal', 'wrong-shape'])
    for (const name of ATTACK_NAMES) {
      expect(createAttack(name).name).toBe(name)
    }
  })

  it('suggests the nearest name for a mistyped one', () => {
    expect(() => createAttack('sing-flip:2')).toThrow(new RangeError('unknown attack "sing-flip" (did you mean "sign-flip"?)'))
    expect(() => createAttack('toString')).toThrow(RangeError)
    expect(() => createAttack('')).toThrow(RangeError)
  })

  it.each(['sign-flip:', 'sign-flip:much', 'sign-flip:0', 'sign-flip:-1', 'sign-flip:Infinity', 'gaussian:NaN', 'gaussian:1e9', 'huge:1e20', 'nan:1', 'wrong-shape:2'])('refuses %s', (spec) => {
    expect(() => createAttack(spec)).toThrow(RangeError)
  })

  it.each(ATTACK_NAMES)('%s leaves the honest models alone and repeats itself from a seed', (name) => {
    const honest = parameters.slice()
    const first = createAttack(name).corrupt(view(honest, others))

    expect(honest).toEqual(parameters)
    expect(others[0]).toEqual(parameters.map((value, i) => value + 0.1 * Math.cos(i)))
    if (!['stale', 'label-flip', 'backdoor'].includes(name)) {
      expect(first).not.toEqual(parameters)
    }
    expect(createAttack(name).corrupt(view(honest, others))).toEqual(first)
  })
})

describe('the attacks', () => {
  it('sign-flip mirrors the own model, and amplifies it', () => {
    expect(createAttack('sign-flip').corrupt(view(Float32Array.of(1, -2)))).toEqual(Float32Array.of(-1, 2))
    expect(createAttack('sign-flip:2.5').corrupt(view(Float32Array.of(1, -2)))).toEqual(Float32Array.of(-2.5, 5))
  })

  it('gaussian adds noise of the standard deviation that it is given', () => {
    const zeros = new Float32Array(20_000)
    const noise = createAttack('gaussian:3').corrupt(view(zeros))
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length

    expect(Math.sqrt(variance)).toBeCloseTo(3, 1)
  })

  it('huge takes the largest magnitude that decoders accept', () => {
    expect(createAttack('huge').corrupt(view(Float32Array.of(1, -2)))).toEqual(Float32Array.of(MAX_MAGNITUDE, -MAX_MAGNITUDE))
    expect(createAttack('huge:1000').corrupt(view(Float32Array.of(1, -2)))).toEqual(Float32Array.of(1000, -1000))
  })

  it('nan and wrong-shape do what they are called', () => {
    expect(createAttack('nan').corrupt(view(parameters))[0]).toBeNaN()
    expect(createAttack('wrong-shape').corrupt(view(parameters))).toHaveLength(parameters.length - 1)
  })
})

const known = JSON.parse(readFileSync(new URL('../fixtures/aggregator_vectors.json', import.meta.url), 'utf8')) as Record<string, number[]> & { X: never }
const honestRows = (known.X as number[][]).slice(0, 5).map((row) => Float32Array.from(row))

function expectClose (actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  expected.forEach((value, i) => { expect(actual[i]).toBeCloseTo(value, 5) })
}

describe('known answers', () => {
  const seen = view(honestRows[0]!, honestRows.slice(1))

  it('sign-flip, foe, alie with n - 1, mimic', () => {
    expectClose(createAttack('sign-flip').corrupt(seen), known.attack_signflip!)
    // the other library adds what the paper subtracts
    expectClose(createAttack('alie:1.5').corrupt(seen), known['attack_alie_tau1.5_ddof1']!.map((value, i) => -2 * known.attack_signflip![i]! - value))
    expectClose(createAttack('foe:0.1').corrupt(seen), known['attack_ipm_tau0.1']!)
    expectClose(createAttack('mimic').corrupt(view(honestRows[1]!, honestRows)), known.attack_mimic_0!)
  })

  it('the strength that a little is enough derives from the numbers', () => {
    for (const [n, m] of [[20, 4], [25, 5], [10, 2], [50, 12]] as const) {
      expect(alieStrength(n, m)).toBeCloseTo(known[`alie_zmax_n${n}_m${m}`] as unknown as number, 8)
    }
  })
})

describe('attacks that keep within the honest spread', () => {
  const set = [parameters, ...others]
  const farthest = (candidate: Float32Array): number => Math.max(...set.map((model) => squaredDistance(candidate, model)))
  const sum = (candidate: Float32Array): number => set.reduce((total, model) => total + squaredDistance(candidate, model), 0)

  it('min-max is no farther from an honest model than the farthest two, and goes that far', () => {
    const limit = Math.max(...set.map(farthest))
    expect(farthest(createAttack('min-max').corrupt(view(parameters, others))) / limit).toBeCloseTo(1, 3)
  })

  it('min-sum has no larger sum of squared distances than an honest model, and goes that far', () => {
    const limit = Math.max(...set.map(sum))
    expect(sum(createAttack('min-sum').corrupt(view(parameters, others))) / limit).toBeCloseTo(1, 3)
  })

  it('are honest as long as they know one model only', () => {
    for (const name of ['min-max', 'min-sum']) {
      expect(createAttack(name).corrupt(view(parameters))).toEqual(parameters)
    }
  })
})

describe('attacks that know their neighbours', () => {
  it('dissensus pushes away from the mean of all, and an eps of 1 mirrors it', () => {
    const at = (value: number): Float32Array => Float32Array.of(value)
    expect(createAttack('dissensus:1').corrupt(view(at(1), [at(3)]))[0]).toBe(0)
    expect(createAttack('dissensus').corrupt(view(at(1), [at(3)]))[0]).toBe(-0.5)
  })

  it('spectral tells two groups of models apart and pushes along their difference', () => {
    const group = (value: number): Float32Array => Float32Array.of(value, 1)
    const lie = createAttack('spectral').corrupt(view(group(1), [group(1.1), group(-1), group(-1.1)]))
    expect(Math.abs(lie[0]! - 1)).toBeGreaterThan(1.5)
    expect(lie[1]).toBeCloseTo(1, 5)
  })

  it('sybils that know different honest models tell nearly the same lie, within the honest spread', () => {
    const [one, other] = [createAttack('sybil'), createAttack('sybil')]
    const models = Array.from({ length: 8 }, (_, i) => Float32Array.from({ length: 2_000 }, (_unused, j) => Math.sin(i * 7 + j)))
    const view = { own: models[0]!, round: 3, random: seededRandom(1) }
    const [a, b] = [one.corrupt({ ...view, observed: models.slice(0, 7) }), other.corrupt({ ...view, observed: models.slice(1) })]
    const distance = (x: Float32Array, y: Float32Array): number => Math.sqrt(x.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0))
    expect(distance(a, b)).toBeLessThan(0.5 * distance(models[0]!, models[1]!))
    expect(distance(a, models[1]!)).toBeLessThan(1.2 * distance(models[0]!, models[4]!))
    expect(distance(one.corrupt({ ...view, round: 4, observed: models }), a)).toBeGreaterThan(0.5 * distance(models[0]!, models[1]!))
  })

  it('stale is the own model of some rounds ago', () => {
    const attack = createAttack('stale:2')
    const published = [1, 2, 3, 4, 5].map((value) => attack.corrupt(view(Float32Array.of(value)))[0])
    expect(published).toEqual([1, 1, 1, 2, 3])
    // half a round ago would be honest
    expect(() => createAttack('stale:0.5')).toThrow('whole number of rounds')
  })

  it('denormal keeps signs and nothing else', () => {
    const lie = createAttack('denormal').corrupt(view(Float32Array.of(5, -5)))
    expect(lie[0]).toBeGreaterThan(0)
    expect(lie[1]).toBe(-lie[0]!)
    expect(lie[0]).toBeLessThan(1.2e-38)
  })
})

describe('encodeCorrupted', () => {
  const verdicts: Record<string, string | undefined> = {
    nan: 'not-finite', 'wrong-shape': 'shape'
  }

  it.each(ATTACK_NAMES.flatMap((attack) => CODEC_NAMES.map((codec) => [attack, codec] as const)))('brings %s to the wire as %s, and the decoder gives the verdict', (name, codecName) => {
    const codec = createCodec(codecName)
    const honest = parameters.slice()
    const payload = encodeCorrupted(createAttack(name), codec, view(honest, others))

    expect(honest).toEqual(parameters)
    // what is larger than any honest payload could not be published, and would test nothing
    expect(payload.byteLength).toBeLessThanOrEqual(codec.maxEncodedBytes(parameters.length))
    expect(reasonOf(() => codec.decode(payload, parameters.length))).toBe(verdicts[name])
  })
})
