/**
 * A hard customer of the algorithm's port: a second vector, and state that a killed process must find again
 *
 * Nothing of it is in round/, network/ or store/. The last part runs real processes on real TCP: `npm run build` first
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { gossipAveraging, inspectTopology } from '../../src/index.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { RoundStore } from '../../src/simulation/round-store.ts'
import { SimulatedMesh } from '../../src/simulation/simulated-mesh.ts'
import { VirtualClock } from '../../src/simulation/virtual-clock.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { CURVATURES, federation, gradientTracking, OPTIMUM, quadraticTrainer } from './gradient-tracking.mjs'
import type { ChildProcess } from 'node:child_process'
import type { Algorithm, AlgorithmInit } from '../../src/index.ts'

const PEERS = CURVATURES.length
const { layout, parameterCount } = inspectTopology(federation.model)

const children = new Set<ChildProcess>()
const folders: string[] = []
afterEach(async () => {
  children.forEach((child) => { child.kill('SIGKILL') })
  await Promise.all(folders.splice(0).map(async (folder) => rm(folder, { recursive: true, force: true })))
})

/** The product's rounds of three peers over a virtual clock, so that no busy machine makes one of them late */
async function models (rounds: number, algorithmOf: (init: AlgorithmInit) => Algorithm): Promise<number[]> {
  const clock = new VirtualClock()
  const codec = createCodec('float32')
  const mesh = new SimulatedMesh(clock, {
    federation: 'tracking',
    topology: { degree: PEERS - 1 },
    links: { latencyMs: 5, bytesPerSecond: 1e9 },
    maxPayloadBytes: codec.maxEncodedBytes(2 * parameterCount)
  })
  const settings = { federation: 'tracking', parameterCount, deadlineMs: 1_000, staleness: 0, rounds, evaluateEvery: rounds, quarantineLimit: 0 }
  const peers = Array.from({ length: PEERS }, (_, index) => {
    const network = mesh.join(`peer-${index}`)
    const store = new RoundStore(clock)
    const { train, ...trainer } = quadraticTrainer(index, { parameterCount, layout })
    const engine = new RoundEngine({
      ...{ network, store, codec, clock },
      trainer: { ...trainer, train: async (...steps) => clock.delay(10).then(async () => train(...steps)) },
      aggregator: createAggregator({ rule: 'mean', f: 0 }),
      algorithm: algorithmOf({ document: federation, parameterCount })
    }, settings)
    return { network, engine, store }
  })
  await clock.run(Promise.all(peers.map(async ({ engine }) => engine.load())))
  await clock.run(Promise.all(peers.map(async ({ network }) => network.start())))
  await clock.run(Promise.all(peers.map(async ({ engine }) => engine.run(new AbortController().signal))))
  return Promise.all(peers.map(async ({ store }) => (await store.parameters((await store.newest())!.id))![0]!))
}

/** First elements of the tracker and of the gradient in it */
function remembered (state: Uint8Array): { tracker: number, gradient: number } {
  const values = new Float32Array(state.slice().buffer)
  return { tracker: values[0]!, gradient: values[parameterCount]! }
}

describe('gradient tracking as a handed-in algorithm', () => {
  it('leads to the common optimum, where averaging alone ends beside it', async () => {
    const algorithms: Algorithm[] = []
    const tracked = await models(75, (init) => {
      algorithms.push(gradientTracking(init))
      return algorithms.at(-1)!
    })
    tracked.forEach((model) => { expect(Math.abs(model - OPTIMUM)).toBeLessThan(1e-5) })
    const averaged = await models(75, gossipAveraging)
    averaged.forEach((model) => { expect(Math.abs(model - OPTIMUM)).toBeGreaterThan(0.005) })
    // the trackers together are the gradients together
    const states = algorithms.map((algorithm) => remembered(algorithm.state()!))
    const sum = (of: 'tracker' | 'gradient'): number => states.reduce((total, state) => total + state[of], 0)
    expect(sum('tracker')).toBeCloseTo(sum('gradient'), 6)
    expect(Math.abs(states[0]!.gradient)).toBeGreaterThan(0.05)
  })

  it('does not start where it cannot be right', () => {
    const training = { ...federation.training, optimizer: { name: 'sgd' as const, learningRate: 0.1, momentum: 0.9 } }
    expect(() => gradientTracking({ document: { ...federation, training }, parameterCount })).toThrow('gradient tracking takes plain steps')
  })
})

interface Line { listening?: string, restored?: string, round?: number, accepted?: number, stopped?: string, model?: number, warning?: { code: string, message: string } }

class Peer {
  readonly lines: Line[] = []
  readonly child: ChildProcess
  readonly #look = new EventTarget()

  constructor (...args: string[]) {
    const script = fileURLToPath(new URL('../fixtures/tracking-node.mjs', import.meta.url))
    const child = this.child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, GRAPEVINE_LEDGERS: join(args[0]!, 'ledgers') } })
    children.add(child)
    child.once('exit', () => { children.delete(child); this.#look.dispatchEvent(new Event('line')) })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line)
      this.#look.dispatchEvent(new Event('line'))
    })
  }

  async until (isIt: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(isIt)
      if (found !== undefined) {
        return found
      }
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new RangeError(`the peer ended after ${JSON.stringify(this.lines.slice(-3))}`)
      }
      await once(this.#look, 'line')
    }
  }
}

describe('gradient tracking in processes that are killed', () => {
  it('goes on from what was committed with the model', { timeout: 90_000 }, async () => {
    const homes = await Promise.all(Array.from({ length: PEERS }, async () => mkdtemp(join(tmpdir(), 'grapevine-tracking-'))))
    folders.push(...homes)
    // more than there will be: they end when the test does
    const ROUNDS = '100000'
    const first = new Peer(homes[0]!, '0', ROUNDS)
    const address = (await first.until(({ listening }) => listening !== undefined)).listening!
    const second = new Peer(homes[1]!, '1', ROUNDS, address)
    const third = new Peer(homes[2]!, '2', ROUNDS, address)
    await third.until(({ accepted }) => accepted === 2)
    await second.until(({ round = 0, accepted }) => round >= 20 && accepted === 2)
    const killed = once(second.child, 'exit')
    second.child.kill('SIGKILL')
    await killed

    const store = createLevelStore({ location: join(homes[1]!, 'db'), clock: systemClock, readOnly: true })
    await store.open()
    const state = (await store.state('algorithm'))!
    await store.close()
    expect(Math.abs(remembered(state).gradient)).toBeGreaterThan(0)

    const again = new Peer(homes[1]!, '1', ROUNDS, address)
    await again.until(({ accepted }) => accepted === 2)
    expect(again.lines.map(({ restored }) => restored).filter(Boolean)).toEqual([createHash('sha256').update(state).digest('hex')])
    expect(again.lines.filter(({ warning }) => warning?.code === 'state')).toEqual([])
  })
})
