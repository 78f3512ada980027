/**
 * Membership inference on one model: which of these examples was it trained on?
 *
 * Members are training examples, non-members test examples, as many of each class on either side: a peer whose data are
 * skewed makes a model that is better on the classes it has, and that is no leak about any one example.
 */
import { rowsByClass } from '../data/partition.ts'
import { selectExamples } from '../data/select-examples.ts'
import { DatasetError } from '../errors.ts'
import { exampleLosses } from '../model/loss.ts'
import { confidenceScores, fitOutDistributions, likelihoodRatioScores, lossScores } from './membership-scores.ts'
import { membershipReport } from './membership.ts'
import type { Dataset, Examples } from '../data/examples.ts'
import type { Random } from '../interface.ts'
import type { LogitsBatch, LossName } from '../model/loss.ts'
import type { MembershipReport } from './membership.ts'

/**
 * Non-members of each class whose scores say what is usual; beyond that they do more good as non-members to be told
 * apart
 */
const FIT_OF_A_CLASS = 50

/** Fewer and no rate means anything */
const FEWEST = 10

export interface InferenceGroups {
  members: Examples
  /** As many of each class as `members` */
  nonMembers: Examples
  /** Other non-members, for the fit */
  others: Examples
}

export interface InferenceReports {
  /** By one threshold on the loss */
  loss: MembershipReport
  /** By LiRA without shadow models */
  likelihoodRatio: MembershipReport
}

/**
 * A random choice from training and test examples, as large as possible
 *
 * Throws DatasetError when the two have fewer than 10 examples of common classes
 */
export function inferenceGroups ({ train, test }: Dataset, random: Random): InferenceGroups {
  const own = byLabel(train, random)
  const [members, nonMembers, others]: [number[], number[], number[]] = [[], [], []]
  for (const [label, rows] of byLabel(test, random)) {
    const fitted = Math.min(FIT_OF_A_CLASS, Math.floor(rows.length / 2))
    others.push(...rows.slice(0, fitted))
    const held = rows.slice(fitted)
    const trained = own.get(label) ?? []
    const count = Math.min(held.length, trained.length)
    members.push(...trained.slice(0, count))
    nonMembers.push(...held.slice(0, count))
  }
  if (members.length < FEWEST || others.length < 2) {
    throw new DatasetError(`membership inference compares training with test examples of the same classes, and there are ${members.length} of each: it takes at least ${FEWEST}. Use more data, or a larger test set`)
  }
  return { members: selectExamples(train, members), nonMembers: selectExamples(test, nonMembers), others: selectExamples(test, others) }
}

/** Both attacks; `logitsOf` runs the model. Throws RangeError when the model gives outputs that are not finite */
export function inferMembership (groups: InferenceGroups, loss: LossName, logitsOf: (examples: Examples) => LogitsBatch): InferenceReports {
  const [members, nonMembers, others] = [groups.members, groups.nonMembers, groups.others].map(logitsOf) as [LogitsBatch, LogitsBatch, LogitsBatch]
  const losses = (batch: LogitsBatch): Float64Array => lossScores(exampleLosses(loss, batch, new Float32Array(batch.logits.length)))
  const confidence = (batch: LogitsBatch): { scores: Float64Array, labels: Uint16Array } => ({ scores: confidenceScores(loss, batch), labels: batch.labels })
  const out = fitOutDistributions(confidence(others), classesOf([members, nonMembers, others]))
  return {
    loss: membershipReport({ members: losses(members), nonMembers: losses(nonMembers) }),
    likelihoodRatio: membershipReport({ members: likelihoodRatioScores(confidence(members), out), nonMembers: likelihoodRatioScores(confidence(nonMembers), out) })
  }
}

function classesOf (batches: readonly LogitsBatch[]): number {
  return batches.reduce((most, { labels }) => labels.reduce((count, label) => Math.max(count, label + 1), most), 0)
}

function byLabel ({ labels }: Examples, random: Random): Map<number, number[]> {
  return new Map(rowsByClass(labels, random).map((rows) => [labels[rows[0]!]!, rows]))
}
