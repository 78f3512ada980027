/**
 * A snapshot of a node for `status`, whatever parts of it exist already
 */
import type { Network, TrainerDescription } from '../interface.ts'
import type { RoundEngine } from '../round/round-engine.ts'
import type { NodeDescription } from './node-interface.ts'

export interface DescribedParts extends Pick<NodeDescription, 'status' | 'home' | 'startedAt' | 'federation' | 'minMembers' | 'limits' | 'privacy'> {
  trainer: TrainerDescription | undefined
  network: Pick<Network, 'self' | 'addresses' | 'members' | 'connections' | 'neighbours' | 'unanswered' | 'identityUse' | 'traffic'> | undefined
  engine: Pick<RoundEngine, 'round' | 'phase' | 'waiting' | 'lastReport' | 'versions'> | undefined
}

type NetworkView = Pick<NodeDescription, 'peer' | 'addresses' | 'members' | 'connections' | 'neighbours' | 'unanswered' | 'identityInUse' | 'traffic'>

const NO_NETWORK: NetworkView = { peer: '', addresses: [], members: [], connections: [], neighbours: [], unanswered: [], identityInUse: undefined, traffic: { bytesSent: 0, bytesReceived: 0 } }

function networkView (network: DescribedParts['network']): NetworkView {
  if (network === undefined) {
    return NO_NETWORK
  }
  return {
    peer: network.self,
    addresses: network.addresses(),
    members: network.members(),
    connections: network.connections(),
    neighbours: network.neighbours(),
    unanswered: network.unanswered(),
    identityInUse: network.identityUse().conflict,
    traffic: network.traffic()
  }
}

function withoutLayout (trainer: TrainerDescription | undefined): NodeDescription['trainer'] {
  if (trainer === undefined) {
    return undefined
  }
  const { layout: _layout, dataset: _dataset, remarks: _remarks, ...rest } = trainer
  return rest
}

export function describeNode (parts: DescribedParts): NodeDescription {
  const { status, home, startedAt, federation, minMembers, limits, engine, privacy } = parts
  return {
    status,
    home,
    startedAt,
    federation,
    minMembers,
    limits,
    ...networkView(parts.network),
    round: engine?.round ?? 0,
    phase: engine?.phase,
    waiting: engine?.waiting,
    trainer: withoutLayout(parts.trainer),
    lastRound: engine?.lastReport,
    latestVersion: engine?.versions.latest,
    newestVersion: engine?.versions.newest,
    privacy
  }
}
