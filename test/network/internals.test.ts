import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { DependencyError } from '../../src/errors.ts'
import { requireStreamInternals, routerInternals } from '../../src/network/host/internals.ts'
import type { GossipSub } from '@libp2p/gossipsub'

/** As the pinned release has it: `createHost` starts with the real one in every other test of this folder */
function router (): Record<string, unknown> {
  const methods = ['createOutboundStream', 'getMeshPeers', 'getPeers', 'getScore', 'getSubscribers', 'getTopics', 'onPeerConnected', 'removePeer', 'reportMessageValidationResult', 'sendIDontWants']
  return {
    ...Object.fromEntries(methods.map((name) => [name, () => undefined])),
    ...Object.fromEntries(['mesh', 'streamsInbound', 'streamsOutbound', 'topicValidators'].map((name) => [name, new Map()])),
    opts: { scoreParams: { topics: {} } }
  }
}

const inside = (value: Record<string, unknown>): unknown => routerInternals(value as unknown as GossipSub)

describe('the inner side of libp2p', () => {
  it('is the router itself where nothing is missing', () => {
    const whole = router()
    expect(inside(whole)).toBe(whole)
  })

  it.each(Object.keys(router()))('ends the start by name where a release has no %s', (name) => {
    for (const other of [undefined, 1]) {
      const call = (): unknown => inside({ ...router(), [name]: other })
      expect(call).toThrow(DependencyError)
      expect(call).toThrow(new RegExp(`^this release of @libp2p/gossipsub has no ${name}(\\.|,).* install one that satisfies ~`))
    }
  })

  it('is looked for in streams', () => {
    expect(() => { requireStreamInternals() }).not.toThrow()
    expect(() => { requireStreamInternals({}) }).toThrow(/^this release of @libp2p\/utils has no AbstractMessageStream\.onData/)
  })

  it('names the ranges of package.json', async () => {
    const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as { dependencies: Record<string, string> }
    expect(() => inside({})).toThrow(dependencies['@libp2p/gossipsub'])
    expect(() => { requireStreamInternals({}) }).toThrow(dependencies['@libp2p/utils'])
  })
})
