/**
 * What follows from a refusal: points for whom it proves guilty, a ban at last, proofs told
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { provenGuilty } from '../blame.ts'
import { encodeProof } from './signed/equivocation.ts'
import type { Logger } from '@libp2p/interface'
import type { Refused } from '../blame.ts'
import type { PeerName } from '../interface.ts'
import type { AuthorLog } from './signed/author-log.ts'
import type { Reputation } from './bans.ts'
import type { Host } from './host/host.ts'
import type { Neighbourhood } from './members/neighbourhood-interface.ts'

export interface RefusalsComponents {
  host: Pick<Host, 'libp2p'>
  log: Pick<AuthorLog, 'equivocation'>
  logger: Logger
  neighbourhood: Pick<Neighbourhood, 'tellEquivocation'>
  reputation: Reputation
}

export class Refusals {
  private readonly components: RefusalsComponents

  constructor (components: RefusalsComponents) {
    const { logger, reputation } = components
    this.components = components
    reputation.addEventListener('ban', ({ detail: { peer } }) => { this.hangUp(peer) })
    reputation.addEventListener('error', ({ detail }) => { logger.error('a ban could not be stored - %e', detail) })
  }

  /** Never throws: what is refused comes from outside */
  refuse ({ peer, author, reason }: Refused): void {
    const { reputation, log, neighbourhood, logger } = this.components
    const guilty = provenGuilty({ peer, author, reason })
    const proof = reason === 'equivocation' && guilty !== undefined ? log.equivocation(guilty) : undefined
    if (guilty !== undefined) {
      reputation.penalise(guilty, reason, proof === undefined ? undefined : encodeProof(proof))
    }
    if (proof !== undefined) {
      neighbourhood.tellEquivocation(proof).catch((err: unknown) => {
        logger.error('could not tell that %s equivocates - %e', guilty, err)
      })
    }
  }

  private hangUp (peer: PeerName): void {
    const { host, logger } = this.components
    logger('banned %s', peer)
    try {
      host.libp2p.hangUp(peerIdFromString(peer)).catch((err: unknown) => { logger.error('could not hang up on %s - %e', peer, err) })
    } catch (err) {
      logger.error('could not hang up on %s - %e', peer, err)
    }
  }
}
