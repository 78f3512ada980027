/**
 * Where the bits of production come from: with a generator of the machine that is scripted, noise and samples are its
 * bits and no others
 */
import { randomFillSync } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { createSecureNoise } from '../../../src/privacy/noise/secure-noise.ts'
import { seededKeystream, seededNoise } from './seeded-noise.ts'

vi.mock('node:crypto', async (original) => ({ ...await original<object>(), randomFillSync: vi.fn() }))

describe('the noise of production', () => {
  it('is made from the generator of node:crypto alone', () => {
    const keystream = seededKeystream('machine')
    vi.mocked(randomFillSync).mockImplementation((words) => {
      keystream(words as unknown as Uint32Array)
      return words
    })
    const [secure, expected] = [createSecureNoise(), seededNoise('machine')]
    const [drawn, wanted] = [new Float64Array(10_000), new Float64Array(10_000)]
    secure.addGaussian(drawn, 2)
    expected.addGaussian(wanted, 2)
    expect(drawn).toEqual(wanted)
    expect(secure.sample(5000, 0.3)).toEqual(expected.sample(5000, 0.3))
  })

  it('fails where that fails', () => {
    vi.mocked(randomFillSync).mockImplementation(() => { throw new Error('no entropy') })
    expect(() => { createSecureNoise().addGaussian(new Float64Array(1), 1) }).toThrow('no entropy')
    expect(() => createSecureNoise().sample(1, 0.5)).toThrow('no entropy')
  })
})
