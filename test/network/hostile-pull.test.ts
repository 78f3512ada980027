import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthorLog } from '../../src/network/signed/author-log.ts'
import { isInUse } from '../../src/network/connections/connection-keeper.ts'
import { UpdateCache } from '../../src/network/updates/update-cache.ts'
import { signFields, signHeader } from '../../src/network/signed/update-header.ts'
import { UpdatePuller } from '../../src/network/updates/update-pull.ts'
import { STATUS_BUSY, STATUS_OK, UpdateServer } from '../../src/network/updates/update-server.ts'
import { UpdateRequest } from '../../src/network/wire/update.ts'
import { systemClock } from '../../src/system-clock.ts'
import { ManualClock } from '../manual-clock.ts'
import { bytes, failure, until } from '../../src/contracts/helpers.ts'
import { FEDERATION, Stage } from './nodes.ts'
import type { PrivateKey, Stream } from '@libp2p/interface'
import type { Clock } from '../../src/interface.ts'
import type { Host } from '../../src/network/host/host.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'

const UPDATES = '/grapevine/update/2.0.0'
const LIMITS = { federation: FEDERATION, epoch: 0, maxPayloadBytes: 1_000_000 }

const stage = new Stage()

afterEach(async () => stage.strike())

async function pair (): Promise<{ asking: Host, asked: Host }> {
  const [asking, asked] = await Promise.all([stage.startedHost(), stage.startedHost()])
  await asking.libp2p.dial(asked.libp2p.getMultiaddrs())
  await until(() => asked.libp2p.getPeers().length === 1)
  return { asking, asked }
}

function pullerOf (host: Host, clock: Clock): UpdatePuller {
  return new UpdatePuller({ host, clock, ranks: { of: () => 'neighbour' }, refuse: () => {} }, LIMITS)
}

async function headers (count: number, payload: Uint8Array): Promise<SignedHeader[]> {
  return Promise.all(Array.from({ length: count }, async () => signHeader(await generateKeyPair('Ed25519'), {
    federation: FEDERATION, round: 1, sequence: 1, codec: 'float32', degree: 1
  }, payload)))
}

describe('pulling from a hostile peer', () => {
  it('that drips does not hold a place for ever', async () => {
    const { asking, asked } = await pair()
    const drips: NodeJS.Timeout[] = []
    await asked.libp2p.handle(UPDATES, (stream: Stream) => {
      // a message of 127 bytes, one at a time
      drips.push(setInterval(() => {
        if (stream.status === 'open') {
          stream.send(Uint8Array.of(0x7f))
        }
      }, 200))
    })
    const clock = new ManualClock()
    try {
      const answer = failure(pullerOf(asking, clock).latest(asked.self, asked.self, 0))
      await until(() => drips.length === 1)
      clock.advance(30_000 + LIMITS.maxPayloadBytes / 20)
      expect(await answer).toContain('took too long')
    } finally {
      drips.forEach(clearInterval)
    }
  }, 10_000)
})

