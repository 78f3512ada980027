/** The network under most tests of rounds keeps what the real one promises */
import { networkContract } from '../../src/contracts/network.ts'
import { MemoryHub } from './memory-network.ts'

const MAX_PAYLOAD_BYTES = 200_000

networkContract('MemoryHub', {
  create: async (count, replicas = []) => {
    const hub = new MemoryHub({ maxPayloadBytes: MAX_PAYLOAD_BYTES })
    return Array.from({ length: count }, (_, index) => hub.join(`peer-${index}`, replicas[index]))
  },
  destroy: async () => {},
  maxPayloadBytes: MAX_PAYLOAD_BYTES
})
