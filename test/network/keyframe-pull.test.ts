import { peerIdFromString } from '@libp2p/peer-id'
import { afterEach, describe, expect, it } from 'vitest'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { KeyframeEncodings } from '../../src/network/updates/keyframe-encodings.ts'
import { StreamBytes } from '../../src/network/support/stream-bytes.ts'
import { UpdateRequest, UpdateResponse } from '../../src/network/wire/update.ts'
import { DELTA, KEYFRAME } from '../../src/update-kind.ts'
import { FEDERATION, Stage } from './nodes.ts'
import type { Stream } from '@libp2p/interface'
import type { KeyframeSource, ReceivedUpdate } from '../../src/interface.ts'
import type { TestNetwork } from './nodes.ts'

const UPDATES = '/grapevine/update/2.0.0'
const MAX_KEYFRAME_BYTES = 100_000
const replicaHash = bytes(32, 1)

const stage = new Stage()
afterEach(async () => stage.strike())

const source = (held?: Uint8Array): KeyframeSource => ({
  kinds: new Set([KEYFRAME, DELTA]),
  maxKeyframeBytes: MAX_KEYFRAME_BYTES,
  keyframe: (hash) => held !== undefined && Buffer.from(hash).equals(replicaHash) ? { byteLength: held.byteLength, encode: () => held } : undefined
})

/** The one that asks, and the author, which answers in its own way */
async function against (answer: (request: UpdateRequest, bytes: StreamBytes) => Promise<void>): Promise<{ asker: TestNetwork, update: ReceivedUpdate, requests: UpdateRequest[] }> {
  const [asker, author] = [await stage.network({ replicas: source() }), await stage.startedHost()]
  await asker.start()
  const requests: UpdateRequest[] = []
  await author.libp2p.handle(UPDATES, async (stream: Stream) => {
    const bytes = new StreamBytes(stream)
    for (;;) {
      const request = UpdateRequest.decode(await bytes.readMessage(512))
      requests.push(request)
      await answer(request, bytes)
    }
  })
  await asker.connect({ host: author })
  const update: ReceivedUpdate = { author: author.self, from: author.self, updateId: 'u', round: 2, sequence: 2, codec: 'float32', degree: 1, kind: DELTA, replicaHash, payload: bytes(10), receivedAtMs: 0 }
  return { asker, update, requests }
}

describe('the keyframe of a replica', () => {
  it('is asked for by its hash, in a form that whoever knows no keyframes takes for a payload that it lacks', async () => {
    const old = await stage.network()
    const asker = await stage.network({ replicas: source() })
    await Promise.all([old.start(), asker.start()])
    await asker.connect(old)
    await old.publishRound(1, bytes(10))
    const update: ReceivedUpdate = { author: old.self, from: old.self, updateId: 'u', round: 2, sequence: 2, codec: 'float32', degree: 1, kind: DELTA, replicaHash, payload: bytes(10), receivedAtMs: 0 }
    expect(await asker.pullKeyframe(update, () => true)).toBe(false)
    expect(asker.rejected).toEqual([])
    expect(old.rejected).toEqual([])
    const { asker: other, update: wanted, requests } = await against(async (_, bytes) => bytes.writeMessage(UpdateResponse.encode({ status: 2, remainingBytes: 0 })))
    expect(await other.pullKeyframe(wanted, () => true)).toBe(false)
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({ keyframe: true, offset: 0 })
    expect(Buffer.from(requests[0]!.payloadHash!).equals(replicaHash)).toBe(true)
  })

  it('is given by whoever holds it, also to a peer that follows nobody', async () => {
    const held = bytes(MAX_KEYFRAME_BYTES, 4)
    const [author, asker] = [await stage.network({ replicas: source(held) }), await stage.network({ replicas: source() })]
    await Promise.all([author.start(), asker.start()])
    await asker.connect(author)
    const update: ReceivedUpdate = { author: author.self, from: author.self, updateId: 'u', round: 2, sequence: 2, codec: 'float32', degree: 1, kind: DELTA, replicaHash, payload: bytes(10), receivedAtMs: 0 }
    expect(await asker.pullKeyframe(update, (keyframe) => Buffer.from(keyframe).equals(held))).toBe(true)
  })

  it('that is said to be larger than any is not read, and nobody is blamed for what did not come', async () => {
    const { asker, update, requests } = await against(async (_, bytes) => {
      await bytes.writeMessage(UpdateResponse.encode({ status: 1, remainingBytes: MAX_KEYFRAME_BYTES + 1 }))
    })
    const offered: Uint8Array[] = []
    expect(await asker.pullKeyframe(update, (keyframe) => offered.push(keyframe) < 0)).toBe(false)
    expect(offered).toEqual([])
    expect(requests).toHaveLength(1)
    expect(asker.rejected).toEqual([])
  })

  it('is asked for again where its holder is busy', async () => {
    let turn = 0
    const { asker, update } = await against(async (_, stream) => {
      const isBusy = turn++ < 2
      await stream.writeMessage(UpdateResponse.encode(isBusy ? { status: 4, remainingBytes: 0 } : { status: 1, remainingBytes: 50 }))
      isBusy || await stream.write(bytes(50, 3))
    })
    expect(await asker.pullKeyframe(update, (keyframe) => keyframe.byteLength === 50)).toBe(true)
    expect(turn).toBe(3)
  })

  it('ends with its signal, however slowly it comes', async () => {
    const { asker, update, requests } = await against(async (_, stream) => {
      await stream.writeMessage(UpdateResponse.encode({ status: 1, remainingBytes: 50 }))
    })
    const abort = new AbortController()
    const pulled = asker.pullKeyframe(update, () => true, { signal: abort.signal })
    await until(() => requests.length === 1)
    abort.abort()
    await expect(pulled).rejects.toThrow()
  })

  it('is not asked for where every update is one', async () => {
    const network = await stage.network()
    await network.start()
    expect(await network.pullKeyframe({ author: 'nobody', from: 'nobody', updateId: 'u', round: 1, sequence: 1, codec: 'float32', degree: 1, payload: bytes(1), receivedAtMs: 0, replicaHash }, () => true)).toBe(false)
  })
})

