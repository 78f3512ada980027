/**
 * The parts of a node that lies to its neighbours: for testnets and benchmarks
 */
import { createAttack } from '../attacks/attacks.ts'
import { createCodec } from '../codec/codec.ts'
import { inspectTopology } from '../model/topology.ts'
import { createWorkerTrainer } from '../model/worker-trainer.ts'
import { defaultParts } from '../node/default-parts.ts'
import { seededRandom } from '../seeded-random.ts'
import { makeByzantine } from './lying-network.ts'
import type { NodeParts } from '../node/node-parts.ts'

/**
 * @param spec - What it does, e.g. `sign-flip` or `sign-flip:2`: see `createAttack`
 *
 * Throws RangeError; so does the start of a node whose updates stand on earlier ones, of which there are no lies yet
 */
export function byzantineParts (spec: string): Pick<NodeParts, 'trainer' | 'network'> {
  const attack = createAttack(spec)
  return {
    trainer: (init) => createWorkerTrainer({ ...init, poison: attack.poison }),
    network: async (init) => {
      const { document } = init.membership
      if (init.replicas.maxKeyframeBytes > 0) {
        throw new RangeError(`attack ${spec}: there are no lies about updates that stand on earlier ones`)
      }
      const network = await defaultParts.network(init)
      const elements = inspectTopology(document.model).parameterCount * init.vectors
      makeByzantine(network, { attack, codec: createCodec(document.codec.name), elements, random: seededRandom('attack') })
      return network
    }
  }
}
