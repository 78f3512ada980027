/**
 * A federation of any size in one thread: the product's rounds, rules and codecs over a virtual clock
 *
 * Nothing of a run depends on the machine: the same settings and the same seed give the same models, bit for bit, on
 * one training backend. What is left out: transport, signatures, membership, and churn.
 */
import { createHash } from 'node:crypto'
import { consensusDistance } from '../aggregators/consensus.ts'
import { gossipAveraging } from '../algorithm/gossip-averaging.ts'
import { createCodec } from '../codec/codec.ts'
import { TrainingError } from '../errors.ts'
import { encodeFederation } from '../federation/document.ts'
import { federationId } from '../federation/federation-id.ts'
import { isRegression } from '../federation/task.ts'
import { lastingController } from '../lasting-controller.ts'
import { LocalTraining } from '../model/local-training.ts'
import { networkSteps, roundSettings } from '../node/round-settings.ts'
import { Colluders } from './colluders.ts'
import { seededNoise } from './seeded-noise.ts'
import { SimulatedMesh } from './simulated-mesh.ts'
import { elementsOf, makePeers, replicasOf, runPeer } from './simulated-peers.ts'
import { LINKS } from './simulation-interface.ts'
import { StandstillError, VirtualClock } from './virtual-clock.ts'
import type { EvaluationResult, PeerName, Replicas } from '../interface.ts'
import type { SimulatedPeer } from './simulated-peers.ts'
import type { SimulationInit, SimulationResult } from './simulation-interface.ts'

export type { SimulationInit, SimulationResult } from './simulation-interface.ts'

/** Longer than any wait of a mesh that goes on */
const STALLED_MS = 3_600_000

/** Rejects with StandstillError once no peer has finished a round for an hour: all wait for each other */
async function stalled (clock: VirtualClock, peers: readonly SimulatedPeer[]): Promise<never> {
  const rounds = (): number => peers.reduce((sum, { engine }) => sum + engine.round, 0)
  for (let before = -1, now = rounds(); now !== before; now = rounds()) {
    before = now
    await clock.delay(STALLED_MS)
  }
  throw new StandstillError('the simulation stands still: no peer has finished a round for a simulated hour')
}

function requireCounts ({ peers, byzantine = 0, shares }: SimulationInit): void {
  if (!Number.isSafeInteger(peers) || peers < 2 || !Number.isSafeInteger(byzantine) || byzantine < 0 || byzantine >= peers) {
    throw new RangeError(`a simulation has 2 peers or more, and fewer liars than peers, not ${peers} and ${byzantine}`)
  }
  if (shares !== undefined && shares.length !== peers) {
    throw new RangeError(`${peers} peers need as many shares, not ${shares.length}`)
  }
}

/** Liars read and write updates one by one: among deltas they would tell the truth, or nothing */
function requireReadable ({ byzantine = 0, adversary }: SimulationInit, { keepsMemory }: Replicas): void {
  if (keepsMemory && (byzantine > 0 || adversary !== undefined)) {
    throw new RangeError('liars are not simulated where updates stand on earlier ones: leave out replicas, or byzantine and adversary')
  }
}

/** Throws RangeError, as the document's rule and the attack's name do, TypeError as `networkSteps` does */
export async function simulate (init: SimulationInit): Promise<SimulationResult> {
  requireCounts(init)
  const { document, dataset, backend, peers: count, rounds, seed, alone, graph, adversary } = init
  const bytes = encodeFederation(document)
  const id = federationId(bytes)
  const settings = roundSettings({ id, bytes, document, how: 'founded' }, { rounds, evaluateEvery: rounds, ...(alone === undefined ? {} : { alone }) }, { trainExamples: Math.floor(dataset.train.count / count) })
  const clock = new VirtualClock()
  const { parameterCount } = settings
  const codec = createCodec(document.codec.name)
  const replicas = replicasOf(init, parameterCount)
  requireReadable(init, replicas)
  const mesh = new SimulatedMesh(clock, {
    federation: `${id} ${seed}`,
    topology: document.topology,
    graph,
    links: init.links ?? LINKS,
    maxPayloadBytes: replicas.maxPayloadBytes,
    steps: networkSteps(init.protocol?.(0), (init.algorithm ?? gossipAveraging)({ document, parameterCount }), parameterCount)
  })
  // evaluates only
  const judge = new LocalTraining({ document, dataset, backend, seed, noise: seededNoise(seed) })
  const peers = makePeers({ init, clock, mesh, settings, judge })
  const honest = peers.filter(({ isHonest }) => isHonest).map(({ network }) => network)
  const colluders = adversary === undefined ? undefined : new Colluders(mesh, adversary, { honest, codec, elements: elementsOf(init, parameterCount) })
  await clock.run(Promise.all(peers.map(async ({ engine }) => engine.load())))
  await clock.run(Promise.all([...mesh.networks.values()].map(async (network) => network.start())))
  colluders?.declareReady()
  const { signal } = lastingController()
  await clock.run(Promise.race([Promise.all(peers.map(async (peer) => runPeer(peer, signal))), stalled(clock, peers)]))
  return summary(peers, { judge, seconds: clock.monotonicMs() / 1_000, guess: isRegression(document.model) ? 0 : 1 / document.model.labels.length })
}

interface Judging {
  judge: LocalTraining
  seconds: number
  /** Accuracy of a model that gives nothing finite, 0 to 1 */
  guess: number
}

/** R2 where a number is predicted */
function scoreOf ({ accuracy, figures }: EvaluationResult): number {
  return accuracy ?? (figures?.kind === 'regression' ? figures.r2 ?? 0 : 0)
}

function accuracyOf (model: Float32Array, { judge, guess }: Judging): number {
  try {
    return scoreOf(judge.evaluate(model))
  } catch (err) {
    if (err instanceof TrainingError) {
      return guess
    }
    throw err
  }
}

async function summary (peers: readonly SimulatedPeer[], judging: Judging): Promise<SimulationResult> {
  const digest = createHash('sha256')
  const models = new Map<PeerName, Float32Array>()
  const accuracies: number[] = []
  let rounds = 0
  for (const { name, store, isHonest } of peers) {
    const version = await store.newest()
    digest.update(version?.parametersHash ?? '')
    const parameters = version === undefined || !isHonest ? undefined : await store.parameters(version.id)
    if (parameters !== undefined) {
      models.set(name, parameters)
      // its own last round evaluated it on the same examples
      accuracies.push(version!.metrics.accuracy ?? accuracyOf(parameters, judging))
      rounds += version!.round
    }
  }
  const honest = peers.filter(({ isHonest }) => isHonest)
  const total = (of: (peer: SimulatedPeer) => number): number => honest.reduce((sum, peer) => sum + of(peer), 0)
  return {
    accuracy: accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length,
    worst: Math.min(...accuracies),
    consensus: consensusDistance([...models.values()]),
    accepted: total(({ accepted }) => accepted) / Math.max(1, rounds),
    failed: honest.filter(({ failed }) => failed).length,
    seconds: judging.seconds,
    bytesSent: total(({ bytesSent }) => bytesSent) / honest.length,
    digest: digest.digest('hex'),
    models
  }
}
