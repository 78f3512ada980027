/**
 * What many schedules of one number of voters came to
 */
import { quorum, toleratedLiars } from '../../src/consensus/quorum.ts'
import { latestDeltas, runSchedule } from './schedule.ts'
import type { Problem } from './schedule.ts'
import type { Planted } from './world.ts'

export interface Tally {
  schedules: number
  decided: number
  /** Message delays from healing until all had decided, of the slowest schedule */
  longestDeltas: number
  /** The last iteration of any */
  iterations: number
  /** Liars that somebody could prove, over all schedules */
  proven: number
  /** Seeds of the first schedules with each problem, and how many there were */
  problems: Partial<Record<Problem, { count: number, seeds: number[] }>>
}

/** Schedules of one number of voters, one after another */
export interface Batch {
  voters: number
  firstSeed: number
  schedules: number
}

const SEEDS_KEPT = 5

export function emptyTally (): Tally {
  return { schedules: 0, decided: 0, longestDeltas: 0, iterations: 0, proven: 0, problems: {} }
}

export function addTallies (a: Tally, b: Tally): Tally {
  const problems = { ...a.problems }
  for (const [problem, { count, seeds }] of Object.entries(b.problems) as Array<[Problem, { count: number, seeds: number[] }]>) {
    const before = problems[problem] ?? { count: 0, seeds: [] }
    problems[problem] = { count: before.count + count, seeds: [...before.seeds, ...seeds].slice(0, SEEDS_KEPT) }
  }
  return {
    schedules: a.schedules + b.schedules,
    decided: a.decided + b.decided,
    longestDeltas: Math.max(a.longestDeltas, b.longestDeltas),
    iterations: Math.max(a.iterations, b.iterations),
    proven: a.proven + b.proven,
    problems
  }
}

export function runBatch ({ voters, firstSeed, schedules }: Batch, planted: Planted = {}): Tally {
  let tally = emptyTally()
  for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
    const { isDecided, deltas, iterations, proven, problems } = runSchedule({ voters, seed, planted })
    const found = Object.fromEntries(problems.map((problem) => [problem, { count: 1, seeds: [seed] }]))
    tally = addTallies(tally, { schedules: 1, decided: Number(isDecided), longestDeltas: deltas, iterations, proven, problems: found })
  }
  return tally
}

const HEAD = ['n', 'F', 'q', 'schedules', 'decided', 'longest, deltas', 'of at most', 'iterations', 'late', 'unsafe', 'liars proven']

/** One line for each number of voters */
export function table (tallies: ReadonlyMap<number, Tally>): string {
  const rows = [...tallies].map(([voters, tally]) => {
    const { late, ...unsafe } = tally.problems
    const dangers = Object.values(unsafe).reduce((sum, { count }) => sum + count, 0)
    return [voters, toleratedLiars(voters), quorum(voters), tally.schedules, tally.decided, tally.longestDeltas.toFixed(1), latestDeltas(voters), tally.iterations, late?.count ?? 0, dangers, tally.proven]
  })
  return [HEAD, HEAD.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
