/**
 * A node whose parts somebody else made: nothing of it touches a disk, a socket or a thread
 */
import { existsSync } from 'node:fs'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryLevel } from 'memory-level'
import { afterEach, describe, expect, it } from 'vitest'
import { createNode, defaultParts, denseTopology, gossipAveraging, inspectTopology, parseFederation, presetDocument } from '../../src/index.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { echoProtocol } from '../customers/echo-protocol.ts'
import { MemoryHub } from '../round/memory-network.ts'
import type { GrapevineNode, NodeParts, PrivacyAccount, PrivacyStatus, RoundReport, Trainer } from '../../src/index.ts'

const HOME = '/nowhere/at/all'
const ROUNDS = 4

const preset = presetDocument('digits')
const federation = parseFederation({
  ...preset,
  model: { ...preset.model, topology: denseTopology({ inputShape: [28, 28, 1], hidden: [], classes: 10 }) },
  aggregation: { rule: 'mean', f: 0 }
})
const { layout, parameterCount } = inspectTopology(federation.model)

/** Pulls every parameter half way to the peer's own target */
function trainerFor (target: number): Trainer {
  return {
    start: async () => ({ backend: 'cpu', stepMs: {}, unavailable: {}, layout, parameterCount, trainExamples: 100, testExamples: 10 }),
    stop: async () => {},
    initialParameters: async () => new Float32Array(parameterCount).fill(0.5),
    train: async (parameters) => ({ parameters: parameters.map((x) => x + (target - x) / 2), loss: 1, examples: 100, steps: 1 }),
    evaluate: async (parameters) => ({ loss: Math.abs(parameters[0]!), accuracy: 0.5, examples: 10 }),
    sampleLoss: async () => 0
  }
}

/** A store that is still there when it is opened again, as a database on a disk is */
function memoryStore (): NodeParts['store'] {
  const database = new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' })
  return ({ clock, trace }) => createLevelStore({ location: 'memory', clock, trace, createDatabase: () => database as never })
}

const running: GrapevineNode[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (node) => node.stop({ force: true })))
})

interface Made {
  node: GrapevineNode
  reports: RoundReport[]
  numbers: Map<string, number>
  lines: string[]
}

function nodeOf (hub: MemoryHub, index: number, own: Partial<NodeParts> = {}, document = federation): Made {
  const numbers = new Map<string, number>()
  const lines: string[] = []
  const parts: Partial<NodeParts> = {
    makeHome: async () => {},
    identity: async () => generateKeyPair('Ed25519'),
    store: memoryStore(),
    fetchDocument: async () => { throw new RangeError('nobody is asked for a document') },
    trainer: () => trainerFor(1 + index / 10),
    // asked for an earlier life of this key: two answers, and there was none
    network: async () => Object.assign(hub.join(`peer-${index}`), { newestOwn: async () => ({ answers: 2 }) }),
    logger: (part) => (format) => { lines.push(`${part}: ${format}`) },
    metrics: { set: (name, value, labels) => { numbers.set([name, ...Object.values(labels ?? {})].join(' '), value) } },
    ...own
  }
  const node = createNode({ home: HOME, federation: document, data: { kind: 'digits', seed: 1, trainExamples: 100, testExamples: 10 }, rounds: ROUNDS, minMembers: 3 }, parts)
  const reports: RoundReport[] = []
  node.addEventListener('round:end', ({ detail }) => { reports.push(detail) })
  running.push(node)
  return { node, reports, numbers, lines }
}

