/**
 * The ballots that one node keeps of one agreement: bounded, whatever a voter sends
 *
 * Of each voter the first ballot of each kind in each iteration that is at hand, so that a liar cannot make it grow. A
 * second one that contradicts is proof against the voter, handed out once.
 */
import { encodeBallot, isContradiction } from './ballot.ts'
import type { Ballot, BallotKind } from './ballot.ts'

/** Iterations before the current one whose ballots are kept: for those who come late */
export const ITERATIONS_BEHIND = 32
/** Iterations after the current one whose ballots are kept, without proof that the ones before are over */
export const ITERATIONS_AHEAD = 8

const KINDS: readonly BallotKind[] = ['propose', 'vote', 'skip', 'finalize']

type Page = Record<BallotKind, Array<Ballot | undefined>>

/** What became of a ballot */
export type Kept =
  | { status: 'news' | 'known' | 'ignored' }
  /** By a voter that was not proven to lie before: two ballots as they travel */
  | { status: 'contradiction', evidence: [Uint8Array, Uint8Array] }

export class BallotBox {
  /** By iteration */
  readonly #pages = new Map<number, Page>()
  readonly #liars = new Set<number>()
  #current = 1

  /** Forgets what is far behind */
  moveTo (iteration: number): void {
    this.#current = iteration
    for (const old of this.#pages.keys()) {
      if (old < iteration - ITERATIONS_BEHIND) {
        this.#pages.delete(old)
      }
    }
  }

  isAtHand (iteration: number): boolean {
    return iteration >= this.#current - ITERATIONS_BEHIND && iteration <= this.#current + ITERATIONS_AHEAD
  }

  get (iteration: number, kind: BallotKind, voter: number): Ballot | undefined {
    return this.#pages.get(iteration)?.[kind][voter]
  }

  /** Whose signature was checked */
  add (ballot: Ballot): Kept {
    const { iteration, kind, voter } = ballot
    if (!this.isAtHand(iteration)) {
      return { status: 'ignored' }
    }
    const page = this.#page(iteration)
    const contradicted = KINDS.map((other) => page[other][voter]).find((other) => other !== undefined && isContradiction(other, ballot))
    if (contradicted !== undefined && !this.#liars.has(voter)) {
      this.#liars.add(voter)
      page[kind][voter] ??= ballot
      return { status: 'contradiction', evidence: [encodeBallot(contradicted), encodeBallot(ballot)] }
    }
    if (page[kind][voter] !== undefined) {
      return { status: contradicted === undefined ? 'known' : 'ignored' }
    }
    page[kind][voter] = ballot
    return { status: 'news' }
  }

  /** Those of an iteration for one value, by ascending voter */
  of (iteration: number, kind: BallotKind, value: string): Ballot[] {
    return (this.#pages.get(iteration)?.[kind] ?? []).filter((ballot) => ballot?.value === value) as Ballot[]
  }

  /** All by one voter */
  by (voter: number): Ballot[] {
    return [...this.#pages.values()].flatMap((page) => KINDS.map((kind) => page[kind][voter])).filter((ballot) => ballot !== undefined)
  }

  #page (iteration: number): Page {
    let page = this.#pages.get(iteration)
    if (page === undefined) {
      page = { propose: [], vote: [], skip: [], finalize: [] }
      this.#pages.set(iteration, page)
    }
    return page
  }
}
