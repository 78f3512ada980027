/**
 * Real peers for customers of the Replicas port: TCP and LevelDB, a toy in place of the training
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, defaultParts, deltaReplicas, denseTopology, inspectTopology, parseFederation, presetDocument } from '../../src/index.ts'
import { exactDelta } from './exact-delta.ts'
import type { GrapevineNode, Network, NodeParts, ReceivedUpdate, Replicas, RoundReport, Trainer } from '../../src/index.ts'

const preset = presetDocument('digits')
export const federation = parseFederation({
  ...preset,
  model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: 10 }) },
  aggregation: { rule: 'mean', f: 0 },
  codec: { name: 'float32' },
  topology: { degree: 4 },
  round: { deadlineMs: 5_000, staleness: 1 }
})
const { layout, parameterCount } = inspectTopology(federation.model)

/** Stands for what local steps take: a peer that needs no time at all floods the others */
const STEP_MS = 20

/** Moves every parameter towards a target of its own */
export function toyTrainer (index: number): Trainer {
  const target = Float32Array.from({ length: parameterCount }, (_, i) => Math.sin(i + index))
  return {
    start: async () => ({ backend: 'cpu', stepMs: {}, unavailable: {}, layout, parameterCount, trainExamples: 100, testExamples: 10 }),
    stop: async () => {},
    initialParameters: async () => new Float32Array(parameterCount).fill(0.01),
    train: async (parameters) => {
      await defaultParts.clock.delay(STEP_MS)
      return { parameters: parameters.map((x, i) => x + (target[i]! - x) / 50), loss: 1, examples: 100, steps: 1 }
    },
    evaluate: async (parameters) => ({ loss: Math.abs(parameters[0]!), accuracy: 0.5, examples: 10 }),
    sampleLoss: async () => 0
  }
}

export interface DeltaPeer {
  node: GrapevineNode
  /** Peer id */
  id: string
  addresses: string[]
  /** In hand */
  round: number
  reports: RoundReport[]
  /** Whose keyframes it asked for, and of which update */
  asked: Array<Pick<ReceivedUpdate, 'author' | 'updateId'>>
  refused: Array<{ peer: string, reason: string }>
  jumps: number
  /** Hashes of the own replicas by round, and of those that were made of others' updates, by author and round */
  own: Map<number, string>
  made: Map<string, string>
  kinds: number[]
  /** Updates that do not reach the rounds, as if they were lost on the way */
  loses: (update: ReceivedUpdate) => boolean
  /** What keyframes wait for on their way */
  blocked: Promise<void> | undefined
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** All peers of one test, and their homes */
export class DeltaMesh {
  readonly peers: DeltaPeer[] = []
  readonly #homes: string[] = []
  readonly #folders: string[] = []

  /**
   * @param index - Which of the peers; one that was there before goes on in its home
   * @param tamper - What a liar does to its own replicas
   */
  async start (index: number, tamper: (replicas: Replicas) => Replicas = (replicas) => replicas): Promise<DeltaPeer> {
    const home = this.#homes[index] ?? await this.#newHome(index)
    const peer: DeltaPeer = { node: undefined as never, id: '', addresses: [], round: 0, reports: [], asked: [], refused: [], jumps: 0, own: new Map(), made: new Map(), kinds: [], loses: () => false, blocked: undefined }
    const parts: Partial<NodeParts> = {
      trainer: () => toyTrainer(index),
      replicas: (init) => watched(tamper(deltaReplicas({ ...init, delta: exactDelta, keyframeEvery: 1_000 })), peer),
      network: async (init) => lossy(await defaultParts.network(init), peer)
    }
    const bootstrap = this.peers.filter((_, other) => other !== index).flatMap(({ addresses }) => addresses)
    const node = peer.node = createNode({
      ...{ home, federation, bootstrap, listen: ['/ip4/127.0.0.1/tcp/0'], minMembers: 2 },
      data: { kind: 'digits', seed: 1, trainExamples: 100, testExamples: 10 }
    }, parts)
    node.addEventListener('round:end', ({ detail }) => { peer.reports.push(detail) })
    node.addEventListener('round:jump', () => { peer.jumps++ })
    node.addEventListener('update:rejected', ({ detail: { peer: from, reason } }) => { peer.refused.push({ peer: from, reason }) })
    node.addEventListener('round:start', ({ detail }) => { peer.round = detail.round })
    node.addEventListener('listening', ({ detail }) => { Object.assign(peer, { id: detail.peer, addresses: detail.addresses }) })
    await node.start()
    this.peers[index] = peer
    return peer
  }

  async #newHome (index: number): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'gv-delta-'))
    this.#folders.push(folder)
    this.#homes[index] = join(folder, 'home')
    return this.#homes[index]
  }

  async end (): Promise<void> {
    await Promise.all(this.peers.splice(0).map(async ({ node }) => node.stop({ force: true })))
    await Promise.all(this.#folders.splice(0).map(async (folder) => rm(folder, { recursive: true })))
  }
}

/** The same replicas, but for what is told here */
export function changed (replicas: Replicas, changes: Partial<Replicas>): Replicas {
  const { codec, kinds, keepsMemory, maxPayloadBytes, maxKeyframeBytes } = replicas
  return {
    ...{ codec, kinds, keepsMemory, maxPayloadBytes, maxKeyframeBytes },
    apply: (update) => replicas.apply(update),
    restore: (update, keyframe) => replicas.restore(update, keyframe),
    own: (parameters) => replicas.own(parameters),
    published: (own) => { replicas.published(own) },
    seen: (parameters) => replicas.seen(parameters),
    retain: (authors) => { replicas.retain(authors) },
    keyframe: (replicaHash) => replicas.keyframe(replicaHash),
    ...changes
  }
}

/** Notes what goes through the port */
function watched (replicas: Replicas, peer: DeltaPeer): Replicas {
  return changed(replicas, {
    own: (parameters: Float32Array) => {
      const own = replicas.own(parameters)
      peer.own.set(peer.round, hex(own.replica.hash))
      peer.kinds.push(own.kind ?? 1)
      return own
    },
    apply: (update: ReceivedUpdate) => {
      const replica = replicas.apply(update)
      typeof replica === 'string' || peer.made.set(`${update.author}/${update.round}`, hex(replica.hash))
      return replica
    }
  })
}

function lossy (network: Network, peer: DeltaPeer): Network {
  const { pullKeyframe } = network
  const listen = network.addEventListener.bind(network)
  network.pullKeyframe = async (update, accept, options) => {
    peer.asked.push({ author: update.author, updateId: update.updateId })
    await peer.blocked
    return pullKeyframe.call(network, update, accept, options)
  }
  const lossyListen: typeof listen = (type, listener, options) => {
    listen(type, type !== 'update' || typeof listener !== 'function'
      ? listener
      : (event) => {
          if (!peer.loses(event.detail as ReceivedUpdate)) {
            listener(event)
          }
        }, options)
  }
  return Object.assign(network, { addEventListener: lossyListen })
}
