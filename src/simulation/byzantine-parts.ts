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
 * Throws RangeError
 */
export function byzantineParts (spec: string): Pick<NodeParts, 'trainer' | 'network'> {
  const attack = createAttack(spec)
  return {
    trainer: (init) => createWorkerTrainer({ ...init, poison: attack.poison }),
    network: async (init) => {
      const { model, codec } = init.membership.document
      const network = await defaultParts.network(init)
      const { parameterCount } = inspectTopology(model)
      makeByzantine(network, { attack, codec: createCodec(codec.name), parameterCount, random: seededRandom('attack') })
      return network
    }
  }
}
