/**
 * Who stands apart, and for how long that is remembered
 */
import { describe, expect, it } from 'vitest'
import { oddities, persistentlyOdd, Suspicion } from '../../src/round/suspicion.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'

const SIZE = 300

function cloud (count: number, seed: string, centre = 1): Array<{ peer: string, parameters: Float32Array }> {
  const normal = seededNormal(seededRandom(seed))
  return Array.from({ length: count }, (_, j) => ({ peer: `peer-${j}`, parameters: Float32Array.from({ length: SIZE }, () => centre + 0.1 * normal()) }))
}

const own = new Float32Array(SIZE)
const liar = (value: number): { peer: string, parameters: Float32Array } => ({ peer: 'liar', parameters: new Float32Array(SIZE).fill(value) })

describe('oddities', () => {
  it('score a far one by distance and an opposite one by angle', () => {
    const far = oddities(own, [...cloud(6, 'far'), liar(5)]).at(-1)!
    expect(far.distance).toBeGreaterThan(3)
    const opposite = oddities(own, [...cloud(6, 'opposite'), liar(-1)]).at(-1)!
    expect(opposite.distance).toBeLessThan(3)
    expect(opposite.angle).toBeLessThan(-3)
  })

  it('find nobody odd among alike, also when all but agree, and nothing among too few', () => {
    for (const seed of ['a', 'b', 'c', 'd']) {
      expect(oddities(own, cloud(8, seed)).filter(({ distance, angle }) => distance > 3 || angle < -3)).toEqual([])
    }
    const same = Array.from({ length: 5 }, (_, j) => ({ peer: `peer-${j}`, parameters: new Float32Array(SIZE).fill(1 + j * 1e-6) }))
    expect(oddities(own, same).every(({ distance, angle }) => Math.abs(distance) < 1 && Math.abs(angle) < 1)).toBe(true)
    expect(oddities(own, [...cloud(2, 'few'), liar(9)])).toEqual([])
  })
})

describe('Suspicion', () => {
  it('names a neighbour after some odd rounds in a row, and forgives after some usual ones', () => {
    const suspicion = new Suspicion()
    for (let round = 0; round < 3; round++) {
      suspicion.observe(own, [...cloud(6, `r${round}`), liar(-1)], new Set())
    }
    expect(suspicion.suspects()).toEqual({})
    suspicion.observe(own, [...cloud(6, 'r4'), liar(-1)], new Set())
    expect(Object.keys(suspicion.suspects())).toEqual(['liar'])
    for (let round = 0; round < 2; round++) {
      suspicion.observe(own, [...cloud(6, `s${round}`), liar(1)], new Set())
    }
    expect(suspicion.suspects()).toEqual({})
  })

  it('counts what was refused, though it never came as far as a replica', () => {
    const suspicion = new Suspicion()
    for (let round = 0; round < 5; round++) {
      suspicion.observe(own, cloud(6, `r${round}`), new Set(['liar']))
    }
    expect(Object.keys(suspicion.suspects())).toEqual(['liar'])
  })

  it('fades while nothing is seen of a peer, so that who comes back starts almost anew', () => {
    const suspicion = new Suspicion()
    suspicion.restore({ gone: 1 })
    for (let round = 0; round < 14; round++) {
      suspicion.observe(own, cloud(6, `r${round}`), new Set())
    }
    expect(suspicion.level('gone')).toBeCloseTo(0.5, 1)
    for (let round = 0; round < 100; round++) {
      suspicion.observe(own, [], new Set())
    }
    expect(suspicion.level('gone')).toBe(0)
  })
})

