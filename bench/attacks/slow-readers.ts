/** Six ids that ask every peer for its newest update on twelve streams each, and read the first bytes only */
import { peerIdFromString } from '@libp2p/peer-id'
import { UPDATE_PROTOCOL } from '../../src/network/support/topics.ts'
import { UpdateRequest } from '../../src/network/wire/update.ts'
import { repeat, stranger } from './attack.ts'
import type { Connection } from '@libp2p/interface'
import type { Attack } from './attack.ts'

const IDS = 6
const STREAMS = 12

async function hold (connection: Connection, federation: string): Promise<void> {
  const author = new Uint8Array(peerIdFromString(connection.remotePeer.toString()).toMultihash().bytes)
  const request = UpdateRequest.encode({ federation, author, afterSequence: 0, offset: 0 })
  for (let i = connection.streams.filter(({ protocol }) => protocol === UPDATE_PROTOCOL).length; i < STREAMS; i++) {
    const stream = await connection.newStream([UPDATE_PROTOCOL], { maxOutboundStreams: STREAMS, signal: AbortSignal.timeout(5_000) })
    stream.addEventListener('message', () => { stream.pause() }, { once: true })
    stream.send(Uint8Array.of(request.byteLength, ...request))
  }
}

export const slowReaders: Attack = {
  name: 'slow readers',
  start: async ({ federation, addresses }) => {
    const hosts = await Promise.all(Array.from({ length: IDS }, async () => stranger(addresses)))
    const stops = hosts.map((host) => repeat(async () => {
      await Promise.allSettled(host.libp2p.getConnections().map(async (connection) => hold(connection, federation)))
    }, 1_000))
    return async () => {
      stops.forEach((stop) => { stop() })
      await Promise.all(hosts.map(async (host) => host.stop()))
    }
  }
}
