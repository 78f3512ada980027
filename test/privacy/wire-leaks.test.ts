/**
 * What can leave a peer: every field of every message, where it comes from, and that losses, accuracies, numbers of
 * examples and gradients' norms are in none of them
 *
 * A new field in a .proto file fails here until it is classified, and so does a new place that makes messages. What the
 * tables say is checked by running the code where that can be.
 */
import { readdir, readFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryLevel } from 'memory-level'
import { afterEach, describe, expect, it } from 'vitest'
import { ControlServer } from '../../peer/control/control-server.ts'
import { createAggregator } from '../../src/aggregators/aggregator.ts'
import { createCodec } from '../../src/codec/codec.ts'
import { decodeFederation, encodeFederation } from '../../src/federation/document.ts'
import { proofOf, toWire } from '../../src/network/signed/equivocation.ts'
import { parseRecord, signRecord, signSuspicion } from '../../src/network/members/member-record.ts'
import { Membership } from '../../src/network/members/membership.ts'
import { OwnRecord } from '../../src/network/members/own-record.ts'
import { OwnUpdates } from '../../src/network/updates/own-updates.ts'
import { encodeSigned, sha256, signHeader } from '../../src/network/signed/update-header.ts'
import { MemberRecord, Suspicion } from '../../src/network/wire/membership.ts'
import { SignedUpdate, UpdateHeader } from '../../src/network/wire/update.ts'
import { presetDocument } from '../../src/presets.ts'
import { RoundEngine } from '../../src/round/round-engine.ts'
import { createLevelStore } from '../../src/store/level-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { MemoryHub } from '../round/memory-network.ts'
import { FakeNode } from '../peer/fake-node.ts'
import type { AddressInfo, Server } from 'node:net'
import type { Clock, Codec, Network, OutgoingUpdate, Trainer } from '../../src/interface.ts'
import type { RoundReport } from '../../src/round/round-events.ts'
import type { PrivacyBudget } from '../../src/privacy/budget.ts'

type Origin =
  /** A number of the protocol, or something the whole federation agreed on */
  | 'constant of the program' | 'federation document'
  /** The own key, or a signature by it */
  | 'identity'
  | 'clock'
  /** Of rounds or of the sender's own messages */
  | 'counter'
  /** sha-256 of bytes that leave anyway */
  | 'hash of released bytes'
  /** What the mechanism made: noisy, and charged */
  | 'released parameters'
  | 'length of released bytes'
  /** Who is a neighbour, a member, connected, silent, and where it is reached */
  | 'topology'
  /** Bytes of another message, as they came or were made: classified there */
  | 'message inside'
  /** Who belongs to the federation, who decides and who was let in by whom: signed by those who say so */
  | 'membership record'
  /** Fresh random bytes */
  | 'random'
  /** HMAC of public bytes, by an invitation's secret */
  | 'proof of a secret'
  /** How much the server has to do */
  | 'load'
  /**
   * Whether the budget is spent: by document, own limit, number of examples and what was charged; never by an example's
   * content
   */
  | 'spent budget'

