/**
 * What the rounds of a node go by: the document's words, the node's settings, and what follows from both
 */
import { createAttack } from '../attacks/attacks.ts'
import { inspectTopology } from '../model/topology.ts'
import { noiseReach } from '../privacy/mechanism.ts'
import { sparedNeighbours } from './spared-neighbours.ts'
import type { TrainerDescription } from '../interface.ts'
import type { RoundInit } from '../round/round-interface.ts'
import type { Membership } from './enter-federation.ts'
import type { NodeInit } from './node-interface.ts'

export function roundSettings ({ id, document }: Membership, init: NodeInit, { trainExamples }: TrainerDescription): RoundInit {
  const { parameterCount } = inspectTopology(document.model)
  return {
    federation: id,
    parameterCount,
    deadlineMs: document.round.deadlineMs,
    staleness: document.round.staleness,
    reach: noiseReach(document, parameterCount, trainExamples),
    rounds: init.rounds,
    evaluateEvery: init.evaluateEvery ?? 1,
    alone: init.alone,
    quarantineLimit: document.aggregation.quarantine === false ? 0 : document.aggregation.f,
    noisy: document.privacy.mechanism !== 'none',
    spared: sparedNeighbours(document),
    attack: init.attack === undefined ? undefined : createAttack(init.attack)
  }
}
