import { generateKeyPair } from '@libp2p/crypto/keys'
import { describe, expect, it } from 'vitest'
import { AuthorLog } from '../../src/network/signed/author-log.ts'
import { CatchUp } from '../../src/network/updates/catch-up.ts'
import { signHeader } from '../../src/network/signed/update-header.ts'
import { bytes } from '../../src/contracts/helpers.ts'
import { FEDERATION } from './nodes.ts'
import type { CatchUpComponents } from '../../src/network/updates/catch-up.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'
import type { PulledUpdate } from '../../src/network/updates/update-pull.ts'

describe('CatchUp', () => {
  it('counts no replay when gossip was faster than the answer to an own question', async () => {
    const key = await generateKeyPair('Ed25519')
    const headerOf = async (round: number, sequence = round): Promise<SignedHeader> =>
      signHeader(key, { federation: FEDERATION, round, sequence, codec: 'float32', degree: 1 }, bytes(10, sequence))
    const log = new AuthorLog()
    const [older, newer, twice] = [await headerOf(4), await headerOf(5), await headerOf(5, 6)]
    const { author } = older
    const answers = [older, twice]
    const refused: unknown[] = []
    const components = {
      host: { libp2p: { getPeers: () => [author] } },
      puller: {
        latest: async (): Promise<PulledUpdate> => {
          if (!log.has(newer)) {
            log.record(newer)
          }
          return { signed: answers.shift()!, payload: bytes(10), from: author }
        }
      },
      cache: { latest: () => undefined, put: () => {} },
      log,
      logger: () => {},
      neighbourhood: { neighbours: () => [author], elders: () => [], heard: () => {}, isConnected: () => true },
      isBanned: () => false,
      refuse: (refusal: unknown) => { refused.push(refusal) },
      deliver: () => {}
    }
    const catchUp = new CatchUp(components as unknown as CatchUpComponents)

    expect(await catchUp.latest({})).toEqual([])
    expect(refused).toEqual([])
    // a second update of one round is a lie, whoever was faster
    expect(await catchUp.latest({})).toEqual([])
    expect(refused).toMatchObject([{ author, reason: 'equivocation' }])
  })

  it('asks neighbours first what they know of the own updates: others never followed them', async () => {
    const strangers = Array.from({ length: 20 }, (_, i) => `stranger-${i}`)
    const asked: string[] = []
    const components = {
      host: { libp2p: { getPeers: () => [...strangers, 'near', 'nearer'] } },
      puller: {
        newestOwn: async (source: string) => {
          asked.push(source)
          return source === 'nearer' ? { header: { round: 8, sequence: 80 } } : undefined
        }
      },
      logger: () => {},
      neighbourhood: { neighbours: () => ['away', 'near', 'nearer'] }
    }
    const catchUp = new CatchUp(components as unknown as CatchUpComponents)

    expect(await catchUp.newestOwn(50, {})).toEqual({ answers: 8, newest: { round: 8, sequence: 80 } })
    expect(asked.slice(0, 2)).toEqual(['near', 'nearer'])
  })
})
