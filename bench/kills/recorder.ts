/**
 * The neighbours of the victims, in a thread of their own: an entry point, started by mesh.ts
 *
 * Two real nodes on real TCP that train nothing. They note every update that arrives, and answer each round with one of
 * their own so that nobody waits for what never comes.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryLevel } from 'memory-level'
import { createCodec } from '../../src/codec/codec.ts'
import { encodeFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'
import { inspectTopology } from '../../src/model/topology.ts'
import { createNetwork } from '../../src/network/network.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { meshDocument } from './documents.ts'
import type { ReceivedUpdate } from '../../src/interface.ts'
import type { LibP2PNetwork } from '../../src/network/network.ts'
import type { StoreDatabase } from '../../src/store/database.ts'
import type { MeshName } from './documents.ts'

export interface RecorderInit {
  mesh: MeshName
  /** An answer comes this long after the round's first update: rounds take at least as long */
  answerMs: number
}

export interface RecordedUpdate {
  recorder: number
  author: string
  round: number
  sequence: number
  updateId: string
}

/** What the neighbours hold against anybody */
export interface Verdict {
  banned: string[]
  equivocations: string[]
  refused: Record<string, number>
}

export type RecorderMessage = { type: 'ready', addresses: string[] } | { type: 'update', update: RecordedUpdate } | { type: 'verdict', verdict: Verdict }

const RECORDERS = 2

const { mesh, answerMs } = workerData as RecorderInit
const document = meshDocument(mesh)
const codec = createCodec(document.codec.name)
const refused: Record<string, number> = {}

function tell (message: RecorderMessage): void {
  parentPort!.postMessage(message)
}

async function start (bootstrap: readonly string[]): Promise<LibP2PNetwork> {
  const createDatabase = (): StoreDatabase => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as unknown as StoreDatabase
  const store = createLevelStore({ location: 'memory', clock: systemClock, createDatabase })
  await store.open()
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    federationId: federationId(encodeFederation(document)),
    federationBytes: encodeFederation(document),
    document,
    maxPayloadBytes: codec.maxEncodedBytes(inspectTopology(document.model).parameterCount),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap,
    store,
    clock: systemClock
  })
  await network.start()
  // it would begin a round at any time
  network.declareReady(true)
  return network
}

/** Once for each round, with the payload of whoever came first */
function answer (network: LibP2PNetwork, isRecorder: (peer: string) => boolean): (update: ReceivedUpdate) => void {
  let last = { round: 0, sequence: 0 }
  return ({ author, round, payload }) => {
    if (isRecorder(author) || round <= last.round) {
      return
    }
    last = { round, sequence: Math.max(last.sequence + 1, Date.now()) }
    const { sequence } = last
    setTimeout(() => {
      network.setRound(round + 1)
      network.publish({ round, sequence, codec: codec.name, payload, degree: 1 }).catch((err: unknown) => { throw err })
    }, answerMs)
  }
}

const networks = [await start([])]
while (networks.length < RECORDERS) {
  networks.push(await start(networks[0]!.addresses()))
}
const selves = new Set(networks.map(({ self }) => self))
networks.forEach((network, recorder) => {
  const respond = answer(network, (peer) => selves.has(peer))
  network.addEventListener('update', ({ detail }) => {
    const { author, round, sequence, updateId } = detail
    if (!selves.has(author)) {
      tell({ type: 'update', update: { recorder, author, round, sequence, updateId } })
    }
    respond(detail)
  })
  network.addEventListener('update:rejected', ({ detail: { reason } }) => { refused[reason] = (refused[reason] ?? 0) + 1 })
})
parentPort!.on('message', () => {
  tell({
    type: 'verdict',
    verdict: {
      banned: networks.flatMap((network) => network.banned()),
      equivocations: networks.flatMap((network) => network.equivocations().map(({ author }) => author)),
      refused
    }
  })
})
tell({ type: 'ready', addresses: networks.flatMap((network) => network.addresses().slice(0, 1)) })
