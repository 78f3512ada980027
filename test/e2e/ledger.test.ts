/**
 * The ledger rule in real processes: whatever a peer sent before it was killed, its ledger had been charged for
 *
 * test/ledger/kill.test.ts kills the ledger alone, 200 times; here it is the whole program, and who counts is the
 * neighbour.
 */
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryLevel } from 'memory-level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCodec } from '../../src/codec/codec.ts'
import { encodeFederation, parseFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'
import { inspectTopology } from '../../src/model/topology.ts'
import { createNetwork } from '../../src/network/network.ts'
import { presetDocument } from '../../src/presets.ts'
import { createLedger } from '../../src/ledger/ledger.ts'
import { listLedgers } from '../../src/ledger/similar-ledgers.ts'
import { seededRandom } from '../../src/seeded-random.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { PeerSet } from './peer-driver.ts'
import type { Network, ReceivedUpdate } from '../../src/interface.ts'

const KILLS = 20
const STEPS = 2
/** Every fourth kill falls into the start of the process, the others into its rounds */
const START_MS = 2000
const WORK_MS = 400

const document = parseFederation({
  ...presetDocument('digits'),
  training: { steps: STEPS, batchSize: 64, optimizer: { name: 'sgd', learningRate: 0.1 } },
  aggregation: { rule: 'mean', f: 0 },
  codec: { name: 'int8' },
  privacy: { mechanism: 'dp-sgd', clipNorm: 1, noiseMultiplier: 20, epsilonLimit: 1000, delta: 1e-5, accountant: 'rdp' }
})

/** A neighbour that trains nothing: it notes what arrives, and answers each round so that nobody waits for it */
async function startNeighbour (): Promise<{ network: Network, updates: ReceivedUpdate[], refused: string[] }> {
  const store = createLevelStore({ location: 'memory', clock: systemClock, createDatabase: () => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as never })
  await store.open()
  const codec = createCodec(document.codec.name)
  const { parameterCount } = inspectTopology(document.model)
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    federationId: federationId(encodeFederation(document)),
    federationBytes: encodeFederation(document),
    document,
    maxPayloadBytes: codec.maxEncodedBytes(parameterCount),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap: [],
    store,
    clock: systemClock
  })
  const updates: ReceivedUpdate[] = []
  const refused: string[] = []
  network.addEventListener('update:rejected', ({ detail: { reason } }) => { refused.push(reason) })
  network.addEventListener('update', ({ detail }) => {
    updates.push(detail)
    network.setRound(detail.round + 1)
    void network.publish({ round: detail.round, sequence: detail.sequence, codec: codec.name, payload: detail.payload, degree: 1 })
  })
  await network.start()
  // it would begin a round at any time
  network.declareReady(true)
  return { network, updates, refused }
}

let state: string | undefined
beforeEach(() => { state = process.env['XDG_STATE_HOME'] })
afterEach(() => {
  if (state === undefined) {
    delete process.env['XDG_STATE_HOME']
  } else {
    process.env['XDG_STATE_HOME'] = state
  }
})

/** Rounds that the only ledger there was charged for, one for each charge */
async function chargedRounds (root: string): Promise<number[]> {
  const [fingerprint] = await listLedgers(root)
  if (fingerprint === undefined) {
    return []
  }
  const ledger = createLedger({ root, fingerprint, clock: systemClock })
  await ledger.open()
  const rounds: number[] = []
  for await (const entry of ledger.entries()) {
    entry.kind === 'reserve' && entry.steps === STEPS && rounds.push(entry.round)
  }
  await ledger.close()
  return rounds
}

describe('a peer that is killed again and again', () => {
  it(`was charged for every update that its neighbour has, ${KILLS} times out of ${KILLS}`, async () => {
    await using peers = await PeerSet.create()
    process.env['XDG_STATE_HOME'] = peers.folder
    const root = join(peers.folder, 'grapevine-ledgers')
    const { network, updates, refused } = await startNeighbour()
    const random = seededRandom('kills of a peer')
    try {
      const [address] = network.addresses()
      const settings = ['--data', 'digits:5', '--listen', '/ip4/127.0.0.1/tcp/0', '--backend', 'wasm', '--min-members', '2', '--evaluate-every', '1000']
      for (let kill = 0; kill < KILLS; kill++) {
        const victim = peers.spawn('victim', ['start', '--bootstrap', address!, ...settings])
        const isEarly = kill % 4 === 3
        if (!isEarly) {
          await victim.line('round:end')
        }
        // a random instant is the point of the test: it waits for nothing
        await new Promise((resolve) => setTimeout(resolve, random() * (isEarly ? START_MS : WORK_MS)))
        victim.signal('SIGKILL')
        await victim.exited
        // what is on its way arrives before the end of the connection
        await closed(network)
        const charged = await chargedRounds(root)
        const sent = updates.map(({ round }) => round)
        expect(sent.filter((round) => !charged.includes(round)), `kill ${kill}`).toEqual([])
        // no round is published twice
        expect(new Set(sent).size).toBe(sent.length)
        expect(charged.length).toBeGreaterThanOrEqual(sent.length)
        // a kill costs one charge at most
        expect(charged.length - new Set(sent).size).toBeLessThanOrEqual(kill + 1)
      }
      // it was killed at work: each late kill came after a whole round
      expect(updates.length).toBeGreaterThanOrEqual(KILLS * 3 / 4)
      expect(new Set(updates.map(({ author }) => author)).size).toBe(1)
      expect(refused).toEqual([])
    } finally {
      await network.stop()
    }
  }, 300_000)
})

async function closed (network: Network): Promise<void> {
  while (network.connections().length > 0) {
    await new Promise((resolve) => { network.addEventListener('peer:disconnect', resolve, { once: true }) })
  }
  // an update that came last is told in a turn of its own
  await new Promise((resolve) => { setImmediate(resolve) })
}