/** Message.field -> where its value comes from */
const ORIGINS: Record<string, Origin> = {
  'FederationResponse.document': 'federation document',

  'UpdateHeader.version': 'constant of the program',
  'UpdateHeader.federation': 'federation document',
  'UpdateHeader.author': 'identity',
  'UpdateHeader.round': 'counter',
  'UpdateHeader.sequence': 'clock',
  'UpdateHeader.previous_hash': 'hash of released bytes',
  'UpdateHeader.payload_hash': 'hash of released bytes',
  'UpdateHeader.payload_bytes': 'length of released bytes',
  'UpdateHeader.kind': 'constant of the program',
  'UpdateHeader.codec': 'federation document',
  'UpdateHeader.replica_hash': 'hash of released bytes',
  'UpdateHeader.degree': 'topology',
  'UpdateHeader.epoch': 'federation document',
  'UpdateHeader.incarnation': 'counter',
  'UpdateHeader.stream': 'clock',
  'UpdateHeader.stream_version': 'counter',
  'UpdateHeader.step': 'constant of the program',
  'UpdateHeader.receiver': 'constant of the program',
  'UpdateHeader.vector': 'constant of the program',
  'SignedUpdate.header': 'message inside',
  'SignedUpdate.signature': 'identity',
  'SignedUpdate.payload': 'released parameters',
  'UpdateRequest.federation': 'federation document',
  'UpdateRequest.author': 'topology',
  'UpdateRequest.payload_hash': 'hash of released bytes',
  'UpdateRequest.after_sequence': 'counter',
  'UpdateRequest.offset': 'length of released bytes',
  'UpdateRequest.keyframe': 'constant of the program',
  'UpdateResponse.status': 'load',
  'UpdateResponse.update': 'message inside',
  'UpdateResponse.remaining_bytes': 'length of released bytes',
  'StepAnswer.status': 'load',

  'MemberRecord.federation': 'federation document',
  'MemberRecord.peer': 'identity',
  'MemberRecord.addresses': 'topology',
  'MemberRecord.sequence': 'clock',
  'MemberRecord.leaving': 'topology',
  'MemberRecord.observing': 'spent budget',
  // enough live neighbours; a peer whose budget is spent says `observing` instead
  'MemberRecord.ready': 'topology',
  // with whom it holds a connection
  'MemberRecord.vouches': 'topology',
  'Suspicion.federation': 'federation document',
  'Suspicion.peer': 'topology',
  'Suspicion.sequence': 'clock',
  'Suspicion.reporter': 'identity',
  'SignedRecord.record': 'message inside',
  'SignedRecord.signature': 'identity',
  'SignedSuspicion.suspicion': 'message inside',
  'SignedSuspicion.signature': 'identity',
  'EquivocationProof.first': 'message inside',
  'EquivocationProof.first_signature': 'identity',
  'EquivocationProof.second': 'message inside',
  'EquivocationProof.second_signature': 'identity',
  'ControlMessage.record': 'message inside',
  'ControlMessage.suspicion': 'message inside',
  'ControlMessage.equivocation': 'message inside',
  'ControlMessage.governance': 'membership record',
  'MemberEntry.signed': 'message inside',
  'MemberEntry.ageMs': 'clock',
  'MemberExchange.members': 'message inside',
  'MemberExchange.needed': 'topology',

  'AdmissionHello.federation': 'federation document',
  'AdmissionHello.nonce': 'random',
  'AdmissionHello.records': 'membership record',
  // what the token says
  'AdmissionHello.invitation': 'membership record',
  'AdmissionHello.brief': 'constant of the program',
  'AdmissionChallenge.nonce': 'random',
  'AdmissionChallenge.proof': 'proof of a secret',
  'AdmissionAnswer.status': 'membership record',
  'AdmissionAnswer.reason': 'membership record',
  'AdmissionAnswer.records': 'membership record',
  'AdmissionAnswer.document': 'federation document',
  'AdmissionAnswer.credentials': 'membership record',
  'AdmissionAnswer.federation': 'federation document',
  'AdmissionFarewell.reason': 'membership record',
  'AdmissionFarewell.records': 'membership record',
  'AdmissionMessage.hello': 'message inside',
  'AdmissionMessage.challenge': 'message inside',
  'AdmissionMessage.proof': 'proof of a secret',
  'AdmissionMessage.answer': 'message inside',
  'AdmissionMessage.farewell': 'message inside',
  'RecordsMessage.root': 'hash of released bytes',
  'RecordsMessage.buckets': 'hash of released bytes',
  'RecordsMessage.numbers': 'hash of released bytes',
  'RecordsMessage.ids': 'hash of released bytes',
  'RecordsMessage.records': 'membership record'
}

/** The only lines that encode messages, by file: what is new here is to be looked at, and then written down */
const MADE_IN: Record<string, number> = {
  'admission/frames.ts': 1,
  'admission/record-gossip.ts': 1,
  'admission/record-sync.ts': 1,
  'members/control-messages.ts': 3,
  'signed/equivocation.ts': 1,
  'members/exchange-link.ts': 1,
  'federation-exchange.ts': 1,
  // a record a second time, to know how much room it leaves for vouchers
  'members/member-record.ts': 3,
  // how a message was taken, and whether its payload is to come
  'updates/step-server.ts': 2,
  'signed/update-header.ts': 2,
  'updates/update-pull.ts': 1,
  'updates/update-server.ts': 2
}

const NETWORK = new URL('../../src/network/', import.meta.url)
const WIRE = new URL('wire/', NETWORK)

/** `name` is a path inside the folder: folders of it are looked into */
async function textsOf (folder: URL, extension: string): Promise<Array<{ name: string, text: string }>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(extension)).sort()
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(new URL(name, folder), 'utf8') })))
}

/**
 * Message.field of a .proto file. Throws at anything that is neither: it would carry something that nobody looked at
 */
