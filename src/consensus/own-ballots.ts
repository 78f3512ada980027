/**
 * All that one voter signed in one agreement, in this life of its home and the ones before: what it may sign still
 */
import { isContradiction } from './ballot.ts'
import type { Ballot, UnsignedBallot } from './ballot.ts'

export class OwnBallots {
  /** By iteration */
  readonly #ballots = new Map<number, Ballot[]>()
  /** Those of the lives before */
  readonly restored: Ballot[] = []

  /** Whether it is new */
  add (ballot: Ballot): boolean {
    const all = this.#ballots.get(ballot.iteration) ?? []
    if (all.some(({ kind, value }) => kind === ballot.kind && value === ballot.value)) {
      return false
    }
    this.#ballots.set(ballot.iteration, [...all, ballot])
    return true
  }

  restore (ballot: Ballot): void {
    this.add(ballot) && this.restored.push(ballot)
  }

  /** One of each kind in an iteration, and none that contradicts another */
  allows (ballot: UnsignedBallot): boolean {
    return !(this.#ballots.get(ballot.iteration) ?? []).some((own) => own.kind === ballot.kind || isContradiction(own, ballot))
  }

  since (iteration: number): Ballot[] {
    return [...this.#ballots].filter(([own]) => own >= iteration).flatMap(([, ballots]) => ballots)
  }
}
