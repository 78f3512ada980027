/**
 * What the rounds of a node go by: the document's words, the node's settings, and what follows from both
 */
import { GOSSIP_AVERAGING } from '../algorithm/gossip-averaging.ts'
import { minimumNeighbours, ruleChain } from '../aggregators/rules.ts'
import { inspectTopology } from '../model/topology.ts'
import { noiseReach } from '../privacy/mechanism.ts'
import { stepLimits, vectorProblem } from '../round/protocol-steps.ts'
import { sparedNeighbours } from './spared-neighbours.ts'
import type { Algorithm } from '../algorithm/algorithm.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { StepLimits, TrainerDescription } from '../interface.ts'
import type { RoundProtocol } from '../round/exchange-interface.ts'
import type { RoundInit } from '../round/round-interface.ts'
import type { Membership } from './enter-federation.ts'
import type { NodeInit } from './node-interface.ts'
import type { PrivacyAccount } from './node-parts.ts'

/** Neighbours without which no round of the node begins; 0 where they begin anyway */
export function leastNeighbours ({ document: { aggregation: { rule, f } } }: Membership, { alone }: NodeInit): number {
  return alone === 'train' ? 0 : minimumNeighbours(ruleChain(rule), f)
}

/**
 * What is not charged must not be sent: a handed-in trainer that does not name its dataset, or an account without a
 * budget, would let a private federation's rounds through uncounted, and so would a protocol that sends more than what
 * follows from them
 *
 * Throws TypeError
 */
export function requireCharging ({ privacy }: FederationDocument, { budget }: Pick<PrivacyAccount, 'budget'>, protocol?: Pick<RoundProtocol, 'name' | 'isPostProcessing'>): void {
  if (privacy.mechanism !== 'none' && budget === undefined) {
    throw new TypeError(`the federation asks for privacy (${privacy.mechanism}), and no budget was opened for the data: a trainer must name its dataset in its description, and an account must have a budget then`)
  }
  if (privacy.mechanism !== 'none' && protocol !== undefined && protocol.isPostProcessing !== true) {
    throw new TypeError(`the federation asks for privacy (${privacy.mechanism}), and what ${protocol.name} sends in its steps is not charged: a protocol must say that it is post-processing of what was published (isPostProcessing)`)
  }
}

/**
 * Whole passes take as many steps as the peer has examples, which is no one else's business: an algorithm of one's own,
 * which is told how many there were, may publish what follows from that
 *
 * Throws TypeError
 */
export function requirePublicSteps ({ privacy, training }: FederationDocument, { name }: Pick<Algorithm, 'name'>): void {
  if (privacy.mechanism !== 'none' && training.steps === undefined && name !== GOSSIP_AVERAGING) {
    throw new TypeError(`the federation asks for privacy (${privacy.mechanism}) and counts rounds in passes: how many steps they take tells how many examples this peer has, and ${name} is told; set training.steps in the document`)
  }
}

/**
 * What a network must be able to send for this protocol. Throws RangeError for one that cannot be run, TypeError beside
 * an algorithm of several vectors
 */
export function networkSteps (protocol: RoundProtocol | undefined, algorithm: Pick<Algorithm, 'name' | 'vectors'>, parameterCount: number): StepLimits | undefined {
  if (protocol === undefined) {
    return undefined
  }
  const problem = vectorProblem(protocol, algorithm)
  if (problem !== undefined) {
    throw new TypeError(problem)
  }
  return stepLimits(protocol, parameterCount)
}

export function roundSettings ({ id, document }: Membership, init: Pick<NodeInit, 'rounds' | 'evaluateEvery' | 'alone'>, { trainExamples }: Pick<TrainerDescription, 'trainExamples'>): RoundInit {
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
    spared: sparedNeighbours(document)
  }
}
