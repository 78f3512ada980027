/**
 * What liars do besides running the program, with right signatures of their own: Twins need nothing more
 */
import { readBallot } from '../../src/consensus/ballot.ts'
import type { BallotKind } from '../../src/consensus/ballot.ts'
import { readStatement } from '../../src/consensus/certificate.ts'
import type { Random } from '../../src/interface.ts'
import { FORBIDDEN, VALUES } from './world.ts'
import type { World } from './world.ts'

export interface LiarTools {
  voter: number
  world: World
  random: Random
  /** To one place, whatever lies between: after some ticks */
  whisper: (place: number, bytes: Uint8Array) => void
  places: number
}

const KINDS: readonly BallotKind[] = ['propose', 'vote', 'skip', 'finalize']

function pick<T> (items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!
}

/** Tells each side of the world what it wants to hear, in each iteration that it hears of, in proposals too */
export function twoFaced (tools: LiarTools): (bytes: Uint8Array) => void {
  const { voter, world, random, whisper, places } = tools
  const faces = Array.from({ length: places }, () => Math.floor(random() * 2))
  const willSkip = random() < 0.5
  const told = new Set<number>()
  const tell = (iteration: number): void => {
    if (told.has(iteration)) {
      return
    }
    told.add(iteration)
    const ballots = [0, 1].map((face) => (['propose', 'vote', 'finalize'] as const).map((kind) => world.sign({ kind, iteration, voter, value: VALUES[face]! })))
    const skip = world.sign({ kind: 'skip', iteration, voter, value: '' })
    for (let place = 0; place < places; place++) {
      ballots[faces[place]!]!.forEach((bytes) => { whisper(place, bytes) })
      willSkip && whisper(place, skip)
    }
  }
  return (bytes) => {
    const statement = readStatement(bytes)
    const iteration = statement === undefined ? readBallot(bytes)?.iteration : statement.iteration + 1
    iteration !== undefined && tell(iteration)
  }
}

/** Changes one thing in a ballot of its own, and signs it again: as ByzzFuzz does in rounds and values */
export function mutate (bytes: Uint8Array, { world, random }: LiarTools): Uint8Array {
  const ballot = readBallot(bytes)
  if (ballot === undefined || random() < 0.05) {
    const broken = Uint8Array.from(bytes)
    broken[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
    return broken
  }
  const { kind, iteration, voter, value } = ballot
  const dice = random()
  if (dice < 0.4) {
    return world.sign({ kind, iteration, voter, value: kind === 'skip' ? '' : pick(VALUES, random) })
  }
  if (dice < 0.7) {
    return world.sign({ kind, iteration: Math.max(1, iteration + pick([-1, 1, 2], random)), voter, value })
  }
  const other = pick(KINDS, random)
  return world.sign({ kind: other, iteration, voter, value: other === 'skip' ? '' : value === '' ? pick(VALUES, random) : value })
}

/** What all voters signed in the epoch before, when it chose something else for a slot of this number */
export function oldBallots (world: World): Uint8Array[] {
  return world.voters.flatMap((_, voter) => [1, 2].flatMap((iteration) => (['vote', 'finalize'] as const)
    .map((kind) => world.sign({ kind, iteration, voter, value: FORBIDDEN }, true))))
}
