/**
 * Records that came before what they stand on: statements by authors who are not vouched for yet, later decisions
 *
 * Only so that a newcomer takes over a whole set in one pass, whatever its order. The room is small, and full of
 * rubbish where somebody wants that: what finds no place in it is offered again at the next reconciliation.
 */
import type { Decision, Statement } from './governance-interface.ts'
import type { PeerName } from '../interface.ts'

export interface WaitingBounds {
  statements?: number
  /** How many decisions ahead */
  slots?: number
  /** Of one slot: more than one lies somebody */
  decisionsPerSlot?: number
}

export class WaitingRoom {
  readonly #bounds: Required<WaitingBounds>
  readonly #statements = new Map<PeerName, Map<string, Statement>>()
  readonly #decisions = new Map<number, Map<string, Decision>>()
  #size = 0

  constructor ({ statements = 4_096, slots = 256, decisionsPerSlot = 2 }: WaitingBounds = {}) {
    this.#bounds = { statements, slots, decisionsPerSlot }
  }

  /** Of a verified statement. Full: whoever waits longest goes */
  addStatement (statement: Statement): void {
    const { author, id } = statement
    const own = this.#statements.get(author) ?? new Map<string, Statement>()
    if (own.has(id)) {
      return
    }
    this.#statements.set(author, own.set(id, statement))
    this.#size++
    if (this.#size > this.#bounds.statements) {
      this.#removeOldest()
    }
  }

  #removeOldest (): void {
    const [author, own] = this.#statements.entries().next().value!
    own.delete(own.keys().next().value!)
    this.#size--
    if (own.size === 0) {
      this.#statements.delete(author)
    }
  }

  /** `next`: the slot of the next decision */
  addDecision (decision: Decision, next: number): void {
    const { slot, id } = decision
    const held = this.#decisions.get(slot) ?? new Map<string, Decision>()
    if (slot <= next || slot > next + this.#bounds.slots || held.size >= this.#bounds.decisionsPerSlot) {
      return
    }
    this.#decisions.set(slot, held.set(id, decision))
  }

  /** Takes out one whose time has come. Decisions that are too late are forgotten */
  next (slot: number, isVouchedFor: (author: PeerName) => boolean): Statement | Decision | undefined {
    return this.#nextDecision(slot) ?? this.#nextStatement(isVouchedFor)
  }

  #nextDecision (next: number): Decision | undefined {
    for (const slot of this.#decisions.keys()) {
      if (slot < next) {
        this.#decisions.delete(slot)
      }
    }
    const held = this.#decisions.get(next)
    const decision = held?.values().next().value
    if (decision !== undefined) {
      held!.delete(decision.id)
    }
    return decision
  }

  #nextStatement (isVouchedFor: (author: PeerName) => boolean): Statement | undefined {
    for (const [author, own] of this.#statements) {
      const statement = isVouchedFor(author) ? own.values().next().value : undefined
      if (statement !== undefined) {
        own.delete(statement.id)
        this.#size--
        if (own.size === 0) {
          this.#statements.delete(author)
        }
        return statement
      }
    }
    return undefined
  }
}
