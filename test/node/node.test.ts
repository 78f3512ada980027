/**
 * Life cycle of a node, on real TCP, LevelDB and a training worker
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseFederation } from '../../src/federation/document.ts'
import { createNode } from '../../src/index.ts'
import { importWeights } from '../../src/model/initial-weights.ts'
import { encodeTensors } from '../../src/model/safetensors-file.ts'
import { inspectTopology } from '../../src/model/topology.ts'
import { presetDocument } from '../../src/presets.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { ManualClock } from '../manual-clock.ts'
import { listenerOf } from './listener.ts'
import type { GrapevineNode, NodeInit } from '../../src/node/node-interface.ts'

let home: string

beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'grapevine-node-')) })
afterEach(async () => rm(home, { recursive: true, force: true }))

function init (changes: Partial<NodeInit> = {}): NodeInit {
  return {
    home,
    federation: presetDocument('digits'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    data: { kind: 'digits', trainExamples: 200, testExamples: 50, seed: 1 },
    backend: 'wasm',
    ...changes
  }
}

async function closed (node: GrapevineNode): Promise<void> {
  await node.stop({ force: true })
}

describe('settings of a node', () => {
  it.each([
    [{ home: '' }, 'home must be the path of a folder, not ""'],
    [{ backend: 'wsam' as 'wasm' }, 'backend must be one of auto, wasm, tensorflow, cpu, not "wsam" (did you mean "wasm"?)'],
    [{ data: { kind: 'indx' } as never }, 'data.kind must be one of digits, idx, csv, images, npy, parquet, jsonl, text, not "indx" (did you mean "idx"?)'],
    [{ data: undefined as never }, 'data.kind must be one of digits, idx, csv, images, npy, parquet, jsonl, text, not undefined'],
    [{ partition: { index: 0, count: 2, strategy: 'random' as 'iid', seed: 1 } }, 'partition.strategy must be one of iid, dirichlet, shards, not "random"'],
    [{ evaluateEvery: 0 }, 'evaluateEvery must be a whole number of at least 1, not 0'],
    [{ rounds: 1.5 }, 'rounds must be a whole number of at least 1, not 1.5']
  ] as Array<[Partial<NodeInit>, string]>)('%j is refused at once', (changes, message) => {
    expect(() => createNode(init(changes))).toThrow(message)
  })
})

describe('life of a node', () => {
  it('starts once for two calls, stops for good, and does not start again', async () => {
    const node = createNode(init())
    const first = node.start()
    const second = node.start()
    await second
    expect(node.status).not.toBe('starting')
    await first
    await node.stop()
    expect(node.status).toBe('stopped')
    expect(await node.stopped()).toEqual({ reason: 'request' })
    await expect(node.start()).rejects.toMatchObject({ name: 'NodeStateError' })
  })

  it('may be stopped before it ran, and while it starts', async () => {
    const never = createNode(init())
    await never.stop()
    expect(await never.stopped()).toEqual({ reason: 'request' })

    const early = createNode(init())
    const starting = early.start().catch((err: Error) => err)
    await early.stop()
    await starting
    expect(early.status).toBe('stopped')
    // the home is free again
    const next = createNode(init())
    await next.start()
    await closed(next)
  })

  it('keeps the weights that its federation starts from, and asks for them once', async () => {
    const { model, ...rest } = presetDocument('digits')
    const file = encodeTensors(inspectTopology(model).layout.map(({ name, shape, size }) => ({ name, shape: [...shape], values: new Float32Array(size).fill(0.125) })))
    const { description, bytes } = importWeights(model, file)
    const federation = parseFederation({ ...rest, format: 2, model: { ...model, weights: description } })
    await expect(createNode(init({ federation })).start()).rejects.toMatchObject({ name: 'WeightsError', reason: 'missing' })
    await expect(createNode(init({ weights: file })).start()).rejects.toMatchObject({ name: 'WeightsError', reason: 'unfit' })
    const node = createNode(init({ federation, weights: file }))
    await node.start()
    expect(node.weights()).toEqual(bytes)
    await closed(node)
    await expect(createNode(init({ weights: file.slice(0, -1), federation })).start()).rejects.toMatchObject({ name: 'WeightsError' })
    const { federation: _, ...resumed } = init()
    const kept = createNode(resumed)
    await kept.start()
    expect(kept.weights()).toEqual(bytes)
    await closed(kept)
  })

  it('does not keep a document that cannot be trained, so that a corrected one is accepted', async () => {
    const good = presetDocument('digits')
    const topology = JSON.parse(JSON.stringify(good.model.topology).replaceAll('"Dense"', '"Lambda"')) as typeof good.model.topology
    const node = createNode(init({ federation: { ...good, model: { ...good.model, topology } } }))
    await expect(node.start()).rejects.toMatchObject({ name: 'InvalidFederationError' })
    expect(node.status).toBe('stopped')

    const corrected = createNode(init())
    await corrected.start()
    await closed(corrected)
  })

  it('goes on after what its neighbours know of it when its home is an older copy, and is not banned for signing a round twice', async () => {
    const federation = parseFederation({ ...presetDocument('digits'), privacy: { mechanism: 'none' }, aggregation: { rule: 'mean', f: 0 }, round: { deadlineMs: 1_000, staleness: 1 } })
    const listener = await listenerOf(federation)
    const refused: string[] = []
    listener.addEventListener('update:rejected', ({ detail }) => { refused.push(detail.reason) })
    await listener.start()
    const bootstrap = [listener.addresses()[0]!]
    const live = async (rounds: number): Promise<{ rounds: number[], warned: string[] }> => {
      const node = createNode(init({ home: join(home, 'own'), federation, bootstrap, minMembers: 2, alone: 'train', rounds, data: { kind: 'digits', trainExamples: 200, testExamples: 50, seed: 2 } }))
      const begun: number[] = []
      const warned: string[] = []
      node.addEventListener('round:start', ({ detail }) => { begun.push(detail.round) })
      node.addEventListener('warning', ({ detail }) => { warned.push(detail.code) })
      await node.start()
      expect(await node.stopped()).toEqual({ reason: 'rounds' })
      return { rounds: begun, warned }
    }
    await live(1)
    await cp(join(home, 'own'), join(home, 'backup'), { recursive: true, filter: (source) => !source.endsWith('LOCK') })
    await live(3)
    await rm(join(home, 'own'), { recursive: true })
    await cp(join(home, 'backup'), join(home, 'own'), { recursive: true })
    const restored = await live(5)
    expect(restored.rounds).toEqual([4, 5])
    expect(restored.warned).toContain('restored-home')
    expect(refused).toEqual([])
    await listener.stop()
  }, 90_000)

  it('tries again after a failure', async () => {
    const holder = createNode(init())
    await holder.start()
    const node = createNode(init())
    await expect(node.start()).rejects.toMatchObject({ name: 'HomeLockedError' })
    await closed(holder)
    await node.start()
    await closed(node)
  })

  it('trains when it is quite alone, where it is told to', async () => {
    const clock = new ManualClock()
    const node = createNode(init({ alone: 'train', rounds: 2, clock }))
    const rounds: number[] = []
    node.addEventListener('round:end', ({ detail }) => { rounds.push(detail.round) })
    await node.start()
    // whoever waits may begin to only after the start
    const passing = setInterval(() => { clock.advance(500) }, 20)
    expect(await node.stopped()).toEqual({ reason: 'rounds' })
    clearInterval(passing)
    expect(rounds).toEqual([1, 2])
  })

  it('waits for the members that it was told to wait for, also where it trains alone later', async () => {
    const clock = new ManualClock()
    const node = createNode(init({ alone: 'train', minMembers: 2, rounds: 2, clock }))
    await node.start()
    await clock.waited()
    clock.advance(3_600_000)
    await clock.waited()
    expect(node.status).toBe('waiting')
    await closed(node)
  })

  it('says so when the address to join through leads to another federation, or nowhere', async () => {
    const other = createNode(init({ home: join(home, 'other'), federation: { ...presetDocument('digits'), name: 'other' }, minMembers: 1 }))
    await other.start()
    const [address] = other.describe().addresses
    const clock = new ManualClock()
    const warned: string[] = []
    const said = Promise.withResolvers<void>()
    const node = createNode(init({ home: join(home, 'own'), bootstrap: [address!], clock }))
    node.addEventListener('warning', ({ detail }) => {
      warned.push(`${detail.code}: ${detail.message}`)
      said.resolve()
    })
    await node.start()
    // whoever waits may begin to only after the start; faster than this, the other node would refuse so many calls
    const passing = setInterval(() => { clock.advance(500) }, 50)
    await said.promise
    expect(warned).toEqual([expect.stringMatching(/^bootstrap: \/ip4\/127\.0\.0\.1\/.* belongs to federation \w+, not to \w+/)])
    await closed(node)
    clearInterval(passing)
    await closed(other)
  })

  it('can be read when it has ended, as often as one likes', async () => {
    const node = createNode(init())
    await node.start()
    await node.stop()
    expect(await Promise.all([node.version('latest'), node.versions(), node.versions({ limit: 1 })])).toEqual([undefined, [], []])
    // nothing holds the home in between
    const store = createLevelStore({ location: join(home, 'db'), clock: { now: () => 0 } })
    await store.open()
    const { id } = await store.commit({ federation: 'f', round: 1, parents: ['x'], parameters: new Float32Array(1), metrics: {} })
    await expect(node.version('latest')).rejects.toMatchObject({ name: 'HomeLockedError' })
    await store.close()
    expect(await node.version('latest')).toMatchObject({ version: { id }, parameters: new Float32Array(1) })
  })

  it('a stop under way can be forced', async () => {
    const node = createNode(init())
    await node.start()
    const polite = node.stop()
    await node.stop({ force: true })
    await polite
    expect(node.status).toBe('stopped')
  })
})
