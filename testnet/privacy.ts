/**
 * The privacy of a testnet: what its peers have spent of what they may
 */
import { scopeOf } from '../src/privacy/budget.ts'
import type { PrivacySettings } from '../src/federation/privacy-settings.ts'
import type { ReportPeer, ReportPrivacy, RoundPrivacy } from './interface.ts'
import type { PeerPrivacy } from './peer-events.ts'

/** The worst of several; null when one is infinite, or there is none */
function worst (epsilons: ReadonlyArray<number | null>): number | null {
  return epsilons.length === 0 || epsilons.includes(null) ? null : Math.max(...epsilons as number[])
}

function mean (epsilons: ReadonlyArray<number | null>): number | null {
  return epsilons.length === 0 || epsilons.includes(null) ? null : (epsilons as number[]).reduce((sum, epsilon) => sum + epsilon, 0) / epsilons.length
}

/** Of one round of several peers; a peer may have a stricter limit than the others. Null without a mechanism */
export function roundPrivacy (statuses: ReadonlyArray<PeerPrivacy | null>): RoundPrivacy | null {
  const known = statuses.filter((status) => status !== null)
  const [first] = known
  if (first === undefined) {
    return null
  }
  const { scope, delta, accountant } = first
  return { scope, delta, accountant, limit: Math.max(...known.map(({ limit }) => limit)), worstEpsilon: worst(known.map(({ epsilon }) => epsilon[accountant])) }
}

/** Of these peers at their last rounds; null without a mechanism */
export function reportPrivacy (settings: PrivacySettings, peers: readonly ReportPeer[]): ReportPrivacy | null {
  if (settings.mechanism === 'none') {
    return null
  }
  const { mechanism, delta, accountant, epsilonLimit: limit } = settings
  const epsilons = peers.flatMap((peer) => {
    const last = peer.rounds.at(-1)
    return last === undefined ? [] : [last.epsilon?.[accountant] ?? null]
  })
  return {
    mechanism,
    scope: scopeOf(mechanism),
    delta,
    accountant,
    limit,
    meanEpsilon: mean(epsilons),
    worstEpsilon: worst(epsilons),
    exhausted: peers.filter((peer) => peer.exhaustedAtRound !== null).length
  }
}
