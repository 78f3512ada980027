/**
 * Twenty ids that hand one peer 9,600 valid records of made-up members, each within what one sender may send at once
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { signRecord } from '../../src/network/members/member-record.ts'
import { controlTopic } from '../../src/network/support/topics.ts'
import { ControlMessage } from '../../src/network/wire/membership.ts'
import { stranger } from './attack.ts'
import type { Attack } from './attack.ts'

const IDS = 20
const RECORDS = 480

async function record (federation: string): Promise<Uint8Array> {
  const key = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(key).toString()
  // nobody can be reached there
  const content = { federation, peer, addresses: ['/ip4/127.0.0.1/tcp/1'], sequence: Date.now(), leaving: false }
  return ControlMessage.encode({ record: await signRecord(key, content) })
}

export const recordFlood: Attack = {
  name: 'record flood',
  start: async ({ federation, addresses }) => {
    const forwarder = addresses.slice(0, 1)
    const hosts = await Promise.all(Array.from({ length: IDS }, async () => stranger(forwarder)))
    const topic = controlTopic(federation)
    const ended = new AbortController()
    const floods = hosts.map(async ({ pubsub }) => {
      for (let i = 0; i < RECORDS && !ended.signal.aborted; i++) {
        await pubsub.publish(topic, await record(federation))
      }
    })
    return async () => {
      ended.abort()
      await Promise.allSettled(floods)
      await Promise.all(hosts.map(async (host) => host.stop()))
    }
  }
}
