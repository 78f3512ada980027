/**
 * A federation of any size in one thread: the product's rounds, rules and codecs over a virtual clock
 *
 * Nothing of a run depends on the machine: the same settings and the same seed give the same models, bit for bit, on
 * one training backend. What is left out: transport, signatures, membership, and churn.
 */
import { createHash } from 'node:crypto'
import { createAggregator } from '../aggregators/aggregator.ts'
import { consensusDistance } from '../aggregators/consensus.ts'
import { createAttack } from '../attacks/attacks.ts'
import { createCodec } from '../codec/codec.ts'
import { indices, split } from '../data/partition.ts'
import { poisoned } from '../data/poison.ts'
import { selectExamples } from '../data/select-examples.ts'
import { encodeFederation } from '../federation/document.ts'
import { federationId } from '../federation/federation-id.ts'
import { lastingController } from '../lasting-controller.ts'
import { LocalTraining } from '../model/local-training.ts'
import { roundSettings } from '../node/round-settings.ts'
import { RoundEngine } from '../round/round-engine.ts'
import { seededRandom, shuffle } from '../seeded-random.ts'
import { makeByzantine } from './lying-network.ts'
import { seededNoise } from './seeded-noise.ts'
import { RoundStore } from './round-store.ts'
import { SimulatedMesh } from './simulated-network.ts'
import { SimulatedTrainer } from './simulated-trainer.ts'
import { StandstillError, VirtualClock } from './virtual-clock.ts'
import type { Algorithm, AlgorithmInit } from '../algorithm/algorithm.ts'
import type { Dataset, Examples } from '../data/examples.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { PeerName } from '../interface.ts'
import type { Backend } from '../model/backend.ts'
import type { RoundInit } from '../round/round-interface.ts'
import type { SimulatedLinks } from './simulated-network.ts'

/** A kind of machine, and how many of the peers have it */
export interface DeviceClass {
  /** Share of the peers, 0 to 1; shares add up to 1 */
  share: number
  /** Milliseconds that one optimiser step takes */
  stepMs: number
}

/** Of every four machines one is twice as fast as two others, and one half as fast */
export const DEVICES: readonly DeviceClass[] = [{ share: 0.25, stepMs: 10 }, { share: 0.5, stepMs: 20 }, { share: 0.25, stepMs: 40 }]

/** As between offices: 10 Mbit/s, 20 ms */
export const LINKS: SimulatedLinks = { latencyMs: 20, bytesPerSecond: 1_250_000 }

export interface SimulationInit {
  document: FederationDocument
  /** Of all peers together, in shares */
  dataset: Dataset
  backend: Backend
  peers: number
  rounds: number
  seed: string
  /** Peers that lie, placed at random. @default 0 */
  byzantine?: number
  /** What they do, as `createAttack` reads it. @default sign-flip */
  attack?: string
  /** Concentration of the Dirichlet split. @default all alike */
  alpha?: number
  devices?: readonly DeviceClass[]
  links?: SimulatedLinks
  /** Of each peer. @default gossip averaging */
  algorithm?: (init: AlgorithmInit) => Algorithm
  /** Called after each honest peer's round */
  onRound?: (peer: PeerName, round: number) => void
}

export interface SimulationResult {
  /** Mean over the honest peers' own models on all test examples, 0 to 1 */
  accuracy: number
  /** Of the honest peer that has the least */
  worst: number
  /** sqrt(mean of |x_i - mean|^2) over the honest peers at the end */
  consensus: number
  /** Updates that took part in the honest peers' rounds, a round and peer */
  accepted: number
  /** Of the simulated time */
  seconds: number
  /** That one honest peer sent in all, mean */
  bytesSent: number
  /** sha-256 over all peers' last models, hex: equal for equal runs */
  digest: string
}

interface Peer {
  name: PeerName
  isHonest: boolean
  engine: RoundEngine
  store: RoundStore
  accepted: number
  bytesSent: number
}

interface Shared {
  init: SimulationInit
  clock: VirtualClock
  mesh: SimulatedMesh
  settings: Omit<RoundInit, 'attack'>
  judge: LocalTraining
}

/** Longer than any wait of a mesh that goes on */
const STALLED_MS = 3_600_000

/** Rejects with StandstillError once no peer has finished a round for an hour: all wait for each other */
async function stalled (clock: VirtualClock, peers: readonly Peer[]): Promise<never> {
  const rounds = (): number => peers.reduce((sum, { engine }) => sum + engine.round, 0)
  for (let before = -1, now = rounds(); now !== before; now = rounds()) {
    before = now
    await clock.delay(STALLED_MS)
  }
  throw new StandstillError('the simulation stands still: no peer has finished a round for a simulated hour')
}

/** Each peer's number as text of one length, so that their order is that of the numbers */
function nameOf (index: number): PeerName {
  return `peer-${String(index).padStart(6, '0')}`
}

