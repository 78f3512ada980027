/**
 * The statements and decisions that a node holds: a set that grows by the same rules on every peer
 *
 * What is kept is a function of what was offered and of the decisions, not of the order (record-cells.ts), and only
 * who is vouched for fills it. So two nodes that exchange what they hold end with the same, and liars fill no places
 * but their own. What comes too early, such as a certificate by somebody who is not vouched for yet, waits in a small
 * room; whatever finds no place there may be offered again.
 */
import { Authors } from './authors.ts'
import { CLOCK_TOLERANCE_MS, isSoundCertificate } from './chains.ts'
import { applyDecision, checkDecision } from './governance-state.ts'
import { RecordBuckets } from './record-buckets.ts'
import { departureCell, placeOf, RecordCells } from './record-cells.ts'
import { verifyStatement } from './statements.ts'
import { WaitingRoom } from './waiting-room.ts'
import type { Certificate } from './chains.ts'
import type { Decision, GovernanceRecord, RecordDigests, RecordVerdict, Statement } from './governance-interface.ts'
import type { GovernanceState, VerifyCertificate } from './governance-state.ts'
import type { Place } from './record-cells.ts'
import type { PeerName } from '../interface.ts'

/** Certificates in all. Those further from the voters have to go first */
export const MAX_CERTIFICATES = 8_192

/** What an offer did: the owner of the set keeps and hands on what was added, and forgets what was removed */
export interface Offered {
  verdict: RecordVerdict
  /** The record itself and others that had waited for it, in the order in which they may be offered elsewhere */
  added: Array<Statement | Decision>
  /** Ids that nobody keeps any more */
  removed: string[]
}

function isCertificate (statement: Statement): statement is Certificate {
  return statement.body.kind === 'certificate'
}

function isFuture ({ body }: Statement, nowMs: number): boolean {
  const at = body.kind === 'certificate' ? body.issuedAt : 'at' in body ? body.at : 0
  return at > nowMs + CLOCK_TOLERANCE_MS
}

export class RecordSet {
  /** For reconciliation */
  readonly digests: RecordDigests
  readonly #buckets = new RecordBuckets()
  readonly #cells = new RecordCells()
  readonly #decisions: Decision[] = []
  readonly #authors = new Authors()
  readonly #waiting = new WaitingRoom()
  readonly #verifyCertificate: VerifyCertificate
  readonly #maxCertificates: number
  #state: GovernanceState
  #certificates = 0
  #changes = 0

  constructor (state: GovernanceState, verifyCertificate: VerifyCertificate, { maxCertificates = MAX_CERTIFICATES }: { maxCertificates?: number } = {}) {
    this.digests = this.#buckets
    this.#state = state
    this.#verifyCertificate = verifyCertificate
    this.#maxCertificates = maxCertificates
    this.#authors.read(state, [])
  }

  /** After the decisions that are held */
  get state (): GovernanceState {
    return this.#state
  }

  /** Grows with each change: whoever made something of the set knows whether it still holds */
  get changes (): number {
    return this.#changes
  }

  get size (): number {
    return this.#buckets.size
  }

  /** Oldest first */
  decisions (): Decision[] {
    return [...this.#decisions]
  }

  statements (): Statement[] {
    return [...this.#cells.statements()]
  }

  /** Never throws. Ballots are none of the set's and are `ignored` */
  offer (record: GovernanceRecord, nowMs: number): Offered {
    const offered: Offered = { verdict: 'ignored', added: [], removed: [] }
    if (record.type === 'ballot') {
      return offered
    }
    offered.verdict = this.#take(record, nowMs, offered)
    // each round takes at least one out of the room, and nothing but an offer puts one in
    for (let next = this.#ready(offered); next !== undefined; next = this.#ready(offered)) {
      this.#take(next, nowMs, offered)
    }
    this.#changes += offered.added.length + offered.removed.length > 0 ? 1 : 0
    return offered
  }

  /** Something that waited and may be taken now; looked for only where something was taken */
  #ready ({ added }: Offered): Statement | Decision | undefined {
    return added.length === 0 ? undefined : this.#waiting.next(this.#state.slot, (author) => this.#authors.has(author))
  }

  #take (record: Statement | Decision, nowMs: number, offered: Offered): RecordVerdict {
    if (this.#buckets.has(record.id)) {
      return 'known'
    }
    return record.type === 'decision' ? this.#takeDecision(record, offered) : this.#takeStatement(record, nowMs, offered)
  }

  #takeDecision (decision: Decision, offered: Offered): RecordVerdict {
    if (decision.slot !== this.#state.slot) {
      this.#waiting.addDecision(decision, this.#state.slot)
      return 'ignored'
    }
    if (checkDecision(this.#state, decision, this.#verifyCertificate) !== undefined) {
      return 'invalid'
    }
    this.#decisions.push(decision)
    this.#buckets.add(decision.id, decision.bytes)
    offered.added.push(decision)
    this.#state = applyDecision(this.#state, decision)
    this.#rebuild(offered)
    return 'news'
  }

