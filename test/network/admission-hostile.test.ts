/**
 * What strangers can cost a member of an invited federation: little, and no other member its place
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, it } from 'vitest'
import { Gate } from '../../src/network/admission/gate.ts'
import { AdmissionStream, MAX_CREDENTIAL_BYTES } from '../../src/network/admission/frames.ts'
import { WaitingStreams } from '../../src/network/admission/waiting-streams.ts'
import { ADMISSION_PROTOCOL, UPDATE_PROTOCOL } from '../../src/network/support/topics.ts'
import { endRecord, FakeGatekeeper, memberRecord } from './gatekeeper.ts'
import { until as within } from './mesh.ts'
import { FEDERATION, Stage } from './nodes.ts'
import type { Stream } from '@libp2p/interface'
import type { Host } from '../../src/network/host/host.ts'
import type { AdmissionMessage } from '../../src/network/wire/admission.ts'
import type { TestNetwork } from './nodes.ts'

const stage = new Stage()
afterEach(async () => stage.strike())

const until = async (condition: () => boolean, limitMs = 10_000): Promise<unknown> => within(condition, limitMs, condition.toString())

async function member (known: string[] = []): Promise<{ network: TestNetwork, gatekeeper: FakeGatekeeper }> {
  const privateKey = await generateKeyPair('Ed25519')
  const self = peerIdFromPrivateKey(privateKey).toString()
  const gatekeeper = new FakeGatekeeper(self, [self, ...known], FEDERATION)
  const network = await stage.network({ privateKey, gatekeeper })
  await network.start()
  return { network, gatekeeper }
}

async function admissionStream (from: Host, to: TestNetwork): Promise<Stream> {
  const connection = await from.libp2p.dial(to.host.libp2p.getMultiaddrs())
  return connection.newStream(ADMISSION_PROTOCOL)
}

const HELLO = { federation: FEDERATION, nonce: new Uint8Array(32), records: [], brief: true }

async function answerTo (raw: Stream, message: AdmissionMessage): Promise<AdmissionMessage> {
  const stream = new AdmissionStream(raw)
  await stream.write(message)
  return stream.readReply().finally(() => { stream.cancel(new Error('done')) })
}

describe('strangers', () => {
  it('more of them than there are places, silent on every stream, hold up no member', async () => {
    const [a, b] = [await member(), await member()]
    const strangers = await Promise.all(Array.from({ length: 20 }, async () => stage.startedHost()))
    const streams = await Promise.all(strangers.flatMap((stranger) => Array.from({ length: 4 }, async () => admissionStream(stranger, a.network))))
    expect(streams.length).toBe(80)
    const started = performance.now()
    await b.network.connect(a.network)
    await until(() => a.gatekeeper.standing(b.network.self) === 'member' && b.gatekeeper.standing(a.network.self) === 'member')
    expect(performance.now() - started).toBeLessThan(5_000)
  }, 60_000)

  it('that say nothing, or half of something, are reset after five seconds, and cut off after ten', async () => {
    const a = await member()
    const stranger = await stage.startedHost()
    const [silent, half] = [await admissionStream(stranger, a.network), await admissionStream(stranger, a.network)]
    half.send(Uint8Array.of(200, 1, 10))
    await until(() => silent.status !== 'open' && half.status !== 'open', 11_000)
    await until(() => stranger.libp2p.getConnections().length === 0, 12_000)
    expect(a.gatekeeper.hellos).toEqual([])
  }, 40_000)

  it('that ask too often are too much for no signature: told so, or not answered', async () => {
    const a = await member()
    const stranger = await stage.startedHost()
    const reasons: string[] = []
    for (let attempt = 0; attempt < 20; attempt++) {
      const raw = await admissionStream(stranger, a.network)
      // an empty id is no final answer: the connection stays
      const { answer } = await answerTo(raw, { hello: { ...HELLO, federation: '' } })
      reasons.push(answer!.reason)
    }
    expect(reasons.filter((reason) => reason === 'not-a-member').length).toBeLessThan(12)
    expect(reasons.at(-1)).toBe('busy')
    expect(a.gatekeeper.hellos.length).toBe(reasons.filter((reason) => reason !== 'busy').length)
  })

  it.each([
    ['of another federation', { hello: { ...HELLO, federation: 'bafyother' } }, 'wrong-federation'],
    ['with a nonce that is none', { hello: { ...HELLO, nonce: new Uint8Array(31) } }, 'malformed'],
    ['with half an invitation', { hello: { ...HELLO, invitation: new Uint8Array(8) } }, 'malformed'],
    ['with an empty record', { hello: { ...HELLO, records: [new Uint8Array(0)] } }, 'malformed'],
    ['with more than a hello may carry', { hello: { ...HELLO, records: [1, 2, 3].map(() => new Uint8Array(MAX_CREDENTIAL_BYTES / 2 - 100)) } }, undefined],
    ['that are two at once', { hello: HELLO, proof: new Uint8Array(32) }, 'malformed']
  ] as Array<[string, AdmissionMessage, string | undefined]>)('%s are refused before anybody looks at their records', async (_name, message, reason) => {
    const a = await member()
    const raw = await admissionStream(await stage.startedHost(), a.network)
    const answer = await answerTo(raw, message).then(({ answer: given }) => given?.reason, () => undefined)
    expect(answer).toBe(reason)
    expect(a.gatekeeper.hellos).toEqual([])
  })

  it('that present somebody else\'s records are no members: Noise says who they are', async () => {
    const [a, b] = [await member(), await member()]
    const raw = await admissionStream(await stage.startedHost(), a.network)
    const { answer } = await answerTo(raw, { hello: { ...HELLO, records: [Uint8Array.from(memberRecord(b.network.self))] } })
    expect({ status: answer?.status, reason: answer?.reason }).toEqual({ status: 3, reason: 'not-a-member' })
  })
})

describe('what waits at the gate', () => {
  it('is bounded for each peer, and in all, and not for long', async () => {
    const waiting = new WaitingStreams({ waitMs: 50 })
    const of = (peer: string, count: number): Array<Promise<boolean>> => Array.from({ length: count }, async () => waiting.wait(peer))
    const first = of('a', 20)
    expect(waiting.size).toBe(16)
    const others = Array.from({ length: 20 }, (_, index) => of(`peer ${index}`, 16)).flat()
    expect(waiting.size).toBe(256)
    waiting.decide('a', true)
    expect((await Promise.all(first)).filter(Boolean)).toHaveLength(16)
    expect((await Promise.all(others)).filter(Boolean)).toHaveLength(0)
    expect(waiting.size).toBe(0)
  })

  it('of a peer that shows in time that it is a member goes on where it stood', async () => {
    const a = await member()
    const late = await stage.startedHost()
    const connection = await late.libp2p.dial(a.network.host.libp2p.getMultiaddrs())
    const stream = await connection.newStream(UPDATE_PROTOCOL)
    a.gatekeeper.make(memberRecord(late.self))
    // the server waits for a question: a stream of a stranger would be gone
    await until(() => a.network.host.gate!.isOpen(late.self))
    await late.libp2p.services.ping.ping(a.network.host.libp2p.peerId)
    expect(stream.status).toBe('open')
    a.gatekeeper.make(endRecord(late.self, 'expired'))
    await until(() => stream.status !== 'open' && late.libp2p.getConnections().length === 0, 5_000)
  })

  it('lets nobody in whose standing ended before the wait was over', async () => {
    const gatekeeper = new FakeGatekeeper('self')
    const gate = new Gate(gatekeeper, { waitMs: 30 })
    gatekeeper.make(memberRecord('peer'))
    expect(await gate.opens('peer')).toBe(true)
    gatekeeper.make(endRecord('peer', 'revoked'))
    expect(await gate.opens('peer')).toBe(false)
    expect([gate.holdsBack('peer'), gate.holdsBack('another')]).toEqual([true, false])
    gate.stop()
  })
})
