/**
 * A mirrored model is told from an honest one in one round, though noise makes their distances alike
 */
import { describe, expect, it } from 'vitest'
import { neighbourGraph } from '../../src/topology/neighbour-graph.ts'
import { agreement as slicedAgreement, contrary as slicedContrary } from '../../src/round/agreement.ts'
import { Suspicion } from '../../src/round/suspicion.ts'
import { seededNormal, seededRandom } from '../../src/seeded-random.ts'
import { atOnce } from '../../src/slices.ts'
import { placed } from './placed.ts'
import type { Agreement } from '../../src/round/agreement.ts'

const agreement = (...models: Parameters<typeof slicedAgreement>): Agreement | undefined => atOnce(slicedAgreement(...models))
const contrary = (...said: Parameters<typeof slicedContrary>): string[] => atOnce(slicedContrary(...said))

/** As in the built-in demo after some rounds: 4,010 parameters, a model of length 12, noise of 0.33 in each */
const PARAMETERS = 4_010
const NOISE = 0.33
const LENGTH = 12

type Draw = (deviation: number) => Float32Array

function drawn (seed: string, count = PARAMETERS): Draw {
  const normal = seededNormal(seededRandom(seed))
  return (deviation) => Float32Array.from({ length: count }, () => deviation * normal())
}

const sum = (a: Float32Array, factor: number, b: Float32Array): Float32Array => a.map((value, i) => value + factor * b[i]!)
const norm = (vector: Float32Array): number => Math.sqrt(vector.reduce((total, value) => total + value * value, 0))

/** What the neighbours say in one round: `shares` of the model each, with noise */
function round (draw: Draw, model: Float32Array, shares: ReadonlyArray<[share: number, noise: number]>): Array<{ peer: string, parameters: Float32Array }> {
  return shares.map(([share, noise], j) => ({ peer: `peer-${j}`, parameters: sum(draw(noise), share, model) }))
}

const seeds = Array.from({ length: 20 }, (_, i) => `mesh ${i}`)

describe('agreement', () => {
  it('is the share of the model that a replica holds, with the deviation that noise gives it', () => {
    const draw = drawn('share')
    const model = draw(LENGTH / Math.sqrt(PARAMETERS))
    for (const share of [1, 0.5, -0.1, -1]) {
      const found = Array.from({ length: 200 }, () => agreement(model, sum(draw(NOISE), share, model))!)
      const deviation = NOISE / norm(model)
      const errors = found.map((one) => (one.share - share) / deviation)
      expect(Math.abs(errors.reduce((total, error) => total + error, 0)) / Math.sqrt(errors.length)).toBeLessThan(4)
      expect(Math.sqrt(errors.reduce((total, error) => total + error * error, 0) / errors.length)).toBeLessThan(1.2)
      expect(found.every((one) => one.deviation > 0.9 * deviation)).toBe(true)
    }
  })

  it('says nothing about a model that is zero', () => {
    expect(agreement(new Float32Array(3), new Float32Array([1, 2, 3]))).toBeUndefined()
    expect(contrary(new Float32Array(3), [{ peer: 'a', parameters: new Float32Array([1, 2, 3]) }])).toEqual([])
  })
})

describe('contrary', () => {
  it.each([
    ['a mirrored model', -1, NOISE],
    ['a mirrored mean, of less noise', -1, NOISE / 2],
    ['inner product manipulation', -0.1, 0],
    ['nothing at all', 0, 0]
  ])('sees %s in one round, beside two or three honest neighbours', (_, share, noise) => {
    for (const seed of seeds) {
      const draw = drawn(seed)
      const model = draw(LENGTH / Math.sqrt(PARAMETERS))
      for (const honest of [1, 2, 3]) {
        const said = round(draw, model, [...Array.from({ length: honest }, (): [number, number] => [0.6, NOISE]), [share, noise]])
        expect(contrary(model, said)).toEqual([`peer-${honest}`])
      }
    }
  })

  it('blames nobody when more than half would be to blame, which one lonely neighbour is', () => {
    const draw = drawn('wrong')
    const model = draw(LENGTH / Math.sqrt(PARAMETERS))
    expect(contrary(model, round(draw, model, [[-1, NOISE]]))).toEqual([])
    expect(contrary(model, round(draw, model, [[-1, NOISE], [-1, NOISE], [1, NOISE]]))).toEqual([])
  })

  it('keeps to its rate of false alarms at the threshold itself, also when the noise is much longer than the model', () => {
    const draw = drawn('alarms', 100)
    const model = draw(0.1)
    let alarms = 0
    for (let trial = 0; trial < 10_000; trial++) {
      alarms += contrary(model, round(draw, model, [[1 / 3, 0.5], [1, 0.5]])).length
    }
    // 0.6 are expected, as the deviation is itself estimated from 100 coordinates
    expect(alarms).toBeLessThanOrEqual(5)
  })
})

describe('Suspicion under privacy noise', () => {
  const rounds = (seed: string, { judged }: { judged: boolean }): Suspicion => {
    const draw = drawn(seed)
    const model = draw(LENGTH / Math.sqrt(PARAMETERS))
    const suspicion = new Suspicion()
    for (let i = 0; i < 4; i++) {
      const own = sum(draw(NOISE), 1, model)
      const said = round(draw, model, [[1, NOISE], [1, NOISE], [-1, NOISE]])
      suspicion.observe(placed(own, said), new Set(), judged ? contrary(model, said) : [])
    }
    return suspicion
  }

  it('names a sign flip among three neighbours after four rounds, and nobody else', () => {
    for (const seed of seeds) {
      expect(Object.keys(rounds(seed, { judged: true }).suspects())).toEqual(['peer-2'])
    }
  })

  it('judges by distance and angle alone where there is no noise to look through', () => {
    expect(rounds('plain', { judged: false }).suspects()).toEqual({})
  })

  it('names nobody in a sparse mesh whose models start at zero and are nothing but noise, though some are contrary for a round', () => {
    const count = 32
    const draw = drawn('zero', 4_000)
    const peers = Array.from({ length: count }, (_, i) => `peer-${i}`)
    const neighbours = peers.map((peer) => neighbourGraph(peers, 8, 'a sparse mesh').get(peer)!.map((other) => peers.indexOf(other)))
    const suspicions = peers.map(() => new Suspicion())
    const contraryIn: number[] = []
    let models = peers.map(() => new Float32Array(4_000))
    for (let i = 0; i < 5; i++) {
      const sent = models.map((model) => sum(draw(1), 1, model))
      const said = neighbours.map((others) => others.map((j) => ({ peer: peers[j]!, parameters: sent[j]! })))
      contraryIn.push(said.reduce((total, replicas, j) => total + contrary(models[j]!, replicas).length, 0))
      suspicions.forEach((suspicion, j) => { suspicion.observe(placed(sent[j]!, said[j]!), new Set(), contrary(models[j]!, said[j]!)) })
      models = said.map((replicas, j) => replicas.reduce((total, { parameters }) => sum(total, 1, parameters), sent[j]!).map((value) => value / 9))
    }
    expect(contraryIn[1]).toBeGreaterThan(0)
    expect(contraryIn.slice(2)).toEqual([0, 0, 0])
    expect(suspicions.flatMap((suspicion) => Object.keys(suspicion.suspects()))).toEqual([])
  }, 30_000)
})
