/**
 * Local steps, then averaging with the neighbours: decentralised SGD (Lian et al. 2017), whatever the rule
 */
import type { Algorithm, LocalResult } from './algorithm.ts'

export const GOSSIP_AVERAGING = 'gossip-averaging'

export function gossipAveraging (): Algorithm {
  return {
    name: GOSSIP_AVERAGING,
    vectors: [{ name: 'model', rule: 'robust' }],
    correction: () => undefined,
    outgoing: ({ after }: LocalResult) => [after],
    current: (model) => [model],
    mixed: ([model]) => model!,
    reset: () => {},
    state: () => undefined,
    restore: () => false
  }
}
