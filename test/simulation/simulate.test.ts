/**
 * A simulated federation learns, repeats itself, and is what the product's rounds make of it
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { gossipAveraging } from '../../src/algorithm/gossip-averaging.ts'
import { networkContract } from '../../src/contracts/network.ts'
import { deltaReplicas } from '../../src/codec/delta-replicas.ts'
import { loadDigits } from '../../src/data/digits.ts'
import { parseFederation } from '../../src/federation/document.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { split } from '../../src/data/partition.ts'
import { selectExamples } from '../../src/data/select-examples.ts'
import { loadBackend } from '../../src/model/backend.ts'
import { initialParameters } from '../../src/model/initial-parameters.ts'
import { LocalTraining } from '../../src/model/local-training.ts'
import { denseTopology, inspectTopology } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import { colluderName } from '../../src/simulation/colluders.ts'
import { peerName } from '../../src/simulation/simulated-peers.ts'
import { SimulatedMesh } from '../../src/simulation/simulated-mesh.ts'
import { simulate } from '../../src/simulation/simulate.ts'
import { VirtualClock } from '../../src/simulation/virtual-clock.ts'
import { exactDelta } from '../customers/exact-delta.ts'
import type { Algorithm } from '../../src/algorithm/algorithm.ts'
import type { Dataset, Examples } from '../../src/data/examples.ts'
import type { FederationDocument, FederationInit } from '../../src/federation/document.ts'
import type { Backend } from '../../src/model/backend.ts'
import type { Adversary, HeardRound, Lie } from '../../src/simulation/colluders.ts'
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

function documentOf (changes: Partial<FederationInit> = {}): FederationDocument {
  return parseFederation({
    ...preset,
    model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [8], classes: 10 }) },
    codec: { name: 'int8' },
    topology: { degree: 6 },
    aggregation: { rule: 'gated-geometric-median', f: 1 },
    ...changes
  })
}

function digits (): Dataset {
  return loadDigits({ kind: 'digits', seed: 1, trainExamples: 40 * PEERS, testExamples: 200 }, preset.model)
}

async function run (init: Partial<SimulationInit> = {}, changes: Partial<FederationInit> = {}): Promise<SimulationResult> {
  return simulate({ document: documentOf(changes), dataset: digits(), backend, peers: PEERS, rounds: ROUNDS, seed: 'one', ...init })
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

  it('is the same, bit for bit, with updates that are exact differences', async () => {
    const codec = { name: 'float32' as const }
    const whole = await run({}, { codec })
    const differences = await run({ replicas: (part) => deltaReplicas({ ...part, delta: exactDelta }) }, { codec })
    expect(differences.digest).toBe(whole.digest)
    expect(differences.bytesSent).toBeLessThan(whole.bytesSent)
  })

  it('is the same with a protocol of steps that leaves nobody out', async () => {
    const echoes: string[] = []
    const followed = await run({
      devices: [{ share: 1, stepMs: 20 }],
      protocol: () => ({
        name: 'count',
        steps: 2,
        maxStepBytes: () => 1,
        run: async (exchange, { received }) => {
          await exchange.broadcast(1, Uint8Array.of(exchange.round))
          const heard = await exchange.collect(1, { from: exchange.peers })
          echoes.push(...[...heard.values()].map(([round]) => `${exchange.round} ${round}`))
          return received
        }
      })
    })
    const plain = await run({ devices: [{ share: 1, stepMs: 20 }] })
    expect(followed.digest).toBe(plain.digest)
    expect(echoes.length).toBeGreaterThan(5 * PEERS * ROUNDS)
    expect(echoes.every((echo) => echo.split(' ')[0] === echo.split(' ')[1])).toBe(true)
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

const names = Array.from({ length: PEERS }, (_, index) => peerName(index))
const codec = createCodec('int8')

/** Two colluders beside everybody, who say what `lie` makes of what they heard */
function colluding (lie: (heard: HeardRound, to: string) => Float32Array): Adversary {
  return {
    peers: 2,
    lies: (heard) => names.flatMap((to): Lie[] => [0, 1].map((from) => ({ from, to, payload: codec.encode(lie(heard, to)) })))
  }
}

/** All peers know each other, and both colluders */
function complete (members: readonly string[]): Map<string, string[]> {
  return new Map(members.map((member) => [member, members.filter((other) => other !== member)]))
}

