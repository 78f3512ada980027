import { afterEach, describe, expect, it } from 'vitest'
import { bytes, until } from '../../src/contracts/helpers.ts'
import { StreamBytes } from '../../src/network/stream-bytes.ts'
import { UpdateRequest, UpdateResponse } from '../../src/network/wire/update.ts'
import { DELTA, KEYFRAME } from '../../src/update-kind.ts'
import { Stage } from './nodes.ts'
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
