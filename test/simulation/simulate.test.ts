/**
 * A simulated federation learns, repeats itself, and is what the product's rounds make of it
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { networkContract } from '../../src/contracts/network.ts'
import { loadDigits } from '../../src/data/digits.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { denseTopology } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import { SimulatedMesh } from '../../src/simulation/simulated-network.ts'
import { simulate } from '../../src/simulation/simulate.ts'
import { VirtualClock } from '../../src/simulation/virtual-clock.ts'
import type { FederationInit } from '../../src/federation/document.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { SimulationInit, SimulationResult } from '../../src/simulation/simulate.ts'

const PEERS = 16
const ROUNDS = 6
const MAX_PAYLOAD_BYTES = 200_000
const MAX_STEP_BYTES = 150_000

let backend: Backend
beforeAll(async () => {
  backend = await loadBackend('wasm')
})

const preset = presetDocument('mnist-noniid')

async function run (init: Partial<SimulationInit> = {}, changes: Partial<FederationInit> = {}): Promise<SimulationResult> {
  const document = parseFederation({
    ...preset,
    model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [8], classes: 10 }) },
    codec: { name: 'int8' },
    topology: { degree: 6 },
    aggregation: { rule: 'gated-geometric-median', f: 1 },
    ...changes
  })
  const dataset = loadDigits({ kind: 'digits', seed: 1, trainExamples: 40 * PEERS, testExamples: 200 }, document.model)
  return simulate({ document, dataset, backend, peers: PEERS, rounds: ROUNDS, seed: 'one', ...init })
}

describe('a simulated federation', () => {
  it('learns, mixes with all of its neighbours, and agrees', async () => {
    const told: number[] = []
    const result = await run({ onRound: (_, round) => { told.push(round) } })
    expect(result.accuracy).toBeGreaterThan(0.3)
    expect(result.worst).toBeGreaterThan(0.2)
    expect(result.accepted).toBeGreaterThan(5)
    expect(told).toHaveLength(PEERS * ROUNDS)
    // the slowest device needs 5 steps of 40 ms a round
    expect(result.seconds).toBeGreaterThan(ROUNDS * 0.2)
    const distant = await run({ links: { latencyMs: 500, bytesPerSecond: 1e9 } })
    expect(distant.seconds).toBeGreaterThan(result.seconds + ROUNDS * 0.4)
  })

  it('repeats itself, bit for bit, whatever else the machine does, and is another one from another seed', async () => {
    const first = await run()
    const [second, third, other] = await Promise.all([run(), run(), run({ seed: 'two' })])
    expect(second).toEqual(first)
    expect(third).toEqual(first)
    expect(other.digest).not.toBe(first.digest)
  })

  it('does not wait for ever for a device that is far too slow: it jumps when it falls behind', async () => {
    const rounds = new Map<string, number>()
    const devices = [{ share: 15 / 16, stepMs: 10 }, { share: 1 / 16, stepMs: 5_000 }]
    const result = await run({ rounds: 30, devices, onRound: (peer) => { rounds.set(peer, (rounds.get(peer) ?? 0) + 1) } })
    const counts = [...rounds.values()].sort((a, b) => a - b)
    expect(counts[0]).toBeLessThan(20)
    // its neighbours wait for some deadlines, and jump after the others
    expect(counts[1]).toBeGreaterThan(15)
    expect(counts.at(-1)).toBe(30)
    // 30 rounds of 25 s each are 750 s
    expect(result.seconds).toBeLessThan(500)
  })

  it('is defended by its rule: a mean is lost to the liars that a robust rule leaves out', async () => {
    const attacked = { byzantine: 2, attack: 'sign-flip:10' }
    const robust = await run(attacked)
    const mean = await run(attacked, { aggregation: { rule: 'mean', f: 0 } })
    expect(robust.accuracy).toBeGreaterThan(mean.accuracy + 0.1)
  })

  it('poisons the data of those who attack so', async () => {
    const clean = await run({ byzantine: 4, attack: 'stale' })
    const flipped = await run({ byzantine: 4, attack: 'label-flip' })
    expect(flipped.digest).not.toBe(clean.digest)
  })

  it('runs a private document with seeded noise, and charges nobody', async () => {
    const privacy = { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } as const
    const [first, second] = [await run({ rounds: 2 }, { privacy }), await run({ rounds: 2 }, { privacy })]
    expect(second).toEqual(first)
    expect(first.digest).not.toBe((await run({ rounds: 2 })).digest)
  })

  it.each([[{ peers: 1 }], [{ peers: 2.5 }], [{ byzantine: PEERS }], [{ byzantine: -1 }]])('is refused with %j', async (init) => {
    await expect(run(init)).rejects.toThrow(/^a simulation has 2 peers or more/)
  })
})

const running: NodeJS.Timeout[] = []
networkContract('SimulatedMesh', {
  create: async (count, replicas = []) => {
    const clock = new VirtualClock()
    const mesh = new SimulatedMesh(clock, { federation: 'f', topology: { degree: 3 }, links: { latencyMs: 1, bytesPerSecond: 1e9 }, maxPayloadBytes: MAX_PAYLOAD_BYTES, steps: { protocol: 'p', steps: 3, maxBytes: MAX_STEP_BYTES } })
    running.push(setInterval(() => { clock.step() }, 1))
    return Array.from({ length: count }, (_, index) => mesh.join(`peer-${index}`, replicas[index]))
  },
  destroy: async () => { running.splice(0).forEach((timer) => { clearInterval(timer) }) },
  maxPayloadBytes: MAX_PAYLOAD_BYTES,
  maxStepBytes: MAX_STEP_BYTES
})
