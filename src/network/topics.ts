/** Names on the wire: gossip topics and stream protocols. See docs/protocol.md */
import type { PeerName } from '../interface.ts'

/** Streams that answer requests for updates */
export const UPDATE_PROTOCOL = '/grapevine/update/1.0.0'

/** Streams that give the federation document */
export const FEDERATION_PROTOCOL = '/grapevine/federation/1.0.0'

/** Membership messages of one federation */
export function controlTopic (federation: string): string {
  return `/grapevine/1/${federation}/control`
}

/** Updates of one author; nobody else may publish there */
export function authorTopic (federation: string, author: PeerName): string {
  return `/grapevine/1/${federation}/updates/${author}`
}

/** Whose updates a topic carries; undefined for any other topic */
export function authorOfTopic (topic: string): PeerName | undefined {
  return /^\/grapevine\/1\/[^/]+\/updates\/([^/]+)$/.exec(topic)?.[1]
}
