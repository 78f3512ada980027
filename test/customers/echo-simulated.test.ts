/**
 * The same customer over virtual time: peers of different speeds, one that goes and one that never answers
 */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { RoundStore } from '../../src/simulation/round-store.ts'
import { SimulatedMesh } from '../../src/simulation/simulated-mesh.ts'
import { VirtualClock } from '../../src/simulation/virtual-clock.ts'
import { echoProtocol } from './echo-protocol.ts'
import type { PeerName, RoundReport } from '../../src/index.ts'
import type { Echo } from './echo-protocol.ts'

const PARAMETERS = 16
const DEADLINE_MS = 20_000
const ROUNDS = 20

interface Run {
  reports: Map<PeerName, RoundReport[]>
  echoes: Map<PeerName, Echo[]>
  elapsedMs: number
  digest: string
}

/** @param trainMs - Of each peer, whose number is its name. `leaves`: the first one goes after its fifth round */
async function run (trainMs: readonly number[], { mute, leaves = false }: { mute?: number, leaves?: boolean } = {}): Promise<Run> {
  const clock = new VirtualClock()
  const protocol = echoProtocol()
  const mesh = new SimulatedMesh(clock, {
    federation: 'f', topology: { degree: trainMs.length - 1 }, links: { latencyMs: 20, bytesPerSecond: 1e6 }, maxPayloadBytes: 1_000, steps: { protocol: protocol.name, steps: protocol.steps, maxBytes: 1_024 }
  })
  const reports = new Map<PeerName, RoundReport[]>()
  const echoes = new Map<PeerName, Echo[]>()
  const gone = new AbortController()
  const peers = trainMs.map((ms, index) => {
    const network = mesh.join(`peer-${index}`)
    const store = new RoundStore(clock)
    const heard: Echo[] = []
    const engine = new RoundEngine({
      network,
      store,
      clock,
      codec: createCodec('float32'),
      aggregator: createAggregator({ rule: 'mean', f: 0 }),
      trainer: {
        initialParameters: async () => new Float32Array(PARAMETERS),
        train: async (parameters, options) => {
          await clock.delay(ms, options)
          return { parameters: parameters.map((x) => x + 0.5 * (index - x)), loss: 1, examples: 1, steps: 1 }
        },
        evaluate: async () => ({ loss: 1, accuracy: 0.5, examples: 1 }),
        sampleLoss: async () => 1
      },
      protocol: echoProtocol({ onEcho: (echo) => { heard.push(echo) }, isMute: index === mute })
    }, { federation: 'f', parameterCount: PARAMETERS, deadlineMs: DEADLINE_MS, staleness: 1, rounds: ROUNDS, evaluateEvery: ROUNDS, quarantineLimit: 0 })
    const told: RoundReport[] = []
    reports.set(network.self, told)
    echoes.set(network.self, heard)
    engine.addEventListener('round:end', ({ detail }) => {
      told.push(detail)
      if (leaves && index === 0 && detail.round === 5) {
        gone.abort(new RangeError('gone'))
        void network.stop()
      }
    })
    return { engine, network, store, signal: index === 0 ? gone.signal : new AbortController().signal }
  })
  await clock.run(Promise.all(peers.map(async ({ engine }) => engine.load())))
  await clock.run(Promise.all(peers.map(async ({ network }) => network.start())))
  await clock.run(Promise.allSettled(peers.map(async ({ engine, signal }) => engine.run(signal))))
  const digest = createHash('sha256')
  for (const { store } of peers) {
    digest.update((await store.newest())?.parametersHash ?? '')
  }
  return { reports, echoes, elapsedMs: clock.monotonicMs(), digest: digest.digest('hex') }
}

const results = (reports: readonly RoundReport[]): number => reports.filter(({ accepted }) => accepted === 1).length

describe('an echo among peers of different speeds', () => {
  it('comes back in every round, and repeats itself bit for bit', async () => {
    const first = await run([1_000, 1_500, 2_500, 1_200, 900])
    expect([...first.reports.values()].map(results)).toEqual(Array(5).fill(ROUNDS))
    expect((await run([1_000, 1_500, 2_500, 1_200, 900])).digest).toBe(first.digest)
  })

  it('costs a few rounds when a peer goes, and nobody a pause', async () => {
    const { reports, elapsedMs } = await run([1_000, 1_500, 2_500, 1_200, 900], { leaves: true })
    const others = [...reports.values()].slice(1)
    for (const told of others) {
      expect(told.at(-1)).toMatchObject({ round: ROUNDS, accepted: 1 })
      expect(results(told)).toBeGreaterThanOrEqual(ROUNDS - 3)
    }
    expect(elapsedMs).toBeLessThan(ROUNDS * 2_500 + 2 * DEADLINE_MS)
  })

  it('that one peer never gives is none for the one that asks it, and no more than a wait for all others', async () => {
    const { reports, echoes } = await run([1_000, 1_500, 2_500, 1_200, 900], { mute: 2 })
    // the ring is 0 -> 1 -> 2 -> 3 -> 4 -> 0
    expect(results(reports.get('peer-1')!)).toBe(0)
    expect(echoes.get('peer-1')!.every(({ answer }) => answer === undefined)).toBe(true)
    for (const name of ['peer-0', 'peer-2', 'peer-3', 'peer-4']) {
      const told = reports.get(name)!
      expect(told.at(-1)!.round).toBe(ROUNDS)
      expect(results(told)).toBeGreaterThanOrEqual(ROUNDS / 2)
      // the updates, and each of two steps
      expect(Math.max(...told.map(({ phases }) => phases.waitMs))).toBeLessThanOrEqual(3 * DEADLINE_MS)
    }
  })
})