describe('pulling', () => {
  it('does not wait for itself when all places ask for what is announced meanwhile', async () => {
    const { asking, asked } = await pair()
    const payload = bytes(100_000)
    const signed = await headers(12, payload)
    const cache = new UpdateCache({ self: asked.self, maxBytes: 10_000_000 })
    signed.forEach((header) => { cache.put({ signed: header, payload }) })
    await new UpdateServer({ host: asked, cache, log: new AuthorLog(), clock: systemClock, ranks: { of: () => 'neighbour' }, refuse: () => {} }, LIMITS).start()
    const puller = pullerOf(asking, systemClock)
    const questions = signed.map(async ({ author }) => puller.latest(asked.self, author, 0))
    const announced = signed.map(async (header) => puller.payload(header, asked.self))

    const updates = await Promise.all([...questions, ...announced])
    expect(updates.map((update) => update?.payload.byteLength)).toEqual(updates.map(() => payload.byteLength))
  }, 10_000)

  it('does not keep a connection in use with a stream that waits for the next question', async () => {
    const { asking, asked } = await pair()
    const payload = bytes(100_000)
    const [signed] = await headers(1, payload)
    const cache = new UpdateCache({ self: asked.self, maxBytes: 10_000_000 })
    cache.put({ signed: signed!, payload })
    await new UpdateServer({ host: asked, cache, log: new AuthorLog(), clock: systemClock, ranks: { of: () => 'neighbour' }, refuse: () => {} }, LIMITS).start()
    const connections = [asking, asked].map(({ libp2p }) => libp2p.getConnections()[0]!)
    const open = (): boolean[] => connections.map(({ streams }) => streams.some(({ protocol, status }) => protocol === UPDATES && status === 'open'))

    expect(await pullerOf(asking, systemClock).latest(asked.self, signed!.author, 0)).toMatchObject({ payload })

    expect(open()).toEqual([true, true])
    await until(() => !isInUse(connections[1]!))
    expect(isInUse(connections[0]!)).toBe(false)
  }, 10_000)

  it('asks once for an update that only a later version understands, blames nobody, and takes its own numbers of it all the same', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const [asking, asked] = await Promise.all([stage.startedHost({ privateKey }), stage.startedHost()])
    await asking.libp2p.dial(asked.libp2p.getMultiaddrs())
    await until(() => asked.libp2p.getPeers().length === 1)
    const payload = bytes(100_000)
    const later = async (key: PrivateKey): Promise<SignedHeader> => {
      const { header } = await signHeader(key, { federation: FEDERATION, round: 7, sequence: 9, codec: 'float32', degree: 1 }, payload)
      return signFields(key, { ...header, kind: 2 })
    }
    const [author, own] = [await later(await generateKeyPair('Ed25519')), await later(privateKey)]
    const cache = new UpdateCache({ self: asked.self, maxBytes: 10_000_000 })
    cache.put({ signed: author, payload })
    const log = new AuthorLog()
    log.record(own)
    await new UpdateServer({ host: asked, cache, log, clock: systemClock, ranks: { of: () => 'neighbour' }, refuse: () => {} }, LIMITS).start()
    const refused: Array<string | undefined> = []
    const refuse = (_peer: string, reason: string, name?: string): void => { refused.push(`${reason} ${name}`) }
    const puller = new UpdatePuller({ host: asking, clock: systemClock, ranks: { of: () => 'neighbour' }, refuse }, LIMITS)

    expect(await failure(puller.latest(asked.self, author.author, 0))).toMatch(/^PullError: .*\(unsupported\)/)
    expect(refused).toEqual([`unsupported ${author.author}`])
    // "nothing newer": the payload is not sent again
    expect(await puller.latest(asked.self, author.author, 0)).toBeUndefined()
    expect(refused).toHaveLength(1)
    expect((await puller.newestOwn(asked.self, 0))?.header).toMatchObject({ round: 7, sequence: 9, kind: 2 })
  }, 10_000)

  it('forgets the streams of a peer that is gone', async () => {
    const { asking, asked } = await pair()
    await new UpdateServer({ host: asked, cache: new UpdateCache({ self: asked.self, maxBytes: 1 }), log: new AuthorLog(), clock: systemClock, ranks: { of: () => 'neighbour' }, refuse: () => {} }, LIMITS).start()
    const puller = pullerOf(asking, systemClock)
    await puller.latest(asked.self, asked.self, 0)
    expect(puller.idlePeers).toBe(1)
    await asked.stop()
    await until(() => asking.libp2p.getPeers().length === 0)
    expect(puller.idlePeers).toBe(0)
  }, 10_000)

  it('keeps the connection in use while an answer is on its way', async () => {
    const { asking, asked } = await pair()
    await asked.libp2p.handle(UPDATES, () => {})
    const [connection] = asking.libp2p.getConnections()
    const cancel = new AbortController()
    const answer = failure(pullerOf(asking, systemClock).latest(asked.self, asked.self, 0, { signal: cancel.signal }))
    await until(() => isInUse(connection!))
    cancel.abort()
    expect(await answer).toContain('cancelled')
    expect(isInUse(connection!)).toBe(false)
  }, 10_000)
})

describe('serving a hostile peer', () => {
  it('that reads nothing holds some of the places, and those for a bounded time', async () => {
    const { asking, asked } = await pair()
    // more than the largest window of a stream
    const payload = bytes(12_000_000)
    const [signed] = await headers(1, payload)
    const cache = new UpdateCache({ self: asked.self, maxBytes: 20_000_000 })
    cache.put({ signed: signed!, payload })
    const clock = new ManualClock()
    await new UpdateServer({ host: asked, cache, log: new AuthorLog(), clock, ranks: { of: () => 'neighbour' }, refuse: () => {} }, { ...LIMITS, maxPayloadBytes: payload.byteLength }).start()
    const request = UpdateRequest.encode({ federation: FEDERATION, author: signed!.header.author, afterSequence: 0, offset: 0 })
    const [connection] = asking.libp2p.getConnections()
    const answers: number[] = []
    const streams = await Promise.all(Array.from({ length: 16 }, async () => {
      const stream = await connection!.newStream([UPDATES], { maxOutboundStreams: 16 })
      stream.addEventListener('message', ({ data }) => {
        // reads the first bytes and nothing after them; the status follows its tag
        stream.pause()
        const head = data.subarray()
        answers.push(head[head.indexOf(0x08) + 1]!)
      }, { once: true })
      stream.send(Uint8Array.of(request.byteLength, ...request))
      return stream
    }))
    await until(() => answers.length === 16)
    expect(answers.filter((status) => status === STATUS_OK)).toHaveLength(12)
    expect(answers.filter((status) => status === STATUS_BUSY)).toHaveLength(4)

    clock.advance(30_000 + payload.byteLength / 20)
    await until(() => streams.filter(({ status }) => status === 'reset').length === 12)
  }, 10_000)
})
