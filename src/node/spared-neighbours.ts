/**
 * Whether a peer keeps its steps as long as its neighbours take for usual, and how many of them may judge otherwise
 */
import type { FederationDocument } from '../federation/document.ts'

/**
 * f, for `StepLength`; undefined where steps are as long as training makes them: privacy noise makes all steps alike,
 * and a mean without quarantine leaves nobody out
 */
export function sparedNeighbours ({ aggregation, privacy }: Pick<FederationDocument, 'aggregation' | 'privacy'>): number | undefined {
  const isHeardAnyway = aggregation.rule === 'mean' && (aggregation.f === 0 || aggregation.quarantine === false)
  return privacy.mechanism !== 'none' || isHeardAnyway ? undefined : aggregation.f
}
