/**
 * Messages of steps over real streams: what they are signed as, who gets them, and what a liar gains
 */
import assert from 'node:assert'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { bytes, failure, until } from '../../src/contracts/helpers.ts'
import { AuthorLog } from '../../src/network/signed/author-log.ts'
import { contradict, readProof } from '../../src/network/signed/equivocation.ts'
import { isWellFormed, strangeness } from '../../src/network/signed/header-fields.ts'
import { GossipMeter } from '../../src/network/host/gossip-meter.ts'
import { receiverOf, signMessage } from '../../src/network/signed/step-header.ts'
import { StepLog } from '../../src/network/updates/step-log.ts'
import { EAGER_PAYLOAD_BYTES, StepServer } from '../../src/network/updates/step-server.ts'
import { encodeSigned, signFields } from '../../src/network/signed/update-header.ts'
import { EquivocationProof } from '../../src/network/wire/membership.ts'
import { ManualClock } from '../manual-clock.ts'
import { FEDERATION, MemoryBans, Stage } from './nodes.ts'
import { answer, BUSY, OK, open, REFUSED, say as sayOn, SEND, STEPS } from './step-stream.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { OutgoingMessage, ReceivedMessage } from '../../src/interface.ts'
import type { Host } from '../../src/network/host/host.ts'
import type { StreamBytes } from '../../src/network/support/stream-bytes.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'
import type { TestNetwork } from './nodes.ts'

const LIMITS = { protocol: 'test', steps: 3, maxBytes: 200_000 }
const RULES = { federation: FEDERATION, epoch: 0, limits: LIMITS }

const stage = new Stage()
afterEach(async () => {
  vi.restoreAllMocks()
  await stage.strike()
})

function record (network: TestNetwork): ReceivedMessage[] {
  const messages: ReceivedMessage[] = []
  network.addEventListener('message', ({ detail }) => { messages.push(detail) })
  return messages
}

interface Scene {
  victim: TestNetwork
  messages: ReceivedMessage[]
  /** A bare host, with the key of an author whom the victim follows */
  author: Host
  key: PrivateKey
  sign: (message?: Partial<OutgoingMessage>) => Promise<SignedHeader>
}

async function scene (bans = new MemoryBans()): Promise<Scene> {
  const key = await generateKeyPair('Ed25519')
  const victim = await stage.network({ steps: LIMITS, store: bans })
  const author = await stage.startedHost({ privateKey: key })
  await victim.start()
  victim.neighbourhood.set([author.self])
  await author.libp2p.dial(victim.host.libp2p.getMultiaddrs())
  await until(() => victim.host.libp2p.getPeers().length === 1)
  const sign: Scene['sign'] = async (message = {}) => signMessage(key, { round: 1, step: 1, sequence: 1, payload: bytes(10), to: victim.self, ...message }, RULES)
  return { victim, messages: record(victim), author, key, sign }
}

/** The last answer to one message */
async function say (host: Host, signed: SignedHeader, payload: Uint8Array = bytes(10)): Promise<number> {
  return sayOn(await open(host), signed, payload)
}

describe('the header of a message', () => {
  it('says whom it is for, is alone in its stream, and is no update to anybody', async () => {
    const { sign, victim } = await scene()
    const one = await sign({ sequence: 7 })
    expect(one.header).toMatchObject({ version: 2, step: 1, stream: 7, streamVersion: 1, codec: 'test', degree: 0, payloadBytes: 10 })
    expect(receiverOf(one.header)).toBe(victim.self)
    const all = await sign({ to: [victim.self] })
    expect(all.header.receiver.byteLength).toBe(0)
    for (const { header } of [one, all]) {
      expect(isWellFormed(header)).toBe(true)
      expect(strangeness(header, { epoch: 0 })).toBe('unsupported')
    }
  })
})

