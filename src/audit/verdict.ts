/**
 * What a finished audit says about the ledger
 */
import { PrivacyViolationError } from '../errors.ts'

export interface AuditFinding {
  /** Nats: epsilon is at least this, by the audit */
  lowerBound: number
  /** Nats: epsilon is at most this, by the ledger's accountant; Infinity without noise */
  ledgerEpsilon: number
  /** That both are for. @default 0 */
  delta?: number
  /** Of the lower bound. @default 0.95 */
  confidence?: number
}

export type AuditVerdict =
  /** The audit does not contradict the ledger. That is no proof: the lower bound is loose */
  | { status: 'ok' }
  | { status: 'violation', error: PrivacyViolationError }

/**
 * Whether the audit contradicts the ledger
 *
 * Of audits of a sound mechanism, at most 1 - confidence do: who audits often asks for more confidence than 0.95.
 * Throws RangeError when a bound is no number of at least 0
 */
export function auditVerdict ({ lowerBound, ledgerEpsilon, delta = 0, confidence = 0.95 }: AuditFinding): AuditVerdict {
  for (const [name, epsilon] of Object.entries({ lowerBound, ledgerEpsilon })) {
    if (!(epsilon >= 0)) {
      throw new RangeError(`${name} must be at least 0, not ${epsilon}`)
    }
  }
  if (lowerBound <= ledgerEpsilon) {
    return { status: 'ok' }
  }
  const error = new PrivacyViolationError(`this is a bug: the audit shows that epsilon is at least ${rounded(lowerBound)} (delta ${delta}, ${percent(confidence)} confidence), but the ledger says at most ${rounded(ledgerEpsilon)}. ` +
    'Clipping, noise, sampling or accounting do not do what they should: models trained on these data leak more than is promised. Stop training on them, and report it', { lowerBound, ledgerEpsilon })
  return { status: 'violation', error }
}

/** Three digits after the point would show 0.0004 as none */
function rounded (epsilon: number): string {
  return String(Number(epsilon.toPrecision(4)))
}

/** 0.999 as 99.9 %, without the noise of the last bits */
function percent (share: number): string {
  return `${Number((100 * share).toPrecision(10))} %`
}
