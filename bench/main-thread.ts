/**
 * How long a main thread keeps others waiting: the delay of its event loop with a large model and many neighbours
 *
 * A real node with its default parts (training in its worker, LevelDB, TCP) and 8 neighbours, which are networks of a
 * second process: they train nothing, and answer each round of the node with an update of the full size. Everything
 * that the node does with those (pulling, hashing, decoding, judging, averaging, committing) is real. The delay is that
 * of `perf_hooks.monitorEventLoopDelay` beyond its resolution; blocks are what one turn took.
 *
 *   npm run bench:main-thread [-- --preset wide --neighbours 8 --rounds 10 --rule mean]
 *
 * The baseline of the same run is the same node without neighbours' updates: training and committing alone.
 */
import '../src/promise-with-resolvers.ts'
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createCodec } from '../src/codec/codec.ts'
import { encodeFederation, parseFederation } from '../src/federation/document.ts'
import { federationId } from '../src/federation/federation-id.ts'
import { createNode } from '../src/index.ts'
import { initialParameters } from '../src/model/initial-parameters.ts'
import { createNetwork } from '../src/network/network.ts'
import { presetDocument } from '../src/presets.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { systemClock } from '../src/system-clock.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { Network } from '../src/interface.ts'
import type { PresetName } from '../src/presets.ts'

const RESOLUTION_MS = 5
const WARM_UP_ROUNDS = 2
const LIMIT_MS = 400_000
/** A turn of the event loop that took longer is listed with the phase of the round */
const BLOCK_MS = 25

interface Settings { preset: PresetName, neighbours: number, rounds: number, rule: string }

/** From the node's process to its neighbours': be there, or answer a round */
interface Order { bootstrap?: string, round?: number }

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: 'wide' },
    neighbours: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '10' },
    rule: { type: 'string', default: 'mean' },
    puppets: { type: 'boolean', default: false }
  }
})
const settings: Settings = { preset: values.preset as PresetName, neighbours: Number(values.neighbours), rounds: Number(values.rounds), rule: values.rule }

/** All neighbours answer at once, as in a mesh in step */
function documentOf ({ preset, neighbours, rule }: Settings): FederationDocument {
  const document = presetDocument(preset)
  const { topology, aggregation } = document
  return parseFederation({ ...document, topology: { ...topology, degree: neighbours }, aggregation: { ...aggregation, rule } })
}

// ------------------------------------------------------------------------------------------- the neighbours' process

async function puppet (document: FederationDocument, bootstrap: string): Promise<Network> {
  const bytes = encodeFederation(document)
  const { codec } = document
  const none = { peers: async () => [], putPeer: async () => {}, deletePeer: async () => {}, putRecordSequence: async () => {}, getRecordSequence: async () => 0 }
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    federationId: federationId(bytes),
    federationBytes: bytes,
    // one each: what neighbours would make of each other's updates is not measured
    document: { topology: { degree: 1 } },
    maxPayloadBytes: createCodec(codec.name).maxEncodedBytes(initialParameters(document.model).length),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap: [bootstrap],
    store: { ...none, bans: async () => [], putBan: async () => {}, putPublished: async () => {}, getPublished: async () => undefined },
    clock: systemClock
  })
  await network.start()
  network.declareReady(true)
  return network
}

async function playPuppets (): Promise<void> {
  const document = documentOf(settings)
  const codec = createCodec(document.codec.name)
  const start = initialParameters(document.model)
  const networks: Network[] = []
  const payloads: Uint8Array[] = []
  process.on('disconnect', () => { process.exit() })
  process.on('message', ({ bootstrap, round }: Order) => {
    const work = async (): Promise<void> => {
      if (bootstrap !== undefined) {
        for (let index = 0; index < settings.neighbours; index++) {
          const random = seededRandom(`puppet ${index}`)
          payloads.push(codec.encode(start.map((value) => value + 0.01 * (random() - 0.5))))
          networks.push(await puppet(document, bootstrap))
        }
      }
      if (round !== undefined) {
        await Promise.all(networks.map(async (network, index) => {
          network.setRound(round)
          await network.publish({ round, sequence: round, codec: codec.name, payload: payloads[index]!, degree: settings.neighbours })
        }))
      }
    }
    work().catch((err: unknown) => {
      console.error(err)
      process.exit(1)
    })
  })
}

