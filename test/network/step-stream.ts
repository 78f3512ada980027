/**
 * Messages of steps by hand: whatever a liar may put on a stream
 */
import { EAGER_PAYLOAD_BYTES } from '../../src/network/updates/step-server.ts'
import { StreamBytes } from '../../src/network/support/stream-bytes.ts'
import { encodeSigned } from '../../src/network/signed/update-header.ts'
import { StepAnswer } from '../../src/network/wire/update.ts'
import type { Host } from '../../src/network/host/host.ts'
import type { SignedHeader } from '../../src/network/signed/update-header.ts'

export const STEPS = '/grapevine/step/2.0.0'
export const [OK, SEND, BUSY, REFUSED] = [1, 2, 4, 5] as const

/** To the peer of this id, or to the only one that is connected */
export async function open (host: Host, peer?: string): Promise<StreamBytes> {
  const connection = host.libp2p.getConnections().find(({ remotePeer }) => peer === undefined || remotePeer.toString() === peer)
  return new StreamBytes(await connection!.newStream([STEPS]))
}

export async function answer (stream: StreamBytes): Promise<number> {
  return StepAnswer.decode(await stream.readMessage(64)).status
}

/** The last answer to one message on a stream of its own */
export async function say (stream: StreamBytes, signed: Pick<SignedHeader, 'bytes' | 'signature'>, payload: Uint8Array): Promise<number> {
  await stream.writeMessage(encodeSigned(signed as SignedHeader))
  if (payload.byteLength > EAGER_PAYLOAD_BYTES) {
    const status = await answer(stream)
    if (status !== SEND) {
      return status
    }
  }
  await stream.write(payload)
  const status = await answer(stream)
  await stream.stream.close()
  return status
}