describe('a node of handed-in parts', () => {
  it('learns with others, without a file, a socket or a thread of its own', async () => {
    const hub = new MemoryHub()
    const all = [0, 1, 2].map((index) => nodeOf(hub, index))
    for (const { node } of all) {
      await node.start()
    }
    const ends = await Promise.all(all.map(async ({ node }) => node.stopped()))
    expect(ends.map(({ reason }) => reason)).toEqual(['rounds', 'rounds', 'rounds'])
    for (const { node, reports } of all) {
      expect(reports.at(-1)).toMatchObject({ round: ROUNDS, accepted: 2 })
      // of an ended node: from the store that was handed in, opened anew for reading
      const { version, parameters } = (await node.version('latest'))!
      expect(version).toMatchObject({ round: ROUNDS, mixed: true })
      expect(parameters[0]).toBeGreaterThan(0.9)
    }
    expect(existsSync(HOME)).toBe(false)
  })

  it('makes the network while the trainer starts, and tells of the trainer where both fail', async () => {
    const trainerStarted = Promise.withResolvers<void>()
    const networkMade = Promise.withResolvers<void>()
    const together = nodeOf(new MemoryHub(), 0, {
      trainer: () => ({
        ...trainerFor(1),
        start: async () => {
          trainerStarted.resolve()
          await networkMade.promise
          return trainerFor(1).start()
        }
      }),
      network: async () => {
        await trainerStarted.promise
        networkMade.resolve()
        return new MemoryHub().join('peer-0')
      }
    })
    await together.node.start()

    const done: string[] = []
    const trainer: NodeParts['trainer'] = () => ({
      ...trainerFor(1),
      start: async () => {
        await new Promise((resolve) => { setTimeout(resolve, 20) })
        throw new TypeError('no data')
      },
      stop: async () => { done.push('trainer stopped') }
    })
    const account: NodeParts['account'] = (init) => Object.assign(defaultParts.account(init), { open: async () => { done.push('account opened') } })
    const network: NodeParts['network'] = async () => Object.assign(new MemoryHub().join('peer-0'), {
      start: async () => { done.push('network started') },
      stop: async () => { done.push('network stopped') }
    })
    await expect(nodeOf(new MemoryHub(), 0, { trainer, account, network: async () => { throw new RangeError('no address') } }).node.start()).rejects.toThrow(new TypeError('no data'))
    expect(done.splice(0)).toEqual(['trainer stopped'])
    await expect(nodeOf(new MemoryHub(), 0, { trainer, account, network }).node.start()).rejects.toThrow(new TypeError('no data'))
    expect(done).toEqual(['network stopped', 'trainer stopped'])
    await expect(nodeOf(new MemoryHub(), 0, { network: async () => { throw new RangeError('no address') } }).node.start()).rejects.toThrow(new RangeError('no address'))
  })

  it('hands the network what its protocol needs, and nothing without one', async () => {
    const asked: unknown[] = []
    for (const protocol of [undefined, echoProtocol()]) {
      const hub = new MemoryHub()
      const network: NodeParts['network'] = async ({ steps }) => {
        asked.push(steps)
        return hub.join('peer-0')
      }
      await nodeOf(hub, 0, { network, ...(protocol === undefined ? {} : { protocol }) }).node.start()
    }
    expect(asked).toEqual([undefined, { protocol: 'echo', steps: 3, maxBytes: 1_024 }])
    const broken = nodeOf(new MemoryHub(), 0, { protocol: { ...echoProtocol(), steps: 1 } })
    await expect(broken.node.start()).rejects.toThrow(/^a round has 2 to 16 steps/)
  })

  it('does not start with a protocol beside an algorithm of several vectors', async () => {
    const algorithm: NodeParts['algorithm'] = () => ({ ...gossipAveraging(), name: 'tracking', vectors: [{ name: 'model', rule: 'robust' }, { name: 'tracker', rule: 'robust' }] })
    const hub = new MemoryHub()
    const { node } = nodeOf(hub, 0, { protocol: echoProtocol(), algorithm })
    await expect(node.start()).rejects.toThrow(new TypeError('echo decides about the model alone, and an update of tracking carries model, tracker: a protocol cannot run beside an algorithm of several vectors'))
    expect(hub.networks.size).toBe(0)
  })

  it('tells its numbers and its diagnostics to the sinks that it was given', async () => {
    const hub = new MemoryHub()
    const all = [0, 1, 2].map((index) => nodeOf(hub, index))
    for (const { node } of all) {
      await node.start()
    }
    await Promise.all(all.map(async ({ node }) => node.stopped()))
    const [{ numbers, reports, lines }] = all as [Made, ...Made[]]
    expect(numbers.get('round')).toBe(ROUNDS)
    expect(numbers.get('round_updates_accepted')).toBe(2)
    expect(numbers.get('model_accuracy_ratio')).toBe(0.5)
    expect(numbers.get('network_sent_bytes_total')).toBe(reports.reduce((sum, { bytesSent }) => sum + bytesSent, 0))
    expect(numbers.get('round_phase_seconds aggregate')).toBeCloseTo(reports.at(-1)!.phases.aggregateMs / 1_000, 9)
    // without a privacy mechanism there is nothing to say of epsilon
    expect([...numbers.keys()].filter((name) => name.startsWith('privacy'))).toEqual([])
    expect(numbers.size).toBeGreaterThan(15)
    // each commit, as it begins and as it is on disk
    expect(lines.filter((line) => line.startsWith('store:')).length).toBeGreaterThanOrEqual(2 * ROUNDS)
  })

  it('goes on when a sink throws, and says so; an undefined part is the default one', async () => {
    const hub = new MemoryHub()
    const failing = nodeOf(hub, 0, { metrics: { set: () => { throw new RangeError('sink full') } } })
    const warnings: string[] = []
    failing.node.addEventListener('warning', ({ detail }) => { warnings.push(`${detail.code}: ${detail.message}`) })
    const others = [nodeOf(hub, 1, { metrics: undefined } as never), nodeOf(hub, 2)]
    for (const { node } of [failing, ...others]) {
      await node.start()
    }
    const ends = await Promise.all([failing, ...others].map(async ({ node }) => node.stopped()))
    expect(ends.map(({ reason }) => reason)).toEqual(['rounds', 'rounds', 'rounds'])
    expect(warnings.filter((line) => line === 'metrics: the metrics sink failed: RangeError: sink full')).toHaveLength(failing.reports.length)
  })
})

