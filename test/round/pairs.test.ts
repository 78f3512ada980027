/**
 * What a round does where two things come together: a wait and a goodbye, lonely rounds and the end of the budget
 */
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { hastyClock } from '../hasty-clock.ts'
import { MemoryHub } from './memory-network.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { RoundComponents, RoundInit } from '../../src/round/round-interface.ts'
import type { MemoryNetwork } from './memory-network.ts'

const never = new AbortController().signal
const codec = createCodec('float32')

interface Trial {
  engine: RoundEngine
  reports: RoundReport[]
  /** Rounds that were paid for */
  charges: number[]
}

/** A node with a budget for `affordable` rounds */
async function trial (network: MemoryNetwork, affordable: number, init: Partial<RoundInit> & Pick<RoundComponents, 'aggregator'>): Promise<Trial> {
  const store = createLevelStore({ location: 'memory', clock: systemClock, createDatabase: () => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as never })
  await store.open()
  const charges: number[] = []
  const refuses = (): boolean => charges.length >= affordable
  const { aggregator, ...settings } = init
  const engine = new RoundEngine({
    network,
    store,
    codec,
    aggregator,
    clock: hastyClock(),
    trainer: {
      initialParameters: async () => new Float32Array(8),
      train: async (parameters) => ({ parameters: parameters.map((x) => x + 1), loss: 1, examples: 1, steps: 1 }),
      evaluate: async () => ({ loss: 1, accuracy: 0.5, examples: 1 }),
      sampleLoss: async () => 1
    },
    budget: {
      refuses,
      reserve: async (round) => {
        const isAllowed = !refuses()
        isAllowed && charges.push(round)
        return isAllowed
      },
      status: () => ({ mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: 1, pld: 1 }, delta: 1e-5, accountant: 'pld', limit: 2, exhausted: refuses() })
    }
  }, { federation: 'bafyreitest', parameterCount: 8, deadlineMs: 5_000, staleness: 0, evaluateEvery: 1, quarantineLimit: 0, ...settings })
  await engine.load()
  const reports: RoundReport[] = []
  engine.addEventListener('round:end', ({ detail }) => { reports.push(detail) })
  return { engine, reports, charges }
}

async function say (network: MemoryNetwork, round: number): Promise<void> {
  await network.publish({ round, sequence: round, codec: 'float32', degree: 2, payload: codec.encode(new Float32Array(8).fill(1)) })
}

describe('a neighbour that says goodbye in the middle of a round', () => {
  it('leaves the others to wait without a charge, and the round that was paid for is mixed when it is back', async () => {
    const hub = new MemoryHub()
    const [network, faithful] = [hub.join('a'), hub.join('b')]
    hub.join('c')
    const { engine, reports, charges } = await trial(network, 9, { aggregator: createAggregator({ rule: 'gated-geometric-median', f: 1 }), rounds: 2 })
    const seen: string[] = []
    engine.addEventListener('round:start', ({ detail: { round } }) => {
      seen.push(`start ${round}`)
      if (round === 1) {
        void say(faithful, 1)
        hub.kill('c')
      } else {
        void say(faithful, 2).then(async () => say(hub.networks.get('c')!, 2))
      }
    })
    engine.addEventListener('round:waiting', ({ detail: { needed, round } }) => {
      seen.push(`wait ${round} for ${needed}, paid ${charges.length}`)
      void say(hub.networks.get('c') ?? hub.join('c'), 1)
    })
    engine.addEventListener('round:mixed', ({ detail: { round, accepted } }) => { seen.push(`mixed ${round} with ${accepted}`) })
    await engine.run(never)
    expect(seen).toEqual(['start 1', 'wait 2 for 2, paid 1', 'mixed 1 with 2', 'start 2'])
    expect(charges).toEqual([1, 2])
    expect(reports.map(({ accepted, late }) => ({ accepted, late }))).toEqual([{ accepted: 0, late: 0 }, { accepted: 2, late: 0 }])
  })
})

describe('lonely rounds that were asked for', () => {
  it('end with the budget: then nothing is trained, charged or sent, and the peer goes on listening', async () => {
    const hub = new MemoryHub()
    const network = hub.join('a')
    const { engine, reports, charges } = await trial(network, 2, { aggregator: createAggregator({ rule: 'gated-geometric-median', f: 1 }), rounds: 5, alone: 'train' })
    const exhausted: number[] = []
    engine.addEventListener('privacy:exhausted', ({ detail }) => { exhausted.push(detail.round) })
    await engine.run(never)
    expect(charges).toEqual([1, 2])
    expect(exhausted).toEqual([3])
    expect(network.published.map(({ round }) => round)).toEqual([1, 2])
    expect(reports.map(({ round, examples }) => ({ round, examples }))).toEqual([1, 2, 3, 4, 5].map((round) => ({ round, examples: round <= 2 ? 1 : 0 })))
  })
})
