/**
 * Where a statement belongs among those that are kept: in a cell of few places
 *
 * A cell holds the first few names by a fixed order, and of each name the better statement. Both are the least of what
 * was offered, so that no order of offers makes a difference; and an author fills its own cells only. The order of
 * authors that share a cell is that of a hash: nobody can choose a place in it without grinding keys.
 */
import { createHash } from 'node:crypto'
import { actIdOf } from './acts.ts'
import { guestLimit, isApplicable, isVoter } from './governance-state.ts'
import type { CertificateBody, DepartureBody, EndorsementBody, ObjectionBody, Statement, VotingKeyBody } from './governance-interface.ts'
import type { GovernanceState } from './governance-state.ts'
import type { PeerName } from '../interface.ts'

/** Requests of strangers, in all */
export const MAX_REQUESTS = 64
/** Proposals of members that do not vote: the newest of each, in all */
export const MAX_PROPOSALS = 256
/** Acts of one epoch that one voter endorses or objects to */
export const MAX_ACTS_PER_VOTER = 32
/** Two different ones prove that their author lies */
const PROOF = 2

export interface Place {
  cell: string
  /** Names in the cell: the smallest stay */
  capacity: number
  name: string
  /** Of two statements of one name, the one with the larger value stays; of equal ones the smaller id */
  value: number
}

function hashed (author: PeerName): string {
  return createHash('sha256').update(author).digest('hex')
}

function certificatePlace (state: GovernanceState, { author, body: { number, peer, expiresAt } }: Statement<CertificateBody>): Place {
  return number <= guestLimit(state, author)
    ? { cell: `certificate ${author} ${number}`, capacity: PROOF, name: peer, value: expiresAt }
    : { cell: `over ${author}`, capacity: 1, name: peer, value: expiresAt }
}

function endorsementPlace (state: GovernanceState, { author, body: { federation, epoch, act, at } }: Statement<EndorsementBody>): Place | undefined {
  if (epoch !== state.epoch || !isApplicable(state, act)) {
    return undefined
  }
  return isVoter(state, author)
    ? { cell: `endorsement ${author}`, capacity: MAX_ACTS_PER_VOTER, name: actIdOf(federation, epoch, act), value: 0 }
    : { cell: 'proposal', capacity: MAX_PROPOSALS, name: hashed(author), value: at }
}

function objectionPlace (state: GovernanceState, { author, body: { epoch, actId } }: Statement<ObjectionBody>): Place | undefined {
  return epoch === state.epoch && isVoter(state, author) && !state.decided.has(actId) ? { cell: `objection ${author}`, capacity: MAX_ACTS_PER_VOTER, name: actId, value: 0 } : undefined
}

function votingKeyPlace (state: GovernanceState, { author, body: { epoch, votingKey } }: Statement<VotingKeyBody>): Place | undefined {
  return epoch === state.epoch || epoch === state.epoch + 1 ? { cell: `voting-key ${author} ${epoch}`, capacity: PROOF, name: votingKey, value: 0 } : undefined
}

/** Who left before its admission was taken back since. With more decisions than there are, it lies or is ahead */
function departurePlace (state: GovernanceState, { author, body: { slot } }: Statement<DepartureBody>): Place | undefined {
  const admittedBy = state.admitted.get(author)?.slot ?? -1
  return slot > admittedBy && slot <= state.slot ? { cell: departureCell(author), capacity: 1, name: '', value: slot } : undefined
}

export function departureCell (author: PeerName): string {
  return `departure ${author}`
}

/** Undefined: nobody keeps such a statement now. Whether its author may say anything is another matter */
export function placeOf (state: GovernanceState, statement: Statement): Place | undefined {
  const { author, body } = statement
  switch (body.kind) {
    case 'certificate':
      return certificatePlace(state, statement as Statement<CertificateBody>)
    case 'request':
      return { cell: 'request', capacity: MAX_REQUESTS, name: hashed(author), value: body.at }
    case 'endorsement':
      return endorsementPlace(state, statement as Statement<EndorsementBody>)
    case 'objection':
      return objectionPlace(state, statement as Statement<ObjectionBody>)
    case 'voting-key':
      return votingKeyPlace(state, statement as Statement<VotingKeyBody>)
    case 'departure':
      return departurePlace(state, statement as Statement<DepartureBody>)
  }
}

function isBetter (one: { statement: Statement, value: number }, other: { statement: Statement, value: number }): boolean {
  return one.value > other.value || (one.value === other.value && one.statement.id < other.statement.id)
}

interface Held { statement: Statement, value: number }

export class RecordCells {
  readonly #cells = new Map<string, Map<string, Held>>()

  /** The name that has to go for another one: the largest, where the cell is full */
  #lastOf ({ cell, capacity }: Place): string | undefined {
    const held = this.#cells.get(cell)
    return held === undefined || held.size < capacity ? undefined : [...held.keys()].reduce((last, name) => name > last ? name : last)
  }

  takes (statement: Statement, place: Place): boolean {
    const { cell, name, value } = place
    const held = this.#cells.get(cell)?.get(name)
    if (held !== undefined) {
      return isBetter({ statement, value }, held)
    }
    const last = this.#lastOf(place)
    return place.capacity > 0 && (last === undefined || name < last)
  }

  /** Only what it `takes`. Returns what had to go for it */
  put (statement: Statement, place: Place): Statement | undefined {
    const { cell, name, value } = place
    const names = this.#cells.get(cell) ?? new Map<string, Held>()
    this.#cells.set(cell, names)
    const goes = names.has(name) ? name : this.#lastOf(place)
    const gone = goes === undefined ? undefined : names.get(goes)?.statement
    if (goes !== undefined) {
      names.delete(goes)
    }
    names.set(name, { statement, value })
    return gone
  }

  remove ({ cell, name }: Pick<Place, 'cell' | 'name'>): void {
    const names = this.#cells.get(cell)
    names?.delete(name)
    if (names?.size === 0) {
      this.#cells.delete(cell)
    }
  }

  countIn (cell: string): number {
    return this.#cells.get(cell)?.size ?? 0
  }

  clear (): void {
    this.#cells.clear()
  }

  * statements (): Generator<Statement> {
    for (const names of this.#cells.values()) {
      for (const { statement } of names.values()) {
        yield statement
      }
    }
  }
}
