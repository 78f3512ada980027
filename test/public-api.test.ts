/**
 * What a program needs to found a federation and to make sense of its parameters
 */
import { describe, expect, it } from 'vitest'
import * as grapevine from '../src/index.ts'

describe('the public API', () => {
  it('makes documents and reads parameters without reaching into folders', () => {
    const preset = grapevine.presetDocument('digits')
    const topology = grapevine.denseTopology({ inputShape: [28, 28, 1], hidden: [16], classes: 10 })
    const document = grapevine.parseFederation({ ...preset, name: 'own', model: { ...preset.model, topology } })
    const { layout, parameterCount } = grapevine.inspectTopology(document.model)

    expect(parameterCount).toBe(784 * 16 + 16 + 16 * 10 + 10)
    expect(layout.map(({ shape }) => shape)).toEqual([[784, 16], [16], [16, 10], [10]])
    expect(layout.at(-1)!.offset + layout.at(-1)!.size).toBe(parameterCount)
    expect(grapevine.PRESET_NAMES).toContain('digits')
    expect(grapevine.federationId(grapevine.encodeFederation(document))).toMatch(/^bafy/)
  })

  it('is loaded without side effects', () => {
    expect(Object.keys(grapevine)).toEqual(expect.arrayContaining(['createNode', 'exportLayersModel', 'NodeStateError']))
  })
})
