/**
 * The peers of a simulation: the product's round engine, each with its data, its device and its seeds
 */
import { gossipAveraging } from '../algorithm/gossip-averaging.ts'
import { createAggregator } from '../aggregators/aggregator.ts'
import { createAttack } from '../attacks/attacks.ts'
import { absoluteReplicas } from '../codec/absolute-replicas.ts'
import { createCodec } from '../codec/codec.ts'
import { indices, split } from '../data/partition.ts'
import { poisoned, triggerToken } from '../data/poison.ts'
import { selectExamples } from '../data/select-examples.ts'
import { TrainingError } from '../errors.ts'
import { RoundEngine } from '../round/round-engine.ts'
import { seededRandom, shuffle } from '../seeded-random.ts'
import { makeByzantine } from './lying-network.ts'
import { RoundStore } from './round-store.ts'
import { SimulatedTrainer } from './simulated-trainer.ts'
import { DEVICES } from './simulation-interface.ts'
import type { Examples } from '../data/examples.ts'
import type { PeerName, Replicas } from '../interface.ts'
import type { LocalTraining } from '../model/local-training.ts'
import type { RoundInit } from '../round/round-interface.ts'
import type { SimulatedMesh } from './simulated-mesh.ts'
import type { SimulatedNetwork } from './simulated-network.ts'
import type { DeviceClass, SimulationInit } from './simulation-interface.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface SimulatedPeer {
  name: PeerName
  isHonest: boolean
  network: SimulatedNetwork
  engine: RoundEngine
  store: RoundStore
  /** Updates that took part in its rounds */
  accepted: number
  bytesSent: number
  /** It ended early: its training failed again and again */
  failed: boolean
}

export interface Shared {
  init: SimulationInit
  clock: VirtualClock
  mesh: SimulatedMesh
  settings: Omit<RoundInit, 'attack'>
  judge: LocalTraining
}

interface PeerInit {
  index: number
  stepMs: number
  isHonest: boolean
  examples: Examples
}

/** Each peer's number, from 0, as text of one length, so that their order is that of the numbers */
export function peerName (index: number): PeerName {
  return `peer-${String(index).padStart(6, '0')}`
}

function seededInteger (seed: string): number {
  return Math.floor(seededRandom(seed)() * 2 ** 32)
}

/** The class at this place, 0 to 1, when all are laid out one after another */
function deviceAt (devices: readonly DeviceClass[], place: number): DeviceClass {
  let end = 0
  return devices.find(({ share }) => (end += share) > place) ?? devices.at(-1)!
}

function sharesOf ({ peers: count, seed, dataset: { train }, alpha, shares }: SimulationInit): readonly Examples[] {
  if (shares !== undefined) {
    return shares
  }
  if (alpha !== undefined && train.targets !== undefined) {
    throw new RangeError('a Dirichlet split is by class, and this federation predicts a number: leave alpha out, or hand in shares')
  }
  const strategy = alpha === undefined ? { strategy: 'iid' as const } : { strategy: 'dirichlet' as const, alpha }
  return split(train.labels, { ...strategy, count, seed: seededInteger(`shares ${seed}`) }).map((rows) => selectExamples(train, rows))
}

/** Elements of an update: `parameterCount` for each vector of the algorithm */
export function elementsOf ({ document, algorithm = gossipAveraging }: SimulationInit, parameterCount: number): number {
  return parameterCount * algorithm({ document, parameterCount }).vectors.length
}

/** What the updates of one peer stand for */
export function replicasOf (init: SimulationInit, parameterCount: number): Replicas {
  const { document, replicas = absoluteReplicas } = init
  return replicas({ codec: createCodec(document.codec.name), parameterCount: elementsOf(init, parameterCount) })
}

/** In the order of their numbers */
export function makePeers (shared: Shared): SimulatedPeer[] {
  const { peers: count, byzantine = 0, seed, devices = DEVICES } = shared.init
  const order = shuffle(indices(count), seededRandom(`liars ${seed}`))
  const liars = new Set(order.subarray(0, byzantine))
  const speeds = shuffle(indices(count), seededRandom(`devices ${seed}`))
  return sharesOf(shared.init).map((examples, index) => {
    const stepMs = deviceAt(devices, (speeds[index]! + 0.5) / count).stepMs
    return makePeer(shared, { index, stepMs, isHonest: !liars.has(index), examples })
  })
}

function makePeer ({ init, clock, mesh, settings, judge }: Shared, { index, stepMs, isHonest, examples }: PeerInit): SimulatedPeer {
  const { document, backend, seed, attack: spec = 'sign-flip', aggregator, onRound } = init
  const name = peerName(index)
  const codec = createCodec(document.codec.name)
  const replicas = replicasOf(init, settings.parameterCount)
  const network = mesh.join(name, replicas)
  const attack = isHonest ? undefined : createAttack(spec)
  const train = attack?.poison === undefined ? examples : poisoned(examples, attack.poison, { shape: judge.plan.inputShape, classes: document.model.labels.length, token: triggerToken(document.model.input) })
  if (attack !== undefined) {
    makeByzantine(network, { attack, codec, elements: elementsOf(init, settings.parameterCount), random: seededRandom(`lie ${seed}/${index}`) })
  }
  const store = new RoundStore(clock)
  const engine = new RoundEngine({
    network,
    store,
    codec,
    clock,
    trainer: new SimulatedTrainer({ document, train, backend, seed: `${seed}/${index}`, stepMs, clock, judge }),
    aggregator: aggregator?.(index) ?? createAggregator(document.aggregation, seededRandom(`rule ${seed}/${index}`)),
    algorithm: init.algorithm?.({ document, parameterCount: settings.parameterCount }),
    protocol: init.protocol?.(index),
    replicas
  }, settings)
  const peer: SimulatedPeer = { name, isHonest, network, engine, store, accepted: 0, bytesSent: 0, failed: false }
  engine.addEventListener('round:end', ({ detail }) => {
    peer.accepted += detail.accepted
    peer.bytesSent += detail.bytesSent
    isHonest && onRound?.(name, detail.round, detail)
  })
  return peer
}

/** All rounds, or until training fails for good, which ends a node: the others then go on without it */
export async function runPeer (peer: SimulatedPeer, signal: AbortSignal): Promise<void> {
  try {
    await peer.engine.run(signal)
  } catch (err) {
    if (!(err instanceof TrainingError)) {
      throw err
    }
    peer.failed = true
    await peer.network.stop()
  }
}
