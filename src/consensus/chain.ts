/**
 * What each iteration is proven to have ended with, and which values may follow: the rule that makes Simplex safe
 */
import type { Statement } from './certificate.ts'

interface Ending {
  /** Notarized */
  value?: { value: string, proof: Uint8Array }
  /** Proof that a quorum asked to skip it */
  skip?: Uint8Array
}

export class Chain {
  readonly #endings = new Map<number, Ending>()
  #newest = 0

  /** The last iteration that is proven to be over; 0: none */
  get newest (): number {
    return this.#newest
  }

  /** An iteration may have both endings */
  isProven ({ kind, iteration }: Statement): boolean {
    const ending = this.#endings.get(iteration)
    return ending !== undefined && (kind === 'skip' ? ending.skip : ending.value) !== undefined
  }

  /** Of a vote or a skip that is not proven yet, with a proof that was checked */
  add ({ kind, iteration, value }: Statement, proof: Uint8Array): void {
    const ending = this.#endings.get(iteration) ?? {}
    this.#endings.set(iteration, kind === 'skip' ? { ...ending, skip: proof } : { ...ending, value: { value, proof } })
    this.#newest = Math.max(this.#newest, iteration)
  }

  /** The value was notarized before this iteration and all between were skipped, or all before it were */
  mayFollow (value: string, iteration: number): boolean {
    for (let before = iteration - 1; before > 0; before--) {
      const ending = this.#endings.get(before)
      if (ending?.value?.value === value) {
        return true
      }
      if (ending?.skip === undefined) {
        return false
      }
    }
    return true
  }

  /** The newest notarized value that may follow in this iteration, else the wish if it may */
  toPropose (iteration: number, isAdmissible: (value: string) => boolean, wish: string | undefined): string | undefined {
    for (let before = iteration - 1; before > 0; before--) {
      const ending = this.#endings.get(before)
      if (ending?.value !== undefined && isAdmissible(ending.value.value)) {
        return ending.value.value
      }
      if (ending?.skip === undefined) {
        return undefined
      }
    }
    return wish
  }

  /** The value that was notarized last */
  get lastValue (): string | undefined {
    return this.#endings.get(this.lastValueIteration)?.value?.value
  }

  /** Where it was; 0: nowhere */
  get lastValueIteration (): number {
    let iteration = this.#newest
    while (iteration > 0 && this.#endings.get(iteration)?.value === undefined) {
      iteration--
    }
    return iteration
  }

  /** What somebody needs to be where this node is: the last notarization and all that was skipped since */
  proofs (): Uint8Array[] {
    const first = Math.max(1, this.lastValueIteration)
    return Array.from({ length: this.#newest - first + 1 }, (_, i) => this.#endings.get(first + i))
      .map((ending) => ending?.value?.proof ?? ending?.skip)
      .filter((proof) => proof !== undefined)
  }
}
