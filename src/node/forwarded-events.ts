/**
 * What a node passes on, under the same names, of what its network and its rounds tell
 */
import type { Network } from '../interface.ts'
import type { RoundEngine } from '../round/round-engine.ts'
import type { NodeEvents } from './node-interface.ts'

export type Emit = <K extends keyof NodeEvents>(type: K, detail: NodeEvents[K]['detail']) => void

export function forwardNetworkEvents (network: Pick<Network, 'addEventListener'>, emit: Emit): void {
  network.addEventListener('peer:connect', ({ detail }) => { emit('peer:connect', detail) })
  network.addEventListener('peer:disconnect', ({ detail }) => { emit('peer:disconnect', detail) })
  network.addEventListener('neighbours:change', ({ detail }) => { emit('neighbours:change', detail) })
  network.addEventListener('warning', ({ detail }) => { emit('warning', detail) })
  network.addEventListener('update:rejected', ({ detail }) => { emit('update:rejected', detail) })
}

export function forwardRoundEvents (engine: Pick<RoundEngine, 'addEventListener'>, emit: Emit): void {
  engine.addEventListener('round:start', ({ detail }) => { emit('round:start', detail) })
  engine.addEventListener('round:phase', ({ detail }) => { emit('round:phase', detail) })
  engine.addEventListener('round:end', ({ detail }) => { emit('round:end', detail) })
  engine.addEventListener('privacy:exhausted', ({ detail }) => { emit('privacy:exhausted', detail) })
  engine.addEventListener('round:jump', ({ detail }) => { emit('round:jump', detail) })
  engine.addEventListener('round:waiting', ({ detail }) => { emit('round:waiting', detail) })
  engine.addEventListener('round:mixed', ({ detail }) => { emit('round:mixed', detail) })
  engine.addEventListener('version:commit', ({ detail }) => { emit('version:commit', detail) })
  engine.addEventListener('warning', ({ detail }) => { emit('warning', detail) })
}
