/**
 * Which version of the protocol a peer speaks, by the streams that it offers: no silence between two that cannot meet
 */
import { withoutPeer } from './host/address.ts'
import { PROTOCOL_VERSION } from './signed/header-fields.ts'
import type { IdentifyResult } from '@libp2p/interface'
import type { Host } from './host/host.ts'

/** `/grapevine/members/2.0.0` and the like, of any version */
const STREAM = /^\/grapevine\/(?:federation|members|update)\/([1-9]\d{0,5})\.\d+\.\d+$/

/** Ids are free, and a line of the log for each of them would be, too */
const MAX_WARNINGS = 16

/** The newest version offered, where the own one is not; undefined for those who share it, and for strangers */
export function otherVersion (protocols: readonly string[]): number | undefined {
  const versions = protocols.map((protocol) => Number(STREAM.exec(protocol)?.[1] ?? 0))
  const newest = Math.max(0, ...versions)
  return newest === 0 || versions.includes(PROTOCOL_VERSION) ? undefined : newest
}

/** What to say of a peer that speaks another version, for the operator; undefined where there is nothing to say */
function versionWarning ({ peerId, protocols, connection }: IdentifyResult): string | undefined {
  const version = otherVersion(protocols)
  if (version === undefined) {
    return undefined
  }
  const [what, remedy] = version < PROTOCOL_VERSION ? [' (Grapevine 0.1)', 'update that peer'] : ['', 'update this one']
  return `${peerId.toString()} at ${withoutPeer(connection.remoteAddr)} speaks protocol ${version}${what}, and this peer protocol ${PROTOCOL_VERSION}: they exchange nothing; ${remedy}`
}

/** Says so once for each peer that is met, and of 16 of them */
export function warnOfVersions ({ libp2p }: Pick<Host, 'libp2p'>, warn: (warning: { code: string, message: string }) => void): void {
  const told = new Set<string>()
  libp2p.addEventListener('peer:identify', ({ detail }) => {
    const message = versionWarning(detail)
    const peer = detail.peerId.toString()
    if (message !== undefined && told.size < MAX_WARNINGS && !told.has(peer)) {
      told.add(peer)
      warn({ code: 'other-protocol', message })
    }
  })
}
