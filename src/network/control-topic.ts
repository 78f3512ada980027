/**
 * The topic of heartbeats, suspicions and proofs: joined once, every message checked before it is passed on
 */
import { MAX_CONTROL_BYTES } from './control-messages.ts'
import { scoreTopic } from './gossip-settings.ts'
import { controlTopic } from './topics.ts'
import { validator } from './update-gossip.ts'
import type { Logger } from '@libp2p/interface'
import type { PeerName } from '../interface.ts'
import type { Host } from './host.ts'
import type { Neighbourhood } from './neighbourhood-interface.ts'
import type { Refusal } from './update-gossip.ts'

export interface ControlTopicComponents {
  host: Host
  neighbourhood: Pick<Neighbourhood, 'handleControl'>
  logger: Logger
  isBanned: (peer: PeerName) => boolean
  refuse: (refusal: Refusal) => void
}

export function joinControlTopic ({ host, neighbourhood, logger, isBanned, refuse }: ControlTopicComponents, federationId: string): void {
  const topic = controlTopic(federationId)
  scoreTopic(host.pubsub, topic)
  host.pubsub.topicValidators.set(topic, validator(logger, (from, data) => {
    if (isBanned(from)) {
      return 'ignore'
    }
    const outcome = data.byteLength > MAX_CONTROL_BYTES ? 'reject' : neighbourhood.handleControl(data, from)
    if (outcome === 'reject') {
      refuse({ peer: from, author: undefined, reason: data.byteLength > MAX_CONTROL_BYTES ? 'oversized' : 'malformed', blame: from })
    }
    return outcome
  }))
  host.pubsub.subscribe(topic)
}
