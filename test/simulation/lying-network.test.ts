/**
 * What leaves a Byzantine peer, whose rounds are honest
 */
import { describe, expect, it } from 'vitest'
import { createAttack } from '../../src/attacks/attacks.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { byzantineParts } from '../../src/simulation/byzantine-parts.ts'
import { makeByzantine } from '../../src/simulation/lying-network.ts'
import { MemoryHub } from '../round/memory-network.ts'
import type { MemoryNetwork } from '../round/memory-network.ts'

const codec = createCodec('float32')

function liar (spec: string): { liar: MemoryNetwork, other: MemoryNetwork, said: () => number[][] } {
  const hub = new MemoryHub()
  const [network, other] = [hub.join('liar'), hub.join('other')]
  makeByzantine(network, { attack: createAttack(spec), codec, elements: 2, random: seededRandom('lie') })
  return { liar: network, other, said: () => network.published.map(({ payload }) => [...codec.decode(payload, 2)]) }
}

function update (round: number, ...parameters: number[]): Parameters<MemoryNetwork['publish']>[0] {
  return { round, sequence: 10 * round, codec: 'float32', degree: 1, payload: codec.encode(Float32Array.from(parameters)) }
}

describe('the network of a liar', () => {
  it('tells a lie in place of each update', async () => {
    const { liar: network, said } = liar('sign-flip')
    await network.publish(update(1, 1, -2))
    await network.publish(update(2, 3, 4))
    expect(said()).toEqual([[-1, 2], [-3, -4]])
    expect(network.published.map(({ round, sequence }) => [round, sequence])).toEqual([[1, 10], [2, 20]])
  })

  it('signs its honest model as well where it equivocates', async () => {
    const { liar: network, said } = liar('equivocation')
    await network.publish(update(1, 1, -2))
    expect(said()).toEqual([[-1, 2], [1, -2]])
    expect(network.published.map(({ round, sequence }) => [round, sequence])).toEqual([[1, 10], [1, 11]])
  })

  it('lies about what stands on an earlier update with one that stands on nothing', async () => {
    const { liar: network } = liar('sign-flip')
    await network.publish({ ...update(1, 1, -2), kind: 2, replicaHash: new Uint8Array(32) })
    expect(network.published[0]).not.toHaveProperty('kind')
    expect(network.published[0]).not.toHaveProperty('replicaHash')
  })

  it('lies about all vectors of an update', async () => {
    const network = new MemoryHub().join('liar')
    makeByzantine(network, { attack: createAttack('sign-flip'), codec, elements: 4, random: seededRandom('lie') })
    await network.publish(update(1, 1, -2, 3, -4))
    expect(network.published.map(({ payload }) => [...codec.decode(payload, 4)])).toEqual([[-1, 2, -3, 4]])
  })

  it('does not tell the truth where it cannot read its own update', async () => {
    const { liar: network } = liar('sign-flip')
    await expect(network.publish(update(1, 1, -2, 3, -4))).rejects.toThrow('the own update is not one of 2 elements in codec float32')
    expect(network.published).toEqual([])
  })

  it('is not made where updates stand on earlier ones', async () => {
    const init = { membership: { document: {} }, replicas: { maxKeyframeBytes: 8 } }
    await expect(byzantineParts('sign-flip').network(init as never)).rejects.toThrow('there are no lies about updates that stand on earlier ones')
  })

  it('is refused at once under a name that is none', () => {
    expect(() => byzantineParts('sing-flip')).toThrow('unknown attack "sing-flip" (did you mean "sign-flip"?)')
  })
})
