import { describe, expect, it } from 'vitest'
import { ATTACK_NAMES, createAttack, encodeCorrupted } from '../../src/attacks/attack.ts'
import { CODEC_NAMES, createCodec } from '../../src/codec/codec.ts'
import { MAX_MAGNITUDE } from '../../src/codec/frame.ts'
import { InvalidUpdateError } from '../../src/errors.ts'
import { seededRandom } from '../../src/seeded-random.ts'

const parameters = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i))

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
    expect(ATTACK_NAMES).toEqual(['sign-flip', 'gaussian', 'nan', 'huge', 'wrong-shape'])
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

  it.each(ATTACK_NAMES)('%s leaves the honest model alone and repeats itself from a seed', (name) => {
    const honest = parameters.slice()
    const first = createAttack(name).corrupt(honest, seededRandom(1))

    expect(honest).toEqual(parameters)
    expect(first).not.toEqual(parameters)
    expect(createAttack(name).corrupt(honest, seededRandom(1))).toEqual(first)
  })
})

describe('the attacks', () => {
  it('sign-flip mirrors the own model, and amplifies it', () => {
    expect(createAttack('sign-flip').corrupt(Float32Array.of(1, -2), seededRandom(1))).toEqual(Float32Array.of(-1, 2))
    expect(createAttack('sign-flip:2.5').corrupt(Float32Array.of(1, -2), seededRandom(1))).toEqual(Float32Array.of(-2.5, 5))
  })

  it('gaussian adds noise of the standard deviation that it is given', () => {
    const zeros = new Float32Array(20_000)
    const noise = createAttack('gaussian:3').corrupt(zeros, seededRandom(1))
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length

    expect(Math.sqrt(variance)).toBeCloseTo(3, 1)
  })

  it('huge takes the largest magnitude that decoders accept', () => {
    expect(createAttack('huge').corrupt(Float32Array.of(1, -2), seededRandom(1))).toEqual(Float32Array.of(MAX_MAGNITUDE, -MAX_MAGNITUDE))
    expect(createAttack('huge:1000').corrupt(Float32Array.of(1, -2), seededRandom(1))).toEqual(Float32Array.of(1000, -1000))
  })

  it('nan and wrong-shape do what they are called', () => {
    expect(createAttack('nan').corrupt(parameters, seededRandom(1))[0]).toBeNaN()
    expect(createAttack('wrong-shape').corrupt(parameters, seededRandom(1))).toHaveLength(parameters.length + 1)
  })
})

describe('encodeCorrupted', () => {
  const verdicts: Record<string, string | undefined> = {
    'sign-flip': undefined, gaussian: undefined, huge: undefined, nan: 'not-finite', 'wrong-shape': 'shape'
  }

  it.each(ATTACK_NAMES.flatMap((attack) => CODEC_NAMES.map((codec) => [attack, codec] as const)))('brings %s to the wire as %s, and the decoder gives the verdict', (name, codecName) => {
    const codec = createCodec(codecName)
    const honest = parameters.slice()
    const payload = encodeCorrupted(createAttack(name), codec, honest, seededRandom(1))

    expect(honest).toEqual(parameters)
    expect(payload).not.toEqual(codec.encode(parameters))
    expect(reasonOf(() => codec.decode(payload, parameters.length))).toBe(verdicts[name])
  })
})
