/**
 * What an audit found, as numbers
 */
import { REPORTED_RATES } from './membership.ts'
import { profileAdvantageCap, profileAreaCap, profileRateCap } from './privacy-profile.ts'
import { auditVerdict } from './verdict.ts'
import type { PrivacyViolationError } from '../errors.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { BackendName } from '../interface.ts'
import type { Epsilons } from '../privacy/budget.ts'
import type { MembershipReport } from './membership.ts'
import type { OneRunAudit } from './one-run.ts'
import type { PrivacyProfile } from './privacy-profile.ts'

/** Of the lower bound on epsilon */
export const AUDIT_CONFIDENCE = 0.95

/** What the accountants promise for exactly the audited run, to each single example */
export interface AuditClaim {
  /** Nats: upper bounds, by either accountant */
  epsilon: Epsilons
  delta: number
  /** What holds besides: deltas at other epsilons */
  profile: PrivacyProfile
}

/**
 * What the claim, all its pairs of epsilon and delta together, leaves of any membership inference; 1 where nothing is
 * promised
 */
export interface AuditCaps {
  auc: number
  /** Of TPR - FPR */
  advantage: number
  /** Highest true positive rate at each of REPORTED_RATES */
  operatingPoints: Array<{ limit: number, truePositiveRate: number }>
}

export interface AuditReport {
  format: 1
  mechanism: FederationDocument['privacy']['mechanism']
  backend: BackendName
  rounds: number
  /** Optimiser steps in all rounds */
  steps: number
  /** Own examples in the training data, without the canaries */
  examples: number
  /** Share of the test examples that the final model gets right: canaries carry wrong labels, and cost some of it */
  accuracy: number
  /** Null: the document promises nothing */
  claim: AuditClaim | null
  caps: AuditCaps
  /** From all updates: under DP-SGD those of single steps */
  canaries: OneRunAudit & {
    /** How many were in the training data */
    included: number
    confidence: number
    /** Nats: the lower bound if all guesses were right. A claim above it could not be contradicted */
    highestBound: number
    /** The same scores as membership inference on canaries */
    attack: MembershipReport
  }
  /** From the final model, on real examples: `members` that were trained on, and as many test examples */
  inference: { members: number, loss: MembershipReport, likelihoodRatio: MembershipReport }
  /** `none`: there is no claim to contradict */
  verdict: 'ok' | 'violation' | 'none'
}

/** Epsilon that the audit must not exceed: both accountants give upper bounds, so the smaller one holds as well */
export function claimedEpsilon (claim: AuditClaim | null): number {
  return claim === null ? Infinity : Math.min(claim.epsilon.pld, claim.epsilon.rdp)
}

/** Every pair of the claim. Pure */
export function claimedProfile (claim: AuditClaim | null): PrivacyProfile {
  return claim === null ? [] : [...claim.profile, { epsilon: claimedEpsilon(claim), delta: claim.delta }]
}

export function auditCaps (claim: AuditClaim | null): AuditCaps {
  const profile = claimedProfile(claim)
  return {
    auc: profileAreaCap(profile),
    advantage: profileAdvantageCap(profile),
    operatingPoints: REPORTED_RATES.map((limit) => ({ limit, truePositiveRate: profileRateCap(limit, profile) }))
  }
}

/** Undefined unless the audit contradicts the claim */
export function auditError ({ claim, canaries }: Pick<AuditReport, 'claim' | 'canaries'>): PrivacyViolationError | undefined {
  const { lowerBound, confidence } = canaries
  const verdict = auditVerdict({ lowerBound, ledgerEpsilon: claimedEpsilon(claim), delta: claim?.delta ?? 0, confidence })
  return verdict.status === 'ok' ? undefined : verdict.error
}