describe('whoever holds a keyframe', () => {
  const LARGE = 4_000_000
  const otherHash = bytes(32, 2)

  /** A peer with two keyframes, how often it encoded one, and a stranger's streams to it */
  async function holder (): Promise<{ encoded: () => number, open: () => Promise<Stream>, request: (fields?: { offset?: number, hash?: Uint8Array }) => Uint8Array }> {
    let encoded = 0
    const keyframe: KeyframeSource['keyframe'] = (hash) => [replicaHash, otherHash].some((held) => Buffer.from(hash).equals(held))
      ? { byteLength: LARGE, encode: () => { encoded++; return bytes(LARGE) } }
      : undefined
    const [held, stranger] = [await stage.network({ replicas: { ...source(), maxKeyframeBytes: LARGE, keyframe } }), await stage.startedHost()]
    await held.start()
    const connection = await stranger.libp2p.dial(held.host.libp2p.getMultiaddrs())
    return {
      encoded: () => encoded,
      open: async () => connection.newStream([UPDATES], { maxOutboundStreams: 16 }),
      request: ({ offset = 0, hash = replicaHash } = {}) => UpdateRequest.encode({ federation: FEDERATION, author: Uint8Array.from(peerIdFromString(held.self).toMultihash().bytes), afterSequence: 0, offset, payloadHash: Uint8Array.from(hash), keyframe: true })
    }
  }

  async function ask (stream: Stream, request: Uint8Array): Promise<number> {
    const asker = new StreamBytes(stream)
    await asker.writeMessage(request)
    const { status, remainingBytes } = UpdateResponse.decode(await asker.readMessage(1_024))
    await asker.readInto(new Uint8Array(remainingBytes))
    return status
  }

  it('encodes nothing for who asks for a part of it', async () => {
    const { encoded, open, request } = await holder()
    expect(await ask(await open(), request({ offset: LARGE - 1 }))).toBe(2)
    expect(encoded()).toBe(0)
    expect(await ask(await open(), request())).toBe(1)
    expect(encoded()).toBe(1)
  })

  it('encodes it once for all that it is being sent to, and for a stranger none beside', async () => {
    const { encoded, open, request } = await holder()
    const slow = await open()
    slow.pause()
    await new StreamBytes(slow).writeMessage(request())
    await until(() => encoded() === 1)
    expect(await ask(await open(), request())).toBe(1)
    expect(encoded()).toBe(1)
    expect(await ask(await open(), request({ hash: otherHash }))).toBe(4)
    expect(encoded()).toBe(1)
    slow.abort(new RangeError('enough'))
    let status = 4
    while (status === 4) {
      status = await ask(await open(), request({ hash: otherHash }))
    }
    expect(status).toBe(1)
    expect(encoded()).toBe(2)
  })

  it('keeps room for its neighbours, and for members before strangers', () => {
    const encodings = new KeyframeEncodings()
    let made = 0
    const hold = (seed: number, rank: 'neighbour' | 'member' | 'stranger'): ReturnType<KeyframeEncodings['hold']> => encodings.hold(bytes(32, seed), { byteLength: 1, encode: () => bytes(1, made++) }, rank)
    const first = hold(1, 'stranger')
    expect(hold(2, 'stranger')).toBeUndefined()
    expect([hold(2, 'member'), hold(3, 'member'), hold(4, 'member')].map((held) => held !== undefined)).toEqual([true, true, false])
    expect([hold(4, 'neighbour'), hold(5, 'neighbour')].map((held) => held !== undefined)).toEqual([true, false])
    const shared = hold(1, 'stranger')
    expect(shared!.bytes()).toBe(first!.bytes())
    expect(made).toBe(1)
    first!.release()
    expect(hold(5, 'neighbour')).toBeUndefined()
    shared!.release()
    expect(hold(5, 'neighbour')).toBeDefined()
  })
})
