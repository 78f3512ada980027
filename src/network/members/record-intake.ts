/**
 * Records of members that a peer sent over a stream: checked, taken over, passed on when they are news
 */
import { parseRecord } from './member-record.ts'
import type { PeerName } from '../../interface.ts'
import type { ControlMessages } from './control-messages.ts'
import type { MemberExchange } from './member-exchange.ts'
import type { MemberClaim } from './member-record.ts'
import type { Membership, Verdict } from './membership.ts'
import type { RecordOrigins } from './record-origins.ts'
import type { MemberEntry } from '../wire/membership.ts'

export interface RecordIntakeComponents {
  membership: Membership
  exchange: Pick<MemberExchange, 'push' | 'reply' | 'echo'>
  control: Pick<ControlMessages, 'challenge'>
  origins: Pick<RecordOrigins, 'note'>
}

export interface RecordIntakeInit {
  self: PeerName
  federationId: string
}

export class RecordIntake {
  readonly #components: RecordIntakeComponents
  readonly #init: RecordIntakeInit

  constructor (components: RecordIntakeComponents, init: RecordIntakeInit) {
    this.#components = components
    this.#init = init
  }

  /** False when one of them is none, or not signed by whom it speaks for */
  receive (entries: readonly MemberEntry[], from: PeerName): boolean {
    return entries.every((entry) => this.#take(entry, from))
  }

  /** Passes a record on to every connected peer but its own and the one that it came from */
  spread ({ peer, signed }: Pick<MemberClaim, 'peer' | 'signed'>, from?: PeerName): void {
    const { exchange, membership } = this.#components
    exchange.push(membership.entry(peer, signed), peer, from)
  }

  /** What a member itself says: another process that uses its id, over another connection, should know of it */
  direct (claim: MemberClaim, verdict: Verdict): void {
    if (verdict === 'stale') {
      this.#tellNumber(claim)
    } else if (verdict === 'news' || verdict === 'fresh') {
      // the connection of who left may be closed already: then one that remains is another process's
      this.#components.exchange[claim.leaving ? 'reply' : 'echo'](claim.peer, { signed: claim.signed, ageMs: 0 })
    }
  }

  /**
   * A member says something older than what is known of it, perhaps because its clock was put back: it must go on above
   * that
   */
  #tellNumber (claim: MemberClaim): void {
    const { exchange, membership } = this.#components
    const newer = membership.newerThan(claim)
    if (newer !== undefined) {
      exchange.reply(claim.peer, { signed: newer, ageMs: 0 })
    }
  }

  #take ({ signed, ageMs }: MemberEntry, from: PeerName): boolean {
    const { membership, control, origins } = this.#components
    const claim = parseRecord(signed, this.#init.federationId)
    if (claim === undefined) {
      return false
    }
    if (claim.peer === this.#init.self) {
      control.challenge(claim)
      return true
    }
    origins.note(claim.peer, from)
    const verdict = membership.apply(claim, ageMs, claim.peer === from)
    if (verdict === 'news') {
      this.spread(claim, from)
    }
    if (claim.peer === from) {
      this.direct(claim, verdict)
    }
    return verdict !== 'forged'
  }
}