/** Throws RangeError, as the document's rule and the attack's name do */
export async function simulate (init: SimulationInit): Promise<SimulationResult> {
  const { document, dataset, backend, peers: count, byzantine = 0, seed } = init
  if (!Number.isSafeInteger(count) || count < 2 || !Number.isSafeInteger(byzantine) || byzantine < 0 || byzantine >= count) {
    throw new RangeError(`a simulation has 2 peers or more, and fewer liars than peers, not ${count} and ${byzantine}`)
  }
  const bytes = encodeFederation(document)
  const id = federationId(bytes)
  const settings = roundSettings({ id, bytes, document, how: 'founded' }, { rounds: init.rounds, evaluateEvery: init.rounds }, { trainExamples: Math.floor(dataset.train.count / count) })
  const clock = new VirtualClock()
  const { parameterCount } = settings
  const mesh = new SimulatedMesh(clock, {
    federation: `${id} ${seed}`,
    topology: document.topology,
    links: init.links ?? LINKS,
    maxPayloadBytes: createCodec(document.codec.name).maxEncodedBytes(parameterCount)
  })
  // evaluates only
  const judge = new LocalTraining({ document, dataset, backend, seed, noise: seededNoise(seed) })
  const peers = makePeers({ init, clock, mesh, settings, judge })
  await clock.run(Promise.all(peers.map(async ({ engine }) => engine.load())))
  await clock.run(Promise.all([...mesh.networks.values()].map(async (network) => network.start())))
  const { signal } = lastingController()
  await clock.run(Promise.race([Promise.all(peers.map(async ({ engine }) => engine.run(signal))), stalled(clock, peers)]))
  return summary(peers, { judge, seconds: clock.monotonicMs() / 1_000 })
}

function makePeers (shared: Shared): Peer[] {
  const { peers: count, byzantine = 0, seed, dataset: { train }, alpha, devices = DEVICES } = shared.init
  const strategy = alpha === undefined ? { strategy: 'iid' as const } : { strategy: 'dirichlet' as const, alpha }
  const shares = split(train.labels, { ...strategy, count, seed: seededInteger(`shares ${seed}`) })
  const order = shuffle(indices(count), seededRandom(`liars ${seed}`))
  const liars = new Set(order.subarray(0, byzantine))
  const speeds = shuffle(indices(count), seededRandom(`devices ${seed}`))
  return shares.map((rows, index) => {
    const stepMs = deviceAt(devices, (speeds[index]! + 0.5) / count).stepMs
    return makePeer(shared, { index, stepMs, isHonest: !liars.has(index), examples: selectExamples(train, rows) })
  })
}

function seededInteger (seed: string): number {
  return Math.floor(seededRandom(seed)() * 2 ** 32)
}

/** The class at this place, 0 to 1, when all are laid out one after another */
function deviceAt (devices: readonly DeviceClass[], place: number): DeviceClass {
  let end = 0
  return devices.find(({ share }) => (end += share) > place) ?? devices.at(-1)!
}

function makePeer ({ init, clock, mesh, settings, judge }: Shared, { index, stepMs, isHonest, examples }: { index: number, stepMs: number, isHonest: boolean, examples: Examples }): Peer {
  const { document, backend, seed, attack: spec = 'sign-flip', onRound } = init
  const name = nameOf(index)
  const codec = createCodec(document.codec.name)
  const network = mesh.join(name)
  const attack = isHonest ? undefined : createAttack(spec)
  const train = attack?.poison === undefined ? examples : poisoned(examples, attack.poison, { shape: judge.plan.inputShape, classes: document.model.labels.length })
  if (attack !== undefined) {
    makeByzantine(network, { attack, codec, parameterCount: settings.parameterCount, random: seededRandom(`lie ${seed}/${index}`) })
  }
  const store = new RoundStore(clock)
  const engine = new RoundEngine({
    network,
    store,
    codec,
    clock,
    trainer: new SimulatedTrainer({ document, train, backend, seed: `${seed}/${index}`, stepMs, clock, judge }),
    aggregator: createAggregator(document.aggregation, seededRandom(`rule ${seed}/${index}`)),
    algorithm: init.algorithm?.({ document, parameterCount: settings.parameterCount })
  }, settings)
  const peer: Peer = { name, isHonest, engine, store, accepted: 0, bytesSent: 0 }
  engine.addEventListener('round:end', ({ detail: { round, accepted, bytesSent } }) => {
    peer.accepted += accepted
    peer.bytesSent += bytesSent
    isHonest && onRound?.(name, round)
  })
  return peer
}

async function summary (peers: readonly Peer[], { judge, seconds }: { judge: LocalTraining, seconds: number }): Promise<SimulationResult> {
  const digest = createHash('sha256')
  const models: Float32Array[] = []
  const rounds: number[] = []
  for (const { store, isHonest } of peers) {
    const version = await store.newest()
    digest.update(version?.parametersHash ?? '')
    const parameters = version === undefined || !isHonest ? undefined : await store.parameters(version.id)
    if (parameters !== undefined) {
      models.push(parameters)
      rounds.push(version!.round)
    }
  }
  const accuracies = models.map((model) => judge.evaluate(model).accuracy)
  const honest = peers.filter(({ isHonest }) => isHonest)
  const total = (of: (peer: Peer) => number): number => honest.reduce((sum, peer) => sum + of(peer), 0)
  return {
    accuracy: accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length,
    worst: Math.min(...accuracies),
    consensus: consensusDistance(models),
    accepted: total(({ accepted }) => accepted) / Math.max(1, rounds.reduce((sum, round) => sum + round, 0)),
    seconds,
    bytesSent: total(({ bytesSent }) => bytesSent) / honest.length,
    digest: digest.digest('hex')
  }
}