/** As in the built-in demo: noise of 0.33 in each of 4,010 parameters, a model of length 12, data that move peers apart by 3 */
describe('under privacy noise', () => {
  const PARAMETERS = 4_010
  const NOISE = 0.33
  const MODEL = 12 / Math.sqrt(PARAMETERS)

  interface Mesh {
    honest: number
    /** What a liar says, in multiples of the model, and the noise that it adds; undefined: there is none */
    lie?: { factor: number, noise: number }
    rounds: number
  }

  function named (seed: string, { honest, lie, rounds }: Mesh, init = { noisy: true }): string[][] {
    const normal = seededNormal(seededRandom(seed))
    const vector = (centre: number, deviation: number): Float32Array => Float32Array.from({ length: PARAMETERS }, () => centre + deviation * normal())
    const shifts = Array.from({ length: honest }, () => vector(0, 3 / Math.sqrt(PARAMETERS)))
    const suspicion = new Suspicion(init)
    return Array.from({ length: rounds }, () => {
      const replicas = shifts.map((shift, j) => ({ peer: `peer-${j}`, parameters: vector(MODEL, NOISE).map((value, i) => value + shift[i]!) }))
      const lies = lie === undefined ? [] : [{ peer: 'liar', parameters: vector(lie.factor * MODEL, lie.noise) }]
      suspicion.observe(vector(MODEL, NOISE), [...replicas, ...lies], new Set())
      return Object.keys(suspicion.suspects())
    })
  }

  const seeds = Array.from({ length: 20 }, (_, i) => `mesh ${i}`)

  it.each([
    ['sign flip, three neighbours', { honest: 2, lie: { factor: -1, noise: NOISE / 2 } }],
    ['sign flip with honest noise', { honest: 3, lie: { factor: -1, noise: NOISE } }],
    ['inner product manipulation', { honest: 2, lie: { factor: -0.1, noise: 0 } }],
    ['zeros', { honest: 4, lie: { factor: 0, noise: 0 } }]
  ])('names %s within eight rounds, and nobody else', (_, mesh) => {
    for (const seed of seeds) {
      expect(named(seed, { ...mesh, rounds: 8 }).at(-1)).toEqual(['liar'])
    }
  })

  it('needs the rounds before: one round of the same lie is not odd', () => {
    const mesh = { honest: 3, lie: { factor: -0.1, noise: 0 }, rounds: 8 }
    expect(named('one', mesh, { noisy: false }).flat()).toEqual([])
  })

  it('names no honest peer, of two neighbours neither, and nobody for having more noise', () => {
    for (const seed of seeds) {
      expect(named(seed, { honest: 4, rounds: 20 }).flat()).toEqual([])
      expect(named(seed, { honest: 1, lie: { factor: -1, noise: NOISE }, rounds: 8 }).flat()).toEqual([])
      expect(named(seed, { honest: 3, lie: { factor: 1, noise: 0.7 * NOISE }, rounds: 20 }).flat()).toEqual([])
    }
  })

  it('keeps to its rate of false alarms among peers that differ in noise alone', () => {
    const normal = seededNormal(seededRandom('alike'))
    let odd = 0
    for (let trial = 0; trial < 20_000; trial++) {
      odd += persistentlyOdd(Array.from({ length: 4 }, (_, j) => ({ peer: `${j}`, square: normal(), deviation: 1 }))).length
    }
    // 80,000 judgements at 3e-5 or less: more than 9 has probability 4e-4
    expect(odd).toBeLessThanOrEqual(9)
  })

  it('remembers a liar that stays out now and then', () => {
    const normal = seededNormal(seededRandom('out'))
    const vector = (centre: number): Float32Array => Float32Array.from({ length: PARAMETERS }, () => centre + NOISE * normal())
    const suspicion = new Suspicion({ noisy: true })
    for (let round = 0; round < 24; round++) {
      const replicas = Array.from({ length: 3 }, (_, j) => ({ peer: `peer-${j}`, parameters: vector(MODEL) }))
      suspicion.observe(vector(MODEL), round % 3 === 2 ? replicas : [...replicas, { peer: 'liar', parameters: vector(-MODEL) }], new Set())
    }
    expect(Object.keys(suspicion.suspects())).toEqual(['liar'])
  })
})
