/**
 * Who stands apart, and for how long that is remembered
 */
import { describe, expect, it } from 'vitest'
import { oddities, Suspicion } from '../../src/round/suspicion.ts'
import { placed } from './placed.ts'
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
    const far = oddities(placed(own, [...cloud(6, 'far'), liar(5)])).at(-1)!
    expect(far.distance).toBeGreaterThan(3)
    const opposite = oddities(placed(own, [...cloud(6, 'opposite'), liar(-1)])).at(-1)!
    expect(opposite.distance).toBeLessThan(3)
    expect(opposite.angle).toBeLessThan(-3)
  })

  it('find nobody odd among alike, also when all but agree, and nothing among too few', () => {
    for (const seed of ['a', 'b', 'c', 'd']) {
      expect(oddities(placed(own, cloud(8, seed))).filter(({ distance, angle }) => distance > 3 || angle < -3)).toEqual([])
    }
    const same = Array.from({ length: 5 }, (_, j) => ({ peer: `peer-${j}`, parameters: new Float32Array(SIZE).fill(1 + j * 1e-6) }))
    expect(oddities(placed(own, same)).every(({ distance, angle }) => Math.abs(distance) < 1 && Math.abs(angle) < 1)).toBe(true)
    expect(oddities(placed(own, [...cloud(2, 'few'), liar(9)]))).toEqual([])
  })
})

describe('Suspicion', () => {
  it('names a neighbour after some odd rounds in a row, and forgives after some usual ones', () => {
    const suspicion = new Suspicion()
    for (let round = 0; round < 3; round++) {
      suspicion.observe(placed(own, [...cloud(6, `r${round}`), liar(-1)]), new Set())
    }
    expect(suspicion.suspects()).toEqual({})
    suspicion.observe(placed(own, [...cloud(6, 'r4'), liar(-1)]), new Set())
    expect(Object.keys(suspicion.suspects())).toEqual(['liar'])
    for (let round = 0; round < 2; round++) {
      suspicion.observe(placed(own, [...cloud(6, `s${round}`), liar(1)]), new Set())
    }
    expect(suspicion.suspects()).toEqual({})
  })

  it('counts what was refused, though it never came as far as a replica', () => {
    const suspicion = new Suspicion()
    for (let round = 0; round < 5; round++) {
      suspicion.observe(placed(own, cloud(6, `r${round}`)), new Set(['liar']))
    }
    expect(Object.keys(suspicion.suspects())).toEqual(['liar'])
  })

  it('fades while nothing is seen of a peer, so that who comes back starts almost anew', () => {
    const suspicion = new Suspicion()
    suspicion.restore({ gone: 1 })
    for (let round = 0; round < 14; round++) {
      suspicion.observe(placed(own, cloud(6, `r${round}`)), new Set())
    }
    expect(suspicion.level('gone')).toBeCloseTo(0.5, 1)
    for (let round = 0; round < 100; round++) {
      suspicion.observe(placed(own, []), new Set())
    }
    expect(suspicion.level('gone')).toBe(0)
  })
})