  #takeStatement (statement: Statement, nowMs: number, offered: Offered): RecordVerdict {
    if (statement.body.federation !== this.#state.federation || (isCertificate(statement) && !isSoundCertificate(statement, this.#state.settings))) {
      return 'invalid'
    }
    const place = placeOf(this.#state, statement)
    if (place === undefined || isFuture(statement, nowMs) || !this.#cells.takes(statement, place)) {
      return 'ignored'
    }
    const tooEarly = statement.body.kind !== 'request' && !this.#authors.has(statement.author)
    if (!tooEarly && !this.#mayKeep(statement)) {
      return 'ignored'
    }
    if (!verifyStatement(statement)) {
      return 'invalid'
    }
    if (tooEarly) {
      this.#waiting.addStatement(statement)
      return 'ignored'
    }
    this.#keep(statement, place, offered)
    return 'news'
  }

  /** Its author may say this, as far as is known now */
  #mayKeep (statement: Statement): boolean {
    const { author, body: { kind } } = statement
    switch (kind) {
      case 'request':
        return this.#mayAsk(author)
      case 'certificate':
        return this.#authors.mayInvite(author) && this.#hasRoom(statement as Certificate)
      default:
        return this.#authors.isVouchedFor(author)
    }
  }

  /** Strangers, guests who want to stay, and members that left and want to be taken back */
  #mayAsk (author: PeerName): boolean {
    const { revoked, admitted } = this.#state
    return !revoked.has(author) && (!admitted.has(author) || this.#cells.countIn(departureCell(author)) > 0)
  }

  /** Whether a certificate is nearer to the voters than the last of those that are kept */
  #hasRoom (certificate: Certificate): boolean {
    const last = this.#certificates < this.#maxCertificates ? undefined : this.#lastCertificate()
    return last === undefined || this.#authors.isNearer(certificate, last)
  }

  #lastCertificate (): Certificate | undefined {
    const certificates = this.statements().filter(isCertificate)
    return certificates.reduce<Certificate | undefined>((last, one) => last === undefined || this.#authors.isNearer(last, one) ? one : last, undefined)
  }

  #keep (statement: Statement, place: Place, offered: Offered): void {
    const before = this.#cells.countIn(place.cell)
    const gone = this.#cells.put(statement, place)
    this.#buckets.add(statement.id, statement.bytes)
    offered.added.push(statement)
    if (gone !== undefined) {
      this.#forget(gone, offered)
    }
    if (isCertificate(statement)) {
      this.#certificates += gone === undefined ? 1 : 0
      this.#vouch(statement, place.capacity === 1 || gone !== undefined ? 0 : before + 1, offered)
    }
  }

  #forget (statement: Statement, { added, removed }: Offered): void {
    this.#buckets.remove(statement.id)
    const index = added.indexOf(statement)
    if (index === -1) {
      removed.push(statement.id)
    } else {
      added.splice(index, 1)
    }
  }

  /**
   * Who is vouched for now: at once where a guest is new, which is the rule, and from the beginning where more follows.
   * `guestsOfNumber`: how many have the number of this certificate now; 0 where it changes nothing
   */
  #vouch (certificate: Certificate, guestsOfNumber: number, offered: Offered): void {
    if (this.#certificates > this.#maxCertificates) {
      const last = this.#lastCertificate()!
      this.#cells.remove(placeOf(this.#state, last)!)
      this.#forget(last, offered)
      this.#rebuild(offered)
    } else if (guestsOfNumber > 1 || (guestsOfNumber === 1 && !this.#authors.add(certificate, this.#state))) {
      this.#rebuild(offered)
    }
  }

  /** What would be kept of what is held, if it were offered now: certificates first, as all else stands on them */
  #rebuild (offered: Offered): void {
    const held = this.statements()
    const kept = new Set<Statement>()
    const keepAll = (statements: Statement[]): void => {
      for (const statement of statements) {
        const place = placeOf(this.#state, statement)
        if (place !== undefined && this.#cells.takes(statement, place)) {
          this.#cells.put(statement, place)
        }
      }
    }
    this.#cells.clear()
    keepAll(held.filter(isCertificate))
    this.#authors.read(this.#state, this.statements().filter(isCertificate))
    const sound = this.statements().filter((certificate) => this.#authors.mayInvite(certificate.author))
    this.#cells.clear()
    keepAll(sound)
    this.#certificates = sound.length
    keepAll(held.filter(({ author, body: { kind } }) => kind !== 'certificate' && kind !== 'request' && this.#authors.isVouchedFor(author)))
    keepAll(held.filter(({ author, body: { kind } }) => kind === 'request' && this.#mayAsk(author)))
    for (const statement of this.#cells.statements()) {
      kept.add(statement)
    }
    for (const statement of held.filter((one) => !kept.has(one))) {
      this.#forget(statement, offered)
      if (!this.#authors.has(statement.author)) {
        // another one may vouch for it yet
        this.#waiting.addStatement(statement)
      }
    }
  }
}
