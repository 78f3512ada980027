import { describe, expect, it } from 'vitest'
import { createCodec } from '../src/codec/codec.ts'
import { encodeFederation, parseFederation } from '../src/federation/document.ts'
import { MAX_FEDERATION_BYTES } from '../src/limits.ts'
import { inspectTopology } from '../src/model/topology.ts'
import { pldAccountant } from '../src/privacy/accounting/pld.ts'
import { roundCharge } from '../src/privacy/mechanism.ts'
import { PRESET_NAMES, presetDocument, presetTestnet } from '../src/presets.ts'

describe('presets', () => {
  it.each(PRESET_NAMES)('%s is a valid document of a model that can be trained', (name) => {
    const document = presetDocument(name)
    expect(parseFederation(document)).toEqual(document)
    expect(encodeFederation(document).byteLength).toBeLessThan(MAX_FEDERATION_BYTES)
    expect(inspectTopology(document.model).outputs).toBe(10)
    const { peers, rounds, degree = document.topology.degree } = presetTestnet(name)
    expect(degree).toBeLessThan(peers)
    expect(rounds).toBeGreaterThan(0)
  })

  it('keeps an update of the default small enough to travel inside a gossip message', () => {
    const { model, codec } = presetDocument('digits')
    expect(createCodec(codec.name).maxEncodedBytes(inspectTopology(model).parameterCount)).toBeLessThan(64 * 1024 - 1024)
  })

  it('has the sizes that it promises', () => {
    const count = (name: typeof PRESET_NAMES[number]): number => inspectTopology(presetDocument(name).model).parameterCount
    expect(count('mnist-mlp')).toBe(235_146)
    expect(count('mnist-noniid')).toBe(79_510)
    expect(count('mnist-private')).toBe(4_010)
    expect(count('wide')).toBeGreaterThan(5_000_000)
  })

  it('keeps private peers within their limit for a whole run, also those with a third of the usual share', () => {
    const document = presetDocument('mnist-private')
    const { privacy, training: { optimizer } } = document
    const { peers, rounds } = presetTestnet('mnist-private')
    if (privacy.mechanism !== 'dp-sgd') {
      throw new TypeError('mnist-private is not private')
    }
    const spent = (examples: number): number => {
      const { steps, ...event } = roundCharge(document, examples)!
      return pldAccountant().compose({ ...event, steps: steps * rounds }).epsilon(privacy.delta)
    }
    expect(privacy.epsilonLimit).toBe(8)
    expect(privacy.delta).toBeLessThan(peers / 60_000)
    expect(spent(60_000 / peers)).toBeLessThan(2)
    expect(spent(60_000 / peers / 3)).toBeLessThan(privacy.epsilonLimit)
    expect(optimizer.decayRounds).toBe(rounds)
  })

  it('gives a fresh copy each time', () => {
    const first = presetDocument('digits')
    first.model.topology.class_name = 'changed'
    presetTestnet('digits').partition.alpha = 9
    expect(presetDocument('digits').model.topology.class_name).toBe('Sequential')
    expect(presetTestnet('digits').partition.alpha).toBe(0.3)
  })
})
