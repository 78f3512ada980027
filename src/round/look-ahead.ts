/**
 * Asks the neighbours for their newest updates, and plans what follows from them
 */
import { pullLatest } from './pull-latest.ts'
import type { ReceivedUpdate, Replicas } from '../interface.ts'
import type { Jump, JumpPlanner, Standing } from './jump.ts'
import type { Keyframes } from './keyframes.ts'
import type { RoundComponents, RoundInit } from './round-interface.ts'

export interface Outlook {
  jump: Jump
  /** Why a jump that was due did not come about */
  warning: string | undefined
  /** Of neighbours, sound as far as they were decoded */
  updates: readonly ReceivedUpdate[]
}

type Components = Pick<RoundComponents, 'network' | 'aggregator' | 'clock'> & { replicas: Replicas, keyframes: Pick<Keyframes, 'fetch'>, jumps: JumpPlanner }
type Init = Pick<RoundInit, 'parameterCount' | 'staleness' | 'deadlineMs'>

/** Undefined when there is nobody to ask. Rejects with the signal's reason */
export async function lookAhead (components: Components, init: Init, { signal, ...own }: Pick<Standing, 'round' | 'parameters'> & { signal: AbortSignal }): Promise<Outlook | undefined> {
  const { network, aggregator, replicas } = components
  const neighbours = network.neighbours().map(({ peer }) => peer)
  const elders = network.elders()
  if (neighbours.length + elders.length === 0) {
    return undefined
  }
  const updates = await pullLatest(components, { deadlineMs: init.deadlineMs, voters: [...neighbours, ...elders], signal })
  const jump = components.jumps.plan(updates, { ...own, neighbours, elders }, { aggregator, replicas, ...init })
  const refused = new Set(jump.refused.map(({ peer }) => peer))
  const { name, minimumNeighbours } = aggregator
  return {
    jump,
    warning: jump.tooFew === undefined
      ? undefined
      : `the neighbours are ahead, but only ${jump.tooFew} of their models can be had, and ${name} needs ${minimumNeighbours}; the own model is kept`,
    updates: updates.filter(({ author }) => neighbours.includes(author) && !refused.has(author))
  }
}