describe('colluders', () => {
  it('have heard every honest update of a round when they speak, and are waited for', async () => {
    const heard: HeardRound[] = []
    let refused = 0
    const result = await run({
      graph: complete,
      adversary: colluding((round, to) => {
        heard.push({ round: round.round, models: new Map(round.models) })
        return round.models.get(to)!
      }),
      onRound: (_peer, _round, { rejectedPeers }) => { refused += Object.keys(rejectedPeers).length }
    })
    expect(heard.map(({ round }) => round)).toEqual(Array.from({ length: ROUNDS }, (_, round) => names.map(() => [round + 1, round + 1]).flat()).flat())
    for (const { models } of heard) {
      expect([...models.keys()].sort()).toEqual(names)
    }
    // 15 others and 2 colluders, who tell everybody its own model: nobody is refused but by the rule
    expect(result.accepted * PEERS * ROUNDS + refused).toBeGreaterThanOrEqual(16 * PEERS * ROUNDS)
  })

  it('may tell every neighbour something else: what one is told moves its model, and nobody else\'s in that round', async () => {
    const told = async (factor: number): Promise<SimulationResult> => run({
      rounds: 1,
      graph: complete,
      adversary: colluding(({ models }, to) => models.get(to)!.map((value) => to === names[3] ? factor * value : value))
    }, { aggregation: { rule: 'mean', f: 0 } })
    const [one, other] = [await told(1), await told(-1)]
    const changed = names.filter((name) => one.models.get(name)!.some((value, i) => value !== other.models.get(name)![i]))
    expect(changed).toEqual([names[3]])
  })

  it('are refused by the limit of norms, as in a real peer, and repeat themselves', async () => {
    const reasons = new Set<string>()
    const attacked = async (): Promise<SimulationResult> => run({
      rounds: 3,
      graph: complete,
      adversary: colluding(({ models }, to) => models.get(to)!.map((value) => 100 * value)),
      onRound: (_peer, _round, { rejectedPeers }) => {
        [0, 1].forEach((index) => { Object.keys(rejectedPeers[colluderName(index)] ?? {}).forEach((reason) => reasons.add(reason)) })
      }
    })
    const first = await attacked()
    expect([...reasons]).toEqual(['norm'])
    expect(await attacked()).toEqual(first)
  })
})

describe('liars among updates of another kind', () => {
  /** Gossip averaging that carries the model twice */
  const twice = (): Algorithm => ({ ...gossipAveraging(), vectors: ['model', 'copy'].map((name) => ({ name, rule: 'robust' })), outgoing: ({ after }) => [after, after], current: (model) => [model, model] })
  const mean = { codec: { name: 'float32' as const }, aggregation: { rule: 'mean' as const, f: 0 } }

  it('lie about updates of two vectors as about models', async () => {
    const settings = { algorithm: twice, rounds: 3 }
    const clean = await run(settings, mean)
    const attacked = await run({ ...settings, byzantine: 2, attack: 'sign-flip:10' }, mean)
    expect(attacked.accuracy).toBeLessThan(clean.accuracy - 0.1)
  })

  it('collude about both vectors', async () => {
    const lengths = new Set<number>()
    const { accepted } = await run({
      rounds: 2,
      graph: complete,
      algorithm: twice,
      adversary: colluding(({ models }, to) => {
        lengths.add(models.get(to)!.length)
        return models.get(to)!
      })
    })
    const { parameterCount } = inspectTopology(documentOf().model)
    expect([...lengths]).toEqual([2 * parameterCount])
    expect(accepted).toBeGreaterThan(10)
  })

  it('are refused where updates stand on earlier ones, before anything runs', async () => {
    const replicas: SimulationInit['replicas'] = (part) => deltaReplicas({ ...part, delta: exactDelta })
    await expect(run({ replicas, byzantine: 1 })).rejects.toThrow('liars are not simulated where updates stand on earlier ones')
    await expect(run({ replicas, adversary: colluding(({ models }, to) => models.get(to)!) })).rejects.toThrow(RangeError)
  })
})

describe('parts of a simulation', () => {
  const shares = (): Examples[] => split(digits().train.labels, { strategy: 'iid', count: PEERS, seed: 5 }).map((rows) => selectExamples(digits().train, rows))

  it('are the data and the graph: without an edge each peer trains as it would alone, to the last bit', async () => {
    const own = shares()
    const result = await run({ rounds: 3, shares: own, graph: () => new Map(), alone: 'train' })
    const document = documentOf()
    for (const index of [0, PEERS - 1]) {
      const training = new LocalTraining({ document, dataset: { train: own[index]!, test: digits().test }, backend, seed: `one/${index}` })
      let parameters = initialParameters(document.model)
      for (let round = 1; round <= 3; round++) {
        parameters = training.train(parameters, { round }).parameters
      }
      expect(result.models.get(names[index]!)).toEqual(parameters)
    }
    expect(result.bytesSent).toBe(0)
  })

  it('are only the neighbours that are named: a ring of two halves is two federations', async () => {
    const half = PEERS / 2
    const halves = (members: readonly string[]): Map<string, string[]> => new Map(members.map((member, i) =>
      [member, members.filter((other, j) => other !== member && (i < half) === (j < half))]))
    const parted = await run({ graph: halves, shares: shares() })
    const swapped = shares()
    swapped[PEERS - 1] = selectExamples(swapped[PEERS - 1]!, Uint32Array.of(0, 1, 2, 3))
    const changed = await run({ graph: halves, shares: swapped })
    const differs = (name: string): boolean => parted.models.get(name)!.some((value, i) => value !== changed.models.get(name)![i])
    expect(names.filter(differs)).toEqual(names.slice(half))
  })

  it('end with the one whose training fails for good: the others go on without it', async () => {
    const own = shares()
    own[2] = { ...own[2]!, writeInputs: (_, out, offset) => { out.fill(NaN, offset, offset + own[2]!.featureCount) } }
    const last = new Map<string, number>()
    const result = await run({ shares: own, onRound: (peer, round) => { last.set(peer, round) } })
    expect(result.failed).toBe(1)
    expect(names.filter((name) => last.get(name) !== ROUNDS)).toEqual([names[2]])
  })

  it('must be as many shares as peers', async () => {
    await expect(run({ shares: shares().slice(1) })).rejects.toThrow(/need as many shares/)
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
