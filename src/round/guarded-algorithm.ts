/**
 * An algorithm that somebody handed in, held to what the rounds need of it
 *
 * What it makes is published after a round was paid for: a vector that no codec takes would end the node there, at this
 * start and at every later one, and one of another length would have neighbours ban it. So what is no vector costs the
 * algorithm its memory, with a warning, and the round goes on with the model.
 */
import { firstUnacceptable } from '../codec/frame.ts'
import { MAX_PARAMETERS } from '../limits.ts'
import type { Algorithm } from '../algorithm/algorithm.ts'

export interface GuardInit {
  /** d */
  parameterCount: number
  warn: (message: string) => void
}

/** Throws RangeError where an update of it would be larger than any may be */
export function guardedAlgorithm (algorithm: Algorithm, { parameterCount, warn }: GuardInit): Algorithm {
  const { name, vectors } = algorithm
  if (vectors.length < 1 || vectors.length * parameterCount > MAX_PARAMETERS) {
    throw new RangeError(`an update of ${name} would carry ${vectors.length} vectors of ${parameterCount} elements: there must be one at least, and ${MAX_PARAMETERS} elements at most`)
  }
  const problemOf = (made: readonly Float32Array[], count: number): string | undefined => {
    if (made.length !== count || made.some(({ length }) => length !== parameterCount)) {
      return `${made.length} vectors of ${made.map(({ length }) => length).join(', ')} elements, not ${count} of ${parameterCount}`
    }
    const bad = made.findIndex((vector) => firstUnacceptable(vector) !== -1)
    return bad === -1 ? undefined : `element ${firstUnacceptable(made[bad]!)} of ${vectors[bad]!.name} is not finite or too large`
  }
  /** What it makes, or what it makes of `model` once it has forgotten all. Throws TypeError where that is none, too */
  const sound = (what: string, make: () => readonly Float32Array[], model: Float32Array): readonly Float32Array[] => {
    const made = make()
    const problem = problemOf(made, vectors.length)
    if (problem === undefined) {
      return made
    }
    algorithm.reset()
    warn(`${what} of ${name}: ${problem}; it begins anew`)
    const anew = algorithm.current(model)
    const still = problemOf(anew, vectors.length)
    if (still !== undefined) {
      throw new TypeError(`${name} cannot begin anew: ${still}`)
    }
    return anew
  }
  return {
    name,
    vectors,
    reset: () => { algorithm.reset() },
    state: () => algorithm.state(),
    restore: (state) => algorithm.restore(state),
    correction: (round) => {
      const correction = algorithm.correction(round)
      const isSound = correction === undefined || (correction.length === parameterCount && firstUnacceptable(correction) === -1)
      isSound || warn(`correction of ${name} in round ${round}: no ${parameterCount} finite elements; it is left out`)
      return isSound ? correction : undefined
    },
    outgoing: (local) => sound('what is to be published', () => algorithm.outgoing(local), local.after),
    current: (model) => sound('what is remembered', () => algorithm.current(model), model),
    mixed: (mixed) => sound('what becomes of what was mixed', () => {
      const model = algorithm.mixed(mixed)
      // what else it remembers is looked at when it is next asked for
      return [model, ...mixed.slice(1)]
    }, mixed[0]!)[0]!
  }
}
