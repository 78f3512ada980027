/**
 * How much this node passes on: always less than what any receiver takes from one peer (gossip-meter.ts)
 *
 * Every message goes to each receiver once at most, so that one total bounds what each of them gets. Sources that are
 * no neighbours share a part of it: a swarm of ids that hands over valid messages, each within its own allowance, can
 * make this node neither exceed the others' limits nor drop what its neighbours say.
 */
import { createRateLimit } from '../support/rate-limit.ts'
import type { Clock, PeerName } from '../../interface.ts'
import type { PeerRanks } from './peer-ranks.ts'
import type { RateLimit } from '../support/rate-limit.ts'

const MIB = 1_048_576

/** Messages passed on, over all sources; with {@link NOTICES} and what this node says itself less than a peer takes */
const FORWARDED = { perSecond: 250, burst: 1_500 }
const FORWARDED_BYTES = { perSecond: 5 * MIB, burst: 32 * MIB }
/** IDONTWANT, one for each long message that came, sent before it is checked */
const NOTICES = { perSecond: 150, burst: 800 }
/** One source, whoever it is */
const OF_SOURCE = { perSecond: 60, burst: 400 }
/** All sources that are no neighbours */
const OF_REST = { perSecond: 60, burst: 400 }
const OF_REST_BYTES = { perSecond: MIB, burst: 8 * MIB }

export interface ForwardAllowanceComponents {
  clock: Clock
  ranks: Pick<PeerRanks, 'of'>
}

export class ForwardAllowance {
  private readonly ranks: Pick<PeerRanks, 'of'>
  private readonly total: RateLimit
  private readonly totalBytes: RateLimit
  private readonly notices: RateLimit
  private readonly sources: RateLimit
  private readonly rest: RateLimit
  private readonly restBytes: RateLimit

  constructor ({ clock, ranks }: ForwardAllowanceComponents) {
    this.ranks = ranks
    this.total = createRateLimit(clock, FORWARDED)
    this.totalBytes = createRateLimit(clock, FORWARDED_BYTES)
    this.notices = createRateLimit(clock, NOTICES)
    this.sources = createRateLimit(clock, OF_SOURCE)
    this.rest = createRateLimit(clock, OF_REST)
    this.restBytes = createRateLimit(clock, OF_REST_BYTES)
  }

  /** True when a valid message that came from `source` may be passed on: then it is counted */
  forwards (source: PeerName, bytes: number): boolean {
    const isShared = this.ranks.of(source) !== 'neighbour'
    return this.sources.take(source, 1) &&
      (!isShared || (this.rest.take('', 1) && this.restBytes.take('', bytes))) &&
      this.total.take('', 1) && this.totalBytes.take('', bytes)
  }

  /** True when others may be told that this node has a message */
  notifies (source: PeerName): boolean {
    return this.sources.take(`${source} notices`, 1) && this.notices.take('', 1)
  }
}
