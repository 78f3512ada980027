/**
 * The connections of a host, for people to read
 */
import type { PeerName } from '../../interface.ts'
import type { Host } from './host.ts'

export interface OpenConnection { peer: PeerName, address: string, direction: 'inbound' | 'outbound' }

export function openConnections ({ libp2p }: Pick<Host, 'libp2p'>): OpenConnection[] {
  return libp2p.getConnections().map(({ remotePeer, remoteAddr, direction }) => ({ peer: remotePeer.toString(), address: remoteAddr.toString(), direction }))
}