function fieldsOf (text: string): string[] {
  const lines = text.replace(/\/\/.*$/gm, '').split('\n').map((line) => line.trim()).filter((line) => line !== '' && line !== 'syntax = "proto3";')
  const fields: string[] = []
  let message: string | undefined
  for (const line of lines) {
    const opened = /^message (\w+) \{$/.exec(line)?.[1]
    const field = /^(?:optional |repeated )?\w+ (\w+) = \d+(?: \[[^\]]*\])?;$/.exec(line)?.[1]
    if (opened !== undefined && message === undefined) {
      message = opened
    } else if (field !== undefined && message !== undefined) {
      fields.push(`${message}.${field}`)
    } else if (line === '}' && message !== undefined) {
      message = undefined
    } else {
      throw new SyntaxError(`this test does not know what to make of "${line}"`)
    }
  }
  return fields
}

/** Message.field of the generated TypeScript, whose names are in camel case */
function generatedFieldsOf (text: string): string[] {
  return [...text.matchAll(/^export interface (\w+) \{\n([^}]*)\}/gm)]
    .flatMap(([, message, body]) => [...body!.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => `${message}.${field}`))
}

const camelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

describe('the schema of the wire', () => {
  it('has no field whose origin is not known, and no other is listed', async () => {
    const fields = (await textsOf(WIRE, '.proto')).flatMap(({ text }) => fieldsOf(text))
    expect(fields.sort()).toEqual(Object.keys(ORIGINS).sort())
  })

  it('is what the code encodes: the generated messages have these fields and no others', async () => {
    const fields = (await textsOf(WIRE, '.ts')).flatMap(({ text }) => generatedFieldsOf(text))
    expect(fields.sort()).toEqual(Object.keys(ORIGINS).map(camelCase).sort())
  })

  it('would be found to have a new field, message, map or choice', () => {
    expect(fieldsOf('message A {\n  // said\n  bytes b = 1;\n  repeated C d = 2 [(protons.options).limit = 8];\n}')).toEqual(['A.b', 'A.d'])
    for (const line of ['map<string, double> losses = 3;', 'oneof kind {', 'enum Kind {', 'message Inner {', 'extensions 4 to 5;']) {
      expect(() => fieldsOf(`message A {\n  ${line}\n}`)).toThrow(SyntaxError)
    }
  })

  it('carries one thing that is computed from examples: released parameters', () => {
    expect(Object.entries(ORIGINS).filter(([, origin]) => origin === 'released parameters').map(([field]) => field)).toEqual(['SignedUpdate.payload'])
    expect(Object.keys(ORIGINS).filter((field) => /loss|accura|example|count|norm|clip|gradient|metric|epsilon|fingerprint|sketch/i.test(field))).toEqual([])
  })
})