describe('a network with steps', () => {
  it('takes messages of the round in hand and of the two after it, and of no other', async () => {
    const [author, receiver] = await stage.mesh(2, { steps: LIMITS })
    const messages = record(receiver!)
    receiver!.setRound(5)
    const to = receiver!.self
    const delivered: number[] = []
    for (const round of [4, 5, 6, 7, 8]) {
      const [taken] = await author!.send({ round, step: 1, sequence: round, payload: bytes(10), to })
      taken === to && delivered.push(round)
    }
    expect(delivered).toEqual([5, 6, 7])
    expect(messages.map(({ round }) => round)).toEqual([5, 6, 7])
    expect(receiver!.rejected).toEqual([4, 8].map(() => ({ peer: author!.self, author: undefined, reason: 'round-window' })))
  })

  it('signs nothing for a round that is over', async () => {
    const [author, receiver] = await stage.mesh(2, { steps: LIMITS })
    const message = { step: 1, payload: bytes(1), to: receiver!.self }
    await author!.send({ ...message, round: 2, sequence: 2 })
    expect(await failure(author!.send({ ...message, round: 1, step: 2, sequence: 3 }))).toMatch(/^PublishError/)
  })

  it('resolves with who has it when the signal aborts', async () => {
    const { victim, author } = await scene()
    await author.libp2p.handle(STEPS, () => { /* never answers */ })
    const abort = new AbortController()
    const sending = victim.send({ round: 1, step: 1, sequence: 1, payload: bytes(1), to: author.self }, { signal: abort.signal })
    await until(() => victim.host.libp2p.getConnections()[0]!.streams.some(({ protocol }) => protocol === STEPS))
    abort.abort()
    expect(await sending).toEqual([])
  })
})

describe('a network without steps', () => {
  it('does not speak the protocol, and sends nothing', async () => {
    const [plain, other] = await stage.mesh(2)
    expect(plain!.host.libp2p.getProtocols()).not.toContain(STEPS)
    expect(await failure(plain!.send({ round: 1, step: 1, sequence: 1, payload: bytes(1), to: other!.self }))).toMatch(/^PublishError/)
  })

  it('is told by nobody that it got something', async () => {
    const [speaking, plain] = await Promise.all([stage.network({ steps: LIMITS }), stage.network()])
    await Promise.all([speaking.start(), plain.start()])
    speaking.neighbourhood.set([plain.self])
    plain.neighbourhood.set([speaking.self])
    await speaking.connect(plain)
    expect(await speaking.send({ round: 1, step: 1, sequence: 1, payload: bytes(1), to: plain.self })).toEqual([])
  })
})

