/**
 * The topic of heartbeats, suspicions and proofs: joined once, every message checked before it is passed on
 */
import { MAX_CONTROL_BYTES } from './members/control-messages.ts'
import { scoreTopic } from './host/gossip-settings.ts'
import { createRateLimit } from './support/rate-limit.ts'
import { controlTopic } from './support/topics.ts'
import { validator } from './updates/update-gossip.ts'
import type { Logger } from '@libp2p/interface'
import type { Refused } from '../blame.ts'
import type { Clock, PeerName } from '../interface.ts'
import type { Host } from './host/host.ts'
import type { Neighbourhood } from './members/neighbourhood-interface.ts'
import type { PeerRanks } from './host/peer-ranks.ts'

/** Messages of all peers together that are no neighbours: any number of ids gets no more attention than this */
const REST = { perSecond: 100, burst: 1_000 }

export interface ControlTopicComponents {
  host: Host
  neighbourhood: Pick<Neighbourhood, 'handleControl'>
  logger: Logger
  isBanned: (peer: PeerName) => boolean
  clock: Clock
  ranks: Pick<PeerRanks, 'of'>
  refuse: (refusal: Refused) => void
}

export function joinControlTopic (components: ControlTopicComponents, federationId: string): void {
  const { host, neighbourhood, logger, isBanned, refuse, clock, ranks } = components
  const rest = createRateLimit(clock, REST)
  const topic = controlTopic(federationId)
  scoreTopic(host.pubsub, topic)
  host.pubsub.topicValidators.set(topic, validator(logger, (from, data) => {
    if (isBanned(from) || host.gate?.isOpen(from) === false || (ranks.of(from) !== 'neighbour' && !rest.take('', 1))) {
      return 'ignore'
    }
    const outcome = data.byteLength > MAX_CONTROL_BYTES ? 'reject' : neighbourhood.handleControl(data, from)
    if (outcome === 'reject') {
      refuse({ peer: from, author: undefined, reason: data.byteLength > MAX_CONTROL_BYTES ? 'oversized' : 'malformed' })
    }
    return outcome
  }))
  host.pubsub.subscribe(topic)
}