describe('the network', () => {
  it('makes messages in a few known places', async () => {
    const own = (await textsOf(NETWORK, '.ts')).filter(({ name }) => !name.startsWith('wire/'))
    const places = own.map(({ name, text }) => [name, (text.match(/\b[A-Z]\w*\.encode\(/g) ?? []).length] as const)
    expect(Object.fromEntries(places.filter(([, count]) => count > 0))).toEqual(MADE_IN)
    const others = (await readdir('src', { recursive: true })).filter((name) => name.endsWith('.ts') && !name.startsWith('network/'))
    for (const name of others) {
      expect(await readFile(join('src', name), 'utf8'), name).not.toMatch(/from '.*\/wire\//)
    }
  })

  it('knows nothing of data, models, rounds and budgets: what is in a message came through its port', async () => {
    for (const { name, text } of await textsOf(NETWORK, '.ts')) {
      const imports = [...text.matchAll(/from '(\.\.\/[^']*)'/g)].map(([, path]) => path!)
      expect(imports.filter((path) => /^(\.\.\/)+(data|model|privacy|round|aggregators|store|node)\//.test(path)), name).toEqual([])
    }
  })
})

const federation = 'bafyreigrapevinetestfederation'
const key = await generateKeyPair('Ed25519')
const self = peerIdFromPrivateKey(key).toString()

describe('an update header', () => {
  const payload = Uint8Array.of(1, 2, 3)
  const fields = { federation, round: 7, sequence: 1234, codec: 'int8', degree: 4 }

  it('is made of what the round engine decided, of the payload\'s hash and length, and of the key', async () => {
    const { bytes, signature } = await signHeader(key, fields, payload)
    const header = UpdateHeader.decode(bytes)
    expect({ ...header, author: Buffer.from(header.author).toString('hex') }).toEqual({
      ...fields,
      version: 2,
      previousHash: new Uint8Array(0),
      ...{ stream: 1234, streamVersion: 1, epoch: 0, incarnation: 0, step: 0, vector: 0, receiver: new Uint8Array(0) },
      author: Buffer.from(peerIdFromPrivateKey(key).toMultihash().bytes).toString('hex'),
      payloadHash: Uint8Array.from(sha256(payload)),
      payloadBytes: 3,
      kind: 1,
      replicaHash: new Uint8Array(0)
    })
    const signed = { id: '', author: self, header, bytes, signature }
    expect(SignedUpdate.decode(encodeSigned(signed, payload))).toEqual({ header: bytes, signature: new Uint8Array(signature), payload })
  })

  it('takes nothing else along', async () => {
    const more = { ...fields, loss: 0.25, accuracy: 0.9, figures: { balancedAccuracy: 0.5 }, examples: 300, trainLoss: 0.5, clipped: 0.7, norms: [1, 2] }
    const [plain, loaded] = [await signHeader(key, fields, payload), await signHeader(key, more, payload)]
    expect(Buffer.from(loaded.bytes).equals(plain.bytes)).toBe(true)
    // Ed25519 signatures are a function of key and message
    expect(Buffer.from(loaded.signature).equals(plain.signature)).toBe(true)
  })
})

describe('what members say about each other', () => {
  it('is keys, addresses, times and who is silent', async () => {
    const address = '/ip4/192.0.2.1/tcp/4001'
    const record = MemberRecord.decode((await signRecord(key, { federation, peer: self, addresses: [address], sequence: 5, leaving: false })).record)
    const peer = new Uint8Array(peerIdFromPrivateKey(key).toMultihash().bytes)
    expect(record).toEqual({ federation, peer, addresses: [new Uint8Array(multiaddr(address).bytes)], sequence: 5, leaving: false, observing: false, ready: false })
    const suspicion = Suspicion.decode((await signSuspicion(key, { federation, peer: self, sequence: 5, reporter: self })).suspicion)
    expect(suspicion).toEqual({ federation, peer, sequence: 5, reporter: peer })
  })

  it('has the clock\'s time and the host\'s addresses', async () => {
    const host = { self, announced: () => ['/ip4/192.0.2.1/tcp/4001'] }
    const own = new OwnRecord({ host, privateKey: key, clock: { now: () => 77_000 }, store: { putRecordSequence: async () => {}, getRecordSequence: async () => 0 } }, federation)
    const { signed, ageMs } = await own.renew()
    expect(MemberRecord.decode(signed!.record)).toMatchObject({ sequence: 77_000, addresses: [new Uint8Array(multiaddr('/ip4/192.0.2.1/tcp/4001').bytes)], leaving: false, observing: false })
    expect(ageMs).toBe(0)
  })

  it('proves equivocation by two headers as they were signed', async () => {
    const fields = { federation, round: 1, sequence: 1, codec: 'int8', degree: 1 }
    const [first, second] = [await signHeader(key, fields, Uint8Array.of(1)), await signHeader(key, fields, Uint8Array.of(2))]
    expect(toWire(proofOf(first, second))).toEqual({
      first: new Uint8Array(first.bytes), firstSignature: new Uint8Array(first.signature), second: new Uint8Array(second.bytes), secondSignature: new Uint8Array(second.signature)
    })
  })

  it('is passed on as it was signed, with an age by the clock', async () => {
    let now = 1_000
    const membership = new Membership({ self: 'self', clock: { monotonicMs: () => now }, expiryMs: 60_000, graceMs: 20_000 })
    const signed = await signRecord(key, { federation, peer: self, addresses: [], sequence: 5, leaving: false })
    membership.apply(parseRecord(signed, federation)!)
    now += 321
    expect(membership.entries()).toEqual([{ signed, ageMs: 321 }])
  })
})

describe('the federation document', () => {
  it('is what its parser lets through: strict, so that nobody can put anything beside it', () => {
    const document = presetDocument('digits')
    expect(decodeFederation(encodeFederation(document))).toEqual(document)
    expect(() => decodeFederation(encodeFederation({ ...document, loss: 0.5 } as never))).toThrow(/loss/)
  })
})

// ------------------------------------------------------------------------------------------------ rounds

const DIMENSION = 6
const ROUNDS = 3

/** Everything that the round engine tells the network */
type Told = Array<[method: string, ...values: unknown[]]>

/** What only the peer itself may know */
interface Secrets {
  loss: number
  accuracy: number
  balancedAccuracy: number
  examples: number
  steps: number
  epsilon: number
}

function trainerWith ({ loss, accuracy, balancedAccuracy, examples, steps }: Secrets): Pick<Trainer, 'train' | 'evaluate' | 'initialParameters' | 'sampleLoss'> {
  return {
    initialParameters: async () => new Float32Array(DIMENSION),
    train: async (parameters, { round = 0 } = {}) => ({ parameters: parameters.map((x, i) => x + 0.1 * (i + round)), loss, examples, steps }),
    evaluate: async () => ({ loss, accuracy, examples, figures: { kind: 'classes', balancedAccuracy, baseline: { label: 'ill', accuracy, balancedAccuracy: 0.5 } } }),
    sampleLoss: async () => loss
  }
}

/** Allows so many rounds */
function budgetWith ({ epsilon }: Secrets, rounds: number): Pick<PrivacyBudget, 'refuses' | 'reserve' | 'status'> {
  return {
    refuses: (round) => round > rounds,
    reserve: async (round) => round <= rounds,
    status: () => ({ mechanism: 'dp-sgd', scope: 'example', epsilon: { rdp: epsilon, pld: epsilon }, delta: 1e-5, accountant: 'pld', limit: 8, exhausted: false })
  }
}

/** Stands still, so that times tell nothing */
const CLOCK: Clock = { ...systemClock, now: () => 5_000, monotonicMs: () => 0 }

/** Beside the peer */
const NEIGHBOURS = ['a', 'b']

interface Sent {
  told: Told
  published: OutgoingUpdate[]
  /** As training left them, round by round */
  models: Float32Array[]
}

async function roundsOf (secrets: Secrets, { codec = createCodec('int8'), allowed = ROUNDS }: { codec?: Codec, allowed?: number } = {}): Promise<Sent> {
  const hub = new MemoryHub()
  const network = hub.join('self')
  const others = NEIGHBOURS.map((name) => hub.join(name))
  const told: Told = []
  const recorded = (property: keyof Network): boolean => ['publish', 'setRound', 'penalise', 'suspend', 'newestOwn', 'observe'].includes(property)
  const spied = new Proxy(network, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') {
        return value
      }
      return (...values: unknown[]): unknown => {
        if (recorded(property as keyof Network)) {
          told.push([String(property), values[0]])
        }
        return Reflect.apply(value, target, values)
      }
    }
  })
  const store = createLevelStore({ location: 'memory', clock: CLOCK, createDatabase: () => new MemoryLevel({ keyEncoding: 'utf8', valueEncoding: 'view' }) as never })
  await store.open()
  const trainer = trainerWith(secrets)
  const models: Float32Array[] = []
  const engine = new RoundEngine({
    network: spied,
    trainer: {
      ...trainer,
      train: async (...values) => {
        const result = await trainer.train(...values)
        models.push(result.parameters.slice())
        return result
      }
    },
    store,
    codec,
    aggregator: createAggregator({ rule: 'mean', f: 0 }),
    // an observer need not take its time
    clock: { ...CLOCK, delay: async (ms, options) => CLOCK.delay(Math.min(ms, 1), options) },
    budget: budgetWith(secrets, allowed)
  }, { federation, parameterCount: DIMENSION, deadlineMs: 1000, staleness: 1, rounds: ROUNDS, evaluateEvery: 1, quarantineLimit: 0 })
  engine.addEventListener('round:start', ({ detail: { round } }) => {
    others.forEach((other) => { void other.publish({ round, sequence: round, codec: codec.name, payload: codec.encode(new Float32Array(DIMENSION).fill(1)), degree: 2 }) })
  })
  const reports: RoundReport[] = []
  engine.addEventListener('round:end', ({ detail }) => { reports.push(detail) })
  await engine.load()
  await engine.run(new AbortController().signal)
  // the peer itself does know
  expect(reports[0]).toMatchObject({ trainLoss: secrets.loss, loss: secrets.loss, accuracy: secrets.accuracy, figures: { balancedAccuracy: secrets.balancedAccuracy }, examples: secrets.examples, privacy: { epsilon: { pld: secrets.epsilon } }, accepted: NEIGHBOURS.length })
  return { told, published: network.published, models }
}

describe('what the round engine sends', () => {
  const honest: Secrets = { loss: 0.5, accuracy: 0.9, balancedAccuracy: 0.6, examples: 300, steps: 10, epsilon: 1 }

  it('is the encoded parameters, and the number of neighbours', async () => {
    const codec = createCodec('int8')
    const { published, models } = await roundsOf(honest, { codec })
    expect(published).toHaveLength(ROUNDS)
    for (const [at, update] of published.entries()) {
      // the clock's time; where that stands still, one more
      expect(update).toEqual({ round: at + 1, sequence: 5_000 + at, codec: 'int8', payload: codec.encode(models[at]!), degree: NEIGHBOURS.length })
    }
  })

  it.each<[what: keyof Secrets, value: number]>([
    ['loss', 123.456], ['loss', Number.NaN], ['accuracy', 0.1], ['balancedAccuracy', 0.3], ['examples', 7], ['steps', 99], ['epsilon', 7.5]
  ])('does not change with the %s', async (what, value) => {
    const [usual, other] = [await roundsOf(honest), await roundsOf({ ...honest, [what]: value })]
    expect(usual.told.filter(([method]) => method === 'publish')).toHaveLength(ROUNDS)
    expect(other.told).toEqual(usual.told)
    const bytesOf = async ({ published }: { published: OutgoingUpdate[] }): Promise<string[]> => Promise.all(published.map(async ({ payload, ...fields }) =>
      Buffer.from(encodeSigned(await signHeader(key, { federation, ...fields }, payload), payload)).toString('hex')))
    expect(await bytesOf(other)).toEqual(await bytesOf(usual))
  })

  it('changes with the parameters: the comparison sees what is sent', async () => {
    const [fine, coarse] = [await roundsOf(honest, { codec: createCodec('float32') }), await roundsOf(honest, { codec: createCodec('float16') })]
    expect(coarse.told).not.toEqual(fine.told)
  })

  it('is nothing once the budget is spent, but that it is', async () => {
    const { told, published } = await roundsOf(honest, { allowed: 1 })
    expect(published.map(({ round }) => round)).toEqual([1])
    expect(told.filter(([method]) => method !== 'setRound').map(([method]) => method)).toEqual(['publish', 'observe'])
  })
})

describe('what a peer hands on after its budget is spent', () => {
  it('is the last update that it published, byte for byte as it was signed before: asked for later, nothing is made', async () => {
    let stored: Uint8Array | undefined
    const life = async (act: (own: OwnUpdates) => Promise<unknown>): Promise<string[]> => {
      const held: string[] = []
      const own = new OwnUpdates({
        cache: { put: ({ signed, payload }) => { held.push(Buffer.from(encodeSigned(signed, payload)).toString('hex')) } },
        logger: Object.assign(() => {}, { trace: () => {} }) as never,
        privateKey: key,
        store: { putPublished: async (message) => { stored = message.slice() }, getPublished: async () => stored }
      }, { federation, epoch: 0, self, maxPayloadBytes: 100, keep: true })
      await own.load()
      await act(own)
      return held
    }
    const update = { round: 7, sequence: 1234, codec: 'int8', degree: 4, payload: Uint8Array.of(1, 2, 3) }
    const [published] = await life(async (own) => own.sign(update))
    const before = Buffer.from(stored!).toString('hex')
    expect(before).toBe(published)
    expect(await life(async () => {})).toEqual([published])
    expect(Buffer.from(stored!).toString('hex')).toBe(before)
  })
})

describe('the control endpoint', () => {
  const folders: string[] = []
  afterEach(async () => { await Promise.all(folders.splice(0).map(async (folder) => rm(folder, { recursive: true }))) })

  it('which tells losses and epsilons, listens on loopback alone, with a token that only the owner can read', async () => {
    const home = await mkdtemp(join(tmpdir(), 'gv-leaks-'))
    folders.push(home)
    const server = new ControlServer({ home, node: new FakeNode(), dataSettings: {} })
    await server.start()
    try {
      const { address, port } = (server as unknown as { server: Server }).server.address() as AddressInfo
      expect(address).toBe('127.0.0.1')
      expect((await fetch(`http://127.0.0.1:${port}/status`)).status).toBe(401)
      expect((await stat(join(home, 'control.json'))).mode & 0o077).toBe(0)
    } finally {
      server.stop()
    }
  })

  it('is the only server beside libp2p', async () => {
    const listening: string[] = []
    for (const folder of ['src', 'peer']) {
      for (const name of (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'))) {
        /\bcreateServer\(|createSocket\(|WebSocketServer/.test(await readFile(join(folder, name), 'utf8')) && listening.push(`${folder}/${name}`)
      }
    }
    expect(listening.sort()).toEqual(['peer/control/control-server.ts'])
  })
})
