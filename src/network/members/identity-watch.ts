/**
 * Whether another process signs member records with this node's key: its home was copied
 *
 * One record that this node did not sign proves nothing: when a home came back from a backup and the clock was put
 * back, others still hold records of its earlier life. This node signs above them, and an earlier life cannot go above
 * that in turn: a process that lives does, again and again. Whoever kept many records of such an earlier life could
 * play one after another: it gains a warning and a wait, and the records run out.
 */
import type { Clock, IdentityInUse, IdentityUse } from '../../interface.ts'
import type { MemberClaim } from './member-record.ts'

/** Records of somebody else, each above what this node signed after the one before */
const PROOF_RECORDS = 3

/**
 * After such a record this node is not sure for this long that it is the only one: time for both to speak a few times
 */
const DOUBT_MS = 5_000

export interface IdentityWatchInit {
  clock: Pick<Clock, 'now' | 'monotonicMs'>
  /** Without another such record for this long, the other process is gone */
  forgetMs: () => number
  /** Another process is proved, for the first time or again after it was gone */
  onInUse: (conflict: IdentityInUse) => void
}

export class IdentityWatch {
  readonly #init: IdentityWatchInit
  #records = 0
  #sequence = 0
  #heardMs = -Infinity
  #conflict: IdentityInUse | undefined

  constructor (init: IdentityWatchInit) {
    this.#init = init
  }

  /**
   * A genuine record of this node that it did not sign in this run, above all that it did. False when an answer can
   * wait: both have their proof, and each answer only brings the next
   *
   * @param signed - Sequence of the newest record that this node signed in this run
   */
  foreign ({ sequence, addresses, leaving }: Pick<MemberClaim, 'sequence' | 'addresses' | 'leaving'>, signed: number): boolean {
    if (leaving || this.#silentMs() > this.#init.forgetMs()) {
      this.#forget()
    }
    if (leaving) {
      return true
    }
    if (this.#records === 0 || signed > this.#sequence) {
      this.#records++
    }
    this.#sequence = sequence
    this.#heardMs = this.#init.clock.monotonicMs()
    if (this.#conflict !== undefined) {
      this.#conflict = { ...this.#conflict, addresses: [...addresses] }
    } else if (this.#records >= PROOF_RECORDS) {
      this.#conflict = { since: this.#init.clock.now(), addresses: [...addresses] }
      this.#init.onInUse(this.#conflict)
    }
    return this.#records <= PROOF_RECORDS
  }

  use (): IdentityUse {
    if (this.#silentMs() > this.#init.forgetMs()) {
      this.#forget()
    }
    return this.#conflict === undefined ? { inDoubt: this.#silentMs() <= DOUBT_MS } : { inDoubt: true, conflict: this.#conflict }
  }

  #silentMs (): number {
    return this.#init.clock.monotonicMs() - this.#heardMs
  }

  #forget (): void {
    this.#records = 0
    this.#heardMs = -Infinity
    this.#conflict = undefined
  }
}

/** What to tell the operator */
export function inUseMessage ({ addresses }: IdentityInUse): string {
  const where = addresses.length === 0 ? 'it announces no address' : `it announces ${addresses.join(', ')}`
  return `another process uses the id of this peer: others have member records that its key signed and this process did not, newer each time (${where}). Was the home copied? ` +
    'Stop one of the two, or give the copy an id of its own: grapevine renew'
}
