import { generateKeyPair } from '@libp2p/crypto/keys'
import { createNetwork } from '../../src/network/network.ts'
import { systemClock } from '../../src/system-clock.ts'
import { networkContract } from '../../src/contracts/network.ts'
import { until } from '../../src/contracts/helpers.ts'
import { FEDERATION, MemoryBans } from './nodes.ts'
import type { KeyframeSource, Network } from '../../src/interface.ts'

const MAX_PAYLOAD_BYTES = 500_000
const MAX_STEP_BYTES = 300_000
const made: Network[] = []

/** Starts the first one, so that the others can be told its address */
async function create (count: number, replicas: readonly KeyframeSource[] = []): Promise<Network[]> {
  const make = async (bootstrap: string[], index: number): Promise<Network> => {
    const network = await createNetwork({
      privateKey: await generateKeyPair('Ed25519'),
      federationId: FEDERATION,
      federationBytes: new Uint8Array(1),
      document: { topology: { degree: 3 } },
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      steps: { protocol: 'contract', steps: 3, maxBytes: MAX_STEP_BYTES },
      replicas: replicas[index],
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      bootstrap,
      store: new MemoryBans(),
      clock: systemClock
    })
    made.push(network)
    return network
  }
  const first = await make([], 0)
  await first.start()
  await until(() => first.addresses().length > 0)
  const others = await Promise.all(Array.from({ length: count - 1 }, async (_, index) => make(first.addresses(), index + 1)))
  return [first, ...others]
}

networkContract('createNetwork', {
  create,
  maxPayloadBytes: MAX_PAYLOAD_BYTES,
  maxStepBytes: MAX_STEP_BYTES,
  destroy: async () => { await Promise.all(made.splice(0).map(async (network) => network.stop({ signal: AbortSignal.abort() }))) }
})