describe('a hostile author of messages', () => {
  it.each<[string, string, (s: Scene) => Promise<SignedHeader>]>([
    ['another federation', 'wrong-federation', async ({ key, victim }) => signMessage(key, { round: 1, step: 1, sequence: 1, payload: bytes(10), to: victim.self }, { ...RULES, federation: 'bafyother' })],
    ['what another peer signed', 'wrong-author', async ({ victim }) => signMessage(await generateKeyPair('Ed25519'), { round: 1, step: 1, sequence: 1, payload: bytes(10), to: victim.self }, RULES)],
    ['what is for somebody else', 'wrong-receiver', async ({ sign, author }) => sign({ to: author.self })],
    ['too many bytes', 'oversized', async ({ sign }) => sign({ payload: bytes(LIMITS.maxBytes + 1) })],
    ['a signature of another message', 'bad-signature', async ({ sign }) => ({ ...await sign(), signature: (await sign({ step: 2 })).signature })],
    ['a round that is over', 'round-window', async ({ sign, victim }) => {
      victim.setRound(2)
      return sign()
    }],
    ['a step that there is not', 'unsupported', async ({ sign }) => sign({ step: 3 })],
    ['another protocol', 'unsupported', async ({ key, victim }) => signMessage(key, { round: 1, step: 1, sequence: 1, payload: bytes(10), to: victim.self }, { ...RULES, limits: { ...LIMITS, protocol: 'other' } })],
    ['another document', 'wrong-epoch', async ({ key, victim }) => signMessage(key, { round: 1, step: 1, sequence: 1, payload: bytes(10), to: victim.self }, { ...RULES, epoch: 1 })],
    ['an update', 'unsupported', async ({ key, sign }) => signFields(key, { ...(await sign()).header, step: 0 })]
  ])('gains nothing with %s: counted, and told', async (_, reason, make) => {
    const s = await scene()
    const charged = vi.spyOn(GossipMeter.prototype, 'chargeReplay')
    const signed = await make(s)
    expect(await say(s.author, signed)).toBe(REFUSED)
    await until(() => s.victim.rejected.length === 1)
    // no message of gossip: the author's updates are read as before
    expect(charged).not.toHaveBeenCalled()
    expect(s.victim.rejected[0]).toMatchObject({ peer: s.author.self, reason })
    expect(s.messages).toEqual([])
  })

  it('gains nothing with garbage', async () => {
    const s = await scene()
    const stream = await open(s.author)
    await stream.writeMessage(bytes(100))
    expect(await answer(stream)).toBe(REFUSED)
    expect(s.victim.rejected).toEqual([{ peer: s.author.self, author: undefined, reason: 'malformed' }])
  })

  it('is not read where it is not followed, and not blamed for that', async () => {
    const s = await scene()
    s.victim.neighbourhood.set([])
    const stream = await open(s.author)
    expect(await failure(stream.readMessage(64))).not.toBe('it did not fail')
    expect(s.victim.rejected).toEqual([{ peer: s.author.self, author: undefined, reason: 'stranger' }])
    expect(s.victim.banned()).toEqual([])
  })

  it.each([100, EAGER_PAYLOAD_BYTES + 1])('is blamed for %i bytes that are not those it signed, and may send the right ones', async (length) => {
    const s = await scene()
    const signed = await s.sign({ payload: bytes(length) })
    expect(await say(s.author, signed, bytes(length, 2))).toBe(REFUSED)
    expect(s.victim.rejected).toEqual([{ peer: s.author.self, author: s.author.self, reason: 'payload-hash' }])
    expect(await say(s.author, signed, bytes(length))).toBe(OK)
    await until(() => s.messages.length === 1)
  })

  it('that says one thing twice is answered twice, and heard once', async () => {
    const s = await scene()
    const signed = await s.sign()
    expect(await say(s.author, signed)).toBe(OK)
    expect(await say(s.author, signed)).toBe(OK)
    expect(s.messages).toHaveLength(1)
    expect(s.victim.rejected).toEqual([])
  })

  it('that breaks off may try again; what is on its way is not taken twice', async () => {
    const s = await scene()
    const payload = bytes(100_000)
    const signed = await s.sign({ payload })
    const broken = await open(s.author)
    await broken.writeMessage(encodeSigned(signed))
    expect(await answer(broken)).toBe(SEND)
    await broken.write(payload.subarray(0, 10_000))
    expect(await say(s.author, signed, payload)).toBe(BUSY)
    broken.stream.abort(new RangeError('gone'))
    const statuses: number[] = []
    for (let status: number = BUSY; status === BUSY;) {
      status = await say(s.author, signed, payload)
      statuses.push(status)
    }
    expect(statuses.at(-1)).toBe(OK)
    expect(s.messages.map(({ payload: { byteLength } }) => byteLength)).toEqual([100_000])
  })

  it('has four payloads under way at a time, and no more', async () => {
    const s = await scene()
    const payload = bytes(100_000)
    const streams: StreamBytes[] = []
    for (const [round, step] of [[1, 1], [1, 2], [2, 1], [2, 2]]) {
      const stream = await open(s.author)
      await stream.writeMessage(encodeSigned(await s.sign({ round: round!, step: step!, sequence: 10 * round! + step!, payload })))
      expect(await answer(stream)).toBe(SEND)
      streams.push(stream)
    }
    const next = await s.sign({ round: 3, step: 1, sequence: 31 })
    expect(await say(s.author, next)).toBe(BUSY)
    await streams[0]!.write(payload)
    expect(await answer(streams[0]!)).toBe(OK)
    expect(await say(s.author, next)).toBe(OK)
  })

  it('that tells one receiver two things in one step is convicted by a proof that anyone can check', async () => {
    const bans = new MemoryBans()
    const s = await scene(bans)
    expect(await say(s.author, await s.sign())).toBe(OK)
    // the same bytes for all and for one peer are two places, and no lie
    expect(await say(s.author, await s.sign({ to: [s.victim.self], sequence: 2 }))).toBe(OK)
    expect(await say(s.author, await s.sign({ sequence: 3, payload: bytes(10, 2) }), bytes(10, 2)).catch(() => REFUSED)).toBe(REFUSED)
    await until(() => s.victim.banned().length === 1)
    expect(s.victim.rejected).toEqual([{ peer: s.author.self, author: s.author.self, reason: 'equivocation' }])
    expect(s.victim.neighbourhood.told).toHaveLength(1)
    const [ban] = bans.list
    assert(ban?.evidence !== undefined)
    const read = readProof(EquivocationProof.decode(Buffer.from(ban.evidence, 'hex')), FEDERATION)
    assert(typeof read === 'object')
    expect(read.proof.author).toBe(s.author.self)
    expect(read.verify()).toBe(true)
  })

  it('is proved guilty of nothing by what it said in two steps, or to two receivers', async () => {
    const s = await scene()
    for (const step of [1, 2]) {
      expect(await say(s.author, await s.sign({ step, sequence: 10 + step, payload: bytes(10, step) }), bytes(10, step))).toBe(OK)
    }
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    const [one, two] = [await s.sign(), await s.sign({ to: other, sequence: 2, payload: bytes(10, 2) })]
    expect(contradict(one, two)).toBe(false)
    expect(s.messages.map(({ step }) => step)).toEqual([1, 2])
    expect(s.victim.rejected).toEqual([])
  })

  it('is answered busy beyond thirty-two of the largest payloads, and reset beyond four hundred messages: nobody is blamed', async () => {
    // time stands still: nothing comes back
    const clock = new ManualClock()
    const limits = { ...LIMITS, steps: 16, maxBytes: 1_048_576 }
    const key = await generateKeyPair('Ed25519')
    const refused: string[] = []
    let heard = 0
    const [victim, author] = [await stage.startedHost(), await stage.startedHost({ privateKey: key })]
    await new StepServer({
      host: victim, clock, log: new AuthorLog(), ranks: { of: () => 'neighbour' }, refuse: (_, reason) => { refused.push(reason) }, deliver: () => { heard++ }
    }, { ...RULES, limits }).start()
    await author.libp2p.dial(victim.libp2p.getMultiaddrs())
    const payload = bytes(limits.maxBytes)
    const statuses: number[] = []
    for (let number = 0; number < 33; number++) {
      const [round, step] = [1 + Math.floor(number / 15), 1 + number % 15]
      const signed = await signMessage(key, { round, step, sequence: 100 + number, payload, to: victim.self }, { ...RULES, limits })
      statuses.push(await sayOn(await open(author), signed, payload))
    }
    expect(statuses).toEqual([...Array<number>(32).fill(OK), BUSY])
    const again = await signMessage(key, { round: 1, step: 1, sequence: 100, payload, to: victim.self }, { ...RULES, limits })
    const answers: Array<number | string> = []
    for (let number = 33; number < 402; number++) {
      answers.push(await open(author).then(async (stream) => sayOn(stream, again, Uint8Array.of(1))).catch(() => 'reset'))
    }
    expect(answers.slice(0, 367).every((status) => status === OK)).toBe(true)
    expect(answers.slice(367)).toEqual(['reset', 'reset'])
    expect(heard).toBe(32)
    expect(refused).toEqual([])
  }, 30_000)
})

describe('the log of messages', () => {
  it('knows what is taken and what moves, and forgets the rounds before the one in hand', async () => {
    const key = await generateKeyPair('Ed25519')
    const sign = async (round: number, payload: Uint8Array): Promise<SignedHeader> => signMessage(key, { round, step: 1, sequence: 10 * round + payload[0]!, payload, to: ['x'] }, RULES)
    const [one, lie, next] = [await sign(1, Uint8Array.of(1)), await sign(1, Uint8Array.of(2)), await sign(2, Uint8Array.of(1))]
    const log = new StepLog()
    expect([log.judge(one), log.judge(one), log.judge(next)]).toEqual(['new', 'new', 'new'])
    log.note(one, 'moving')
    expect(log.judge(one)).toBe('moving')
    log.note(one, 'taken')
    expect(log.judge(one)).toBe('taken')
    expect(log.judge(lie)).toEqual({ contradicts: one })
    log.note(next, 'taken')
    log.setRound(2)
    expect(log.judge(lie)).toBe('new')
    // of the round in hand: what came early is not taken twice, and a second one still convicts
    expect(log.judge(next)).toBe('taken')
    expect(log.judge(await sign(2, Uint8Array.of(2)))).toEqual({ contradicts: next })
  })
})