// ------------------------------------------------------------------------------------------- the measured process

interface Delay { p50: number, p99: number, max: number, blocks: Map<string, number[]>, rounds: number, roundMs: number, accepted: number }

async function measure (alone: boolean): Promise<Delay> {
  const home = await mkdtemp(join(tmpdir(), 'grapevine-main-thread-'))
  const node = createNode({
    home,
    federation: documentOf(settings),
    data: { kind: 'digits', seed: 1, trainExamples: 640, testExamples: 64 },
    listen: ['/ip4/127.0.0.1/tcp/0'],
    rounds: settings.rounds + WARM_UP_ROUNDS,
    minMembers: alone ? 1 : settings.neighbours + 1,
    alone: alone ? 'train' : 'wait',
    keepVersions: 2
  })
  const puppets = alone ? undefined : fork(process.argv[1]!, ['--puppets', ...process.argv.slice(2)], { execArgv: process.execArgv })
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const blocks = new Map<string, number[]>()
  let [startedMs, accepted, phase, round] = [0, 0, 'start', 0]
  node.addEventListener('listening', ({ detail }) => {
    const order: Order = { bootstrap: `${detail.addresses.find((address) => address.includes('127.0.0.1'))}` }
    puppets?.send(order)
  })
  node.addEventListener('round:start', ({ detail }) => {
    const order: Order = { round: round = detail.round }
    puppets?.send(order)
  })
  node.addEventListener('round:phase', ({ detail }) => { phase = detail.phase })
  node.addEventListener('warning', ({ detail }) => { console.error(detail.message) })
  node.addEventListener('round:end', ({ detail }) => {
    if (detail.round === WARM_UP_ROUNDS) {
      startedMs = performance.now()
      delays.enable()
    } else if (detail.round > WARM_UP_ROUNDS) {
      accepted += detail.accepted
    }
  })
  // a turn of the event loop begins where the one before ended
  let lastMs = performance.now()
  const probe = setInterval(() => {
    const now = performance.now()
    if (round > WARM_UP_ROUNDS && now - lastMs > BLOCK_MS) {
      blocks.set(phase, [...blocks.get(phase) ?? [], now - lastMs])
    }
    lastMs = now
  }, 1)
  const timeout = setTimeout(() => { void node.stop({ force: true }) }, LIMIT_MS)
  await node.start()
  const { reason, error } = await node.stopped()
  delays.disable()
  const roundMs = (performance.now() - startedMs) / settings.rounds
  clearInterval(probe)
  clearTimeout(timeout)
  puppets?.kill()
  await rm(home, { recursive: true, force: true })
  if (reason !== 'rounds') {
    throw new RangeError(`the node stopped (${reason}) in round ${round}: ${error?.message ?? 'too slow'}`)
  }
  const of = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
  return { p50: of(delays.percentile(50)), p99: of(delays.percentile(99)), max: of(delays.max), blocks, rounds: settings.rounds, roundMs, accepted: accepted / settings.rounds }
}

function row (name: string, { p50, p99, max, roundMs, accepted, blocks, rounds }: Delay): string {
  const all = [...blocks.values()].flat()
  const sum = all.reduce((total, ms) => total + ms, 0) / rounds
  return `| ${name} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${max.toFixed(0)} | ${(all.length / rounds).toFixed(1)} (${sum.toFixed(0)} ms) | ${roundMs.toFixed(0)} | ${accepted.toFixed(1)} |`
}

async function main (): Promise<void> {
  const { preset, neighbours, rounds, rule } = settings
  console.log(`${preset}, rule ${rule}, ${rounds} rounds\n`)
  console.log(`| | p50 ms | p99 ms | longest ms | turns over ${BLOCK_MS} ms a round | a round, ms | accepted |`)
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  const alone = await measure(true)
  console.log(row('alone', alone))
  const among = await measure(false)
  console.log(row(`${neighbours} neighbours`, among))
  for (const [phase, times] of [...alone.blocks, ...among.blocks]) {
    console.log(`${phase}: ${times.map((ms) => ms.toFixed(0)).sort((a, b) => Number(b) - Number(a)).slice(0, 30).join(' ')}`)
  }
  process.exit()
}

await (values.puppets ? playPuppets() : main())
