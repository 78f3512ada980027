/** The network under most tests of rounds keeps what the real one promises */
import { networkContract } from '../../src/contracts/network.ts'
import { MemoryHub } from './memory-network.ts'

const MAX_PAYLOAD_BYTES = 200_000
const MAX_STEP_BYTES = 150_000

networkContract('MemoryHub', {
  create: async (count, replicas = []) => {
    const hub = new MemoryHub({ maxPayloadBytes: MAX_PAYLOAD_BYTES, steps: { steps: 3, maxBytes: MAX_STEP_BYTES } })
    return Array.from({ length: count }, (_, index) => hub.join(`peer-${index}`, replicas[index]))
  },
  destroy: async () => {},
  maxPayloadBytes: MAX_PAYLOAD_BYTES,
  maxStepBytes: MAX_STEP_BYTES
})