/** An account that keeps nothing but what its budget keeps */
function accountOf (budget: PrivacyAccount['budget'], status: PrivacyStatus | null = null): PrivacyAccount {
  return {
    budget,
    ledger: undefined,
    sketchSecret: async () => undefined,
    open: async () => {},
    requireHomeCharged: async () => {},
    requireHeldCharged: () => {},
    trainedRound: async () => 0,
    status: () => status,
    close: async () => {}
  }
}

describe('a private federation with handed-in parts', () => {
  const privacy = { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, epsilonLimit: 8, delta: 1e-5 } as const
  const noisy = parseFederation({ ...federation, privacy, round: { ...preset.round, deadlineMs: 300 } })

  it('does not start when the trainer names no dataset: nothing would be charged', async () => {
    const hub = new MemoryHub()
    const { node } = nodeOf(hub, 0, {}, noisy)
    await expect(node.start()).rejects.toThrow('the federation asks for privacy (dp-sgd), and no budget was opened')
    expect(hub.latest.size).toBe(0)
  })

  it('does not start with an algorithm that could tell how many examples there are by how many steps it took', async () => {
    const { batchSize, optimizer } = noisy.training
    const passes = parseFederation({ ...noisy, training: { batchSize, optimizer, epochs: 1 } })
    const own = { algorithm: () => ({ ...gossipAveraging(), name: 'own' }) }
    const refused = nodeOf(new MemoryHub(), 0, own, passes)
    await expect(refused.node.start()).rejects.toThrow('counts rounds in passes: how many steps they take tells how many examples this peer has, and own is told')
    // with steps that the document says it is the account that is missing
    const told = nodeOf(new MemoryHub(), 0, own, parseFederation({ ...noisy, training: { batchSize, optimizer, steps: 2 } }))
    await expect(told.node.start()).rejects.toThrow('no budget was opened')
    await expect(nodeOf(new MemoryHub(), 0, {}, passes).node.start()).rejects.toThrow('no budget was opened')
  })

  it('does not start with a protocol whose messages nobody charges, unless it says that it sends nothing but post-processing', async () => {
    const account = accountOf({ refuses: () => true, reserve: async () => false, status: () => ({}) as never })
    const { isPostProcessing, ...uncharged } = echoProtocol()
    expect(isPostProcessing).toBe(true)
    const refused = nodeOf(new MemoryHub(), 0, { account: () => account, protocol: uncharged }, noisy)
    await expect(refused.node.start()).rejects.toThrow('the federation asks for privacy (dp-sgd), and what echo sends in its steps is not charged')
    const taken = nodeOf(new MemoryHub(), 0, { account: () => account, protocol: { ...uncharged, isPostProcessing: true } }, noisy)
    await taken.node.start()
    // without a privacy mechanism nobody asks
    const plain = nodeOf(new MemoryHub(), 0, { protocol: uncharged })
    await plain.node.start()
  })

  it('asks the handed-in account before each round, and stops sending when it refuses', async () => {
    const hub = new MemoryHub()
    const limit = 2
    const charged: number[][] = []
    const partsOf = (index: number): Partial<NodeParts> => {
      const rounds: number[] = charged[index] = []
      const status: PrivacyStatus = { mechanism: 'dp-sgd', scope: 'example', epsilon: { pld: 1, rdp: 1 }, delta: 1e-5, accountant: 'pld', limit: 8, exhausted: false }
      const budget: PrivacyAccount['budget'] = {
        refuses: (round) => !rounds.includes(round) && rounds.length >= limit,
        reserve: async (round) => {
          const isCharged = rounds.length < limit
          isCharged && rounds.push(round)
          return isCharged
        },
        status: () => status
      }
      const account = accountOf(budget, status)
      return { account: () => account }
    }
    const all = [0, 1, 2].map((index) => nodeOf(hub, index, partsOf(index), noisy))
    for (const { node } of all) {
      await node.start()
    }
    await Promise.all(all.map(async ({ node }) => node.stopped()))
    expect(charged).toEqual([[1, 2], [1, 2], [1, 2]])
    expect([...hub.latest.values()].map(({ round }) => round)).toEqual([limit, limit, limit])
  })
})
