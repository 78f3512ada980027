import { describe, expect, it } from 'vitest'
import { noiseReach } from '../../src/privacy/mechanism.ts'
import { presetDocument } from '../../src/presets.ts'
import type { FederationDocument } from '../../src/federation.ts'

const { training } = presetDocument('digits-private')
const limits = { epsilonLimit: 8, delta: 1e-5, accountant: 'pld' } as const
const reachOf = (privacy: FederationDocument['privacy']): number => noiseReach({ privacy, training }, 10_000, 2000)

describe('how far noise alone moves a model in its first round', () => {
  it('is the length of the noise of a whole update: an honest peer is no liar for it', () => {
    expect(reachOf({ mechanism: 'update-level', clipNorm: 3, noiseMultiplier: 2, ...limits })).toBe(600)
  })

  it('is that of the steps with DP-SGD, and nothing without noise', () => {
    expect(reachOf({ mechanism: 'dp-sgd', clipNorm: 3, noiseMultiplier: 2, ...limits })).toBeGreaterThan(0)
    expect(reachOf({ mechanism: 'none' })).toBe(0)
  })
})
