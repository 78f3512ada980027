/**
 * A stranger that follows every peer and sends what it heard again and again, each time in other bytes: a field that
 * nobody knows
 */
import { peerOf, parseAddress } from '../../src/network/host/address.ts'
import { authorTopic } from '../../src/network/support/topics.ts'
import { repeat, stranger } from './attack.ts'
import type { Attack } from './attack.ts'

/** Field 15, a varint: decoders pass over it, and the router takes the message for a new one */
function disguised (data: Uint8Array, number: number): Uint8Array {
  return Buffer.concat([data, Uint8Array.of(15 << 3, number & 0x7f | 0x80, number >> 7 & 0x7f | 0x80, number >> 14 & 0x7f)])
}

export const replay: Attack = {
  name: 'replay',
  start: async ({ federation, addresses }) => {
    const host = await stranger(addresses)
    const heard: Array<{ topic: string, data: Uint8Array }> = []
    const topics = addresses.map((address) => authorTopic(federation, peerOf(parseAddress(address))!))
    host.pubsub.addEventListener('message', ({ detail: { topic, data } }) => {
      if (topics.includes(topic) && heard.length < 2_000) {
        heard.push({ topic, data })
      }
    })
    topics.forEach((topic) => { host.pubsub.subscribe(topic) })
    let count = 0
    const stop = repeat(async () => {
      for (const { topic, data } of heard.slice()) {
        await host.pubsub.publish(topic, disguised(data, ++count))
      }
    }, 200)
    return async () => {
      stop()
      await host.stop()
    }
  }
}
