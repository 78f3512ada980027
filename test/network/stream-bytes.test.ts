import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { SEND_CHUNK_BYTES, StreamBytes } from '../../src/network/support/stream-bytes.ts'
import { failure, until } from '../../src/contracts/helpers.ts'
import { Stage } from './nodes.ts'
import type { Stream } from '@libp2p/interface'

const stage = new Stage()

afterEach(async () => stage.strike())

/** Both ends of a stream; the receiver has read nothing yet */
async function streamPair (): Promise<{ sender: Stream, receiver: Stream }> {
  const [asking, asked] = await Promise.all([stage.startedHost(), stage.startedHost()])
  const receiver = new Promise<Stream>((resolve) => { void asked.libp2p.handle('/test', resolve) })
  const connection = await asking.libp2p.dial(asked.libp2p.getMultiaddrs())
  const sender = await connection.newStream('/test')
  return { sender, receiver: await receiver }
}

describe('writing to a stream', () => {
  it('waits whenever the reader does, not only the first time', async () => {
    const { sender, receiver } = await streamPair()
    let received = 0
    receiver.addEventListener('message', ({ data }) => {
      received += data.byteLength
      // after several windows, each of which let the writer go on
      if (received > 2_000_000 && receiver.readStatus === 'readable') {
        receiver.pause()
      }
    })
    const written = failure(new StreamBytes(sender).write(new Uint8Array(20_000_000)))
    await until(() => receiver.readStatus === 'paused')
    for (let turn = 0; turn < 200; turn++) {
      await nextTurn()
    }
    expect((sender as unknown as { writeBufferLength: number }).writeBufferLength).toBeLessThanOrEqual(2 * SEND_CHUNK_BYTES)

    sender.abort(new RangeError('enough'))
    expect(await written).not.toBe('it did not fail')
  })
})

describe('reading from a stream', () => {
  it('fails at once when the stream was over before anybody looked', async () => {
    const { sender, receiver } = await streamPair()
    receiver.abort(new RangeError('no'))
    await until(() => sender.status === 'reset')
    expect(await failure(new StreamBytes(sender).readMessage(100))).toMatch(/^PullError: the peer ended the stream \(reset\)/)
  }, 5_000)

  it('still gives what came before the end', async () => {
    const { sender, receiver } = await streamPair()
    await new StreamBytes(receiver).writeMessage(Uint8Array.of(1, 2, 3))
    await receiver.close()
    await until(() => sender.remoteWriteStatus === 'closed')
    const late = new StreamBytes(sender)
    expect([...await late.readMessage(100)]).toEqual([1, 2, 3])
    expect(await failure(late.readMessage(100))).toMatch(/^PullError/)
  }, 5_000)
})
