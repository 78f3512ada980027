/**
 * A member of a federation that listens, and never publishes: nobody jumps to its round
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { encodeFederation } from '../../src/federation/document.ts'
import { federationId } from '../../src/federation/federation-id.ts'
import { createNetwork } from '../../src/network/network.ts'
import { systemClock } from '../../src/system-clock.ts'
import { MemoryBans } from '../network/nodes.ts'
import type { FederationDocument } from '../../src/federation/document.ts'
import type { Network } from '../../src/interface.ts'

/** Not started */
export async function listenerOf (document: FederationDocument): Promise<Network> {
  const federationBytes = encodeFederation(document)
  return createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    federationId: federationId(federationBytes),
    federationBytes,
    document,
    maxPayloadBytes: 4_000_000,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap: [],
    store: new MemoryBans(),
    clock: systemClock
  })
}
