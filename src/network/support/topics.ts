/** Names on the wire: gossip topics and stream protocols. See docs/protocol.md */
import type { PeerName } from '../../interface.ts'

/** Streams that answer requests for updates */
export const UPDATE_PROTOCOL = '/grapevine/update/2.0.0'

/** Streams that bring messages of the steps of a round */
export const STEP_PROTOCOL = '/grapevine/step/2.0.0'

/** Streams that give the federation document */
export const FEDERATION_PROTOCOL = '/grapevine/federation/2.0.0'

/** Streams on which the peers of an invited federation show each other that they belong */
export const ADMISSION_PROTOCOL = '/grapevine/admission/2.0.0'

/** Streams on which members of an invited federation bring together what they know about membership */
export const RECORDS_PROTOCOL = '/grapevine/records/2.0.0'

/** Streams that give the federation document, of version 0.1, to which it is told that it must be updated */
export const VERSION_1_FEDERATION_PROTOCOL = '/grapevine/federation/1.0.0'

/** Membership messages of one federation */
export function controlTopic (federation: string): string {
  return `/grapevine/2/${federation}/control`
}

/** Updates of one author; nobody else may publish there */
export function authorTopic (federation: string, author: PeerName): string {
  return `/grapevine/2/${federation}/updates/${author}`
}

/** Whose updates a topic carries; undefined for any other topic */
export function authorOfTopic (topic: string): PeerName | undefined {
  return /^\/grapevine\/2\/[^/]+\/updates\/([^/]+)$/.exec(topic)?.[1]
}
