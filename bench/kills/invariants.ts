/**
 * What must hold after every kill. Pure: evidence in, violations out
 */
import type { Publication } from '../../src/interface.ts'
import type { HomeState, LedgerState } from './home-state.ts'
import type { PhaseTrace } from './phases.ts'
import type { RecordedUpdate } from './recorder.ts'

export interface AnnouncedVersion {
  id: string
  round: number
  mixed: boolean
}

/** What is known of a victim from its earlier lives */
export interface Memory {
  /** Versions that it said are committed, or that were found, oldest first */
  versions: AnnouncedVersion[]
  /** Rounds that it began to sign and send */
  published: Set<number>
  /** `round/sequence` of all numbers that it was about to give */
  numbered: Set<string>
  /** The newest number that it published under */
  lastPublished: Publication
  ledger: { head: LedgerState['head'], epsilon: number } | undefined
}

const NONE: Publication = { round: 0, sequence: 0 }

export function emptyMemory (): Memory {
  return { versions: [], published: new Set(), numbered: new Set(), lastPublished: NONE, ledger: undefined }
}

/** What one life leaves */
export interface Remains {
  trace: Pick<PhaseTrace, 'committed' | 'numbered' | 'published'>
  /** From `version:commit`, oldest first */
  announced: readonly AnnouncedVersion[]
  /** Undefined before there was one */
  home: HomeState | undefined
  ledger: LedgerState | undefined
  /** As `start` was told */
  keepVersions: number
}

/** The newest `keep`, and the newest `keep` of those that are mixed */
function promised (versions: readonly AnnouncedVersion[], keep: number): AnnouncedVersion[] {
  return [...new Set([...versions.slice(-keep), ...versions.filter(({ mixed }) => mixed).slice(-keep)])]
}

/** The newest version on disk is the last that was announced, or follows it: then it is added to the memory */
function checkNewest (memory: Memory, newest: HomeState['newest']): string[] {
  const last = memory.versions.at(-1)
  if (newest?.id === last?.id) {
    return []
  }
  if (newest === undefined || memory.versions.some(({ id }) => id === newest.id)) {
    return [`the newest announced version is of round ${last?.round}, the newest one on disk of round ${newest?.round}`]
  }
  // committed, and killed before it could say so
  memory.versions.push({ id: newest.id, round: newest.round, mixed: newest.mixed })
  return last === undefined || newest.parents[0] === last.id ? [] : [`the version of round ${newest.round} does not follow the announced one of round ${last.round}`]
}

/** Of what was to be kept: all of it is there, `latest` is the newest mixed one, and the store misses nothing */
function checkKept ({ versions }: Memory, home: HomeState, keepVersions: number): string[] {
  const found = new Set(home.versions.map(({ id }) => id))
  const problems = promised(versions, keepVersions).filter(({ id }) => !found.has(id)).map(({ round }) => `the version of round ${round} is not kept`)
  const mixed = versions.findLast((version) => version.mixed)
  if (home.newestMixed?.id !== mixed?.id) {
    problems.push(`the newest mixed version is of round ${mixed?.round}, the store says of round ${home.newestMixed?.round}`)
  }
  if (home.lost !== undefined) {
    problems.push(`the store says that versions are lost: up to round ${home.lost.round}, found ${home.lost.found}`)
  }
  return [...problems, ...home.unreadable]
}

/**
 * Versions: nothing that was announced is lost, and pruning leaves what was promised. Adds what is new to the memory
 */
export function checkVersions (memory: Memory, { trace, announced, home, keepVersions }: Remains): string[] {
  memory.versions.push(...announced)
  const problems = checkNewest(memory, home?.newest)
  const said = trace.committed.at(-1) ?? 0
  if ((home?.newest?.round ?? 0) < said) {
    problems.push(`round ${said} was said to be committed, and the newest version is of round ${home?.newest?.round}`)
  }
  return home === undefined ? problems : [...problems, ...checkKept(memory, home, keepVersions)]
}

function isBelow (a: Publication, b: Publication): boolean {
  return a.sequence < b.sequence || a.round < b.round
}

/**
 * Publications: a round is signed once, under a number that is on disk, and the store never forgets the newest. Adds to
 * the memory
 */
export function checkPublications (memory: Memory, { trace, home }: Remains): string[] {
  const problems = trace.published.filter((round) => memory.published.has(round)).map((round) => `round ${round} was published in two lives`)
  if (new Set(trace.published).size < trace.published.length) {
    problems.push('a round was published twice in one life')
  }
  trace.published.forEach((round) => memory.published.add(round))
  for (const { round, sequence } of trace.numbered) {
    if (sequence <= memory.lastPublished.sequence || round <= memory.lastPublished.round) {
      problems.push(`number ${sequence} of round ${round} does not follow ${memory.lastPublished.sequence} of round ${memory.lastPublished.round}`)
    }
    memory.numbered.add(`${round}/${sequence}`)
    if (trace.published.includes(round)) {
      memory.lastPublished = { round, sequence }
    }
  }
  if (isBelow(home?.publication ?? NONE, memory.lastPublished)) {
    problems.push(`the store knows publication ${JSON.stringify(home?.publication)}, but ${JSON.stringify(memory.lastPublished)} was published`)
  }
  return problems
}

/**
 * Budget: every publication was charged in the same life, nothing charged is forgotten, and a life wastes one charge at
 * most. Adds to the memory
 */
export function checkLedger (memory: Memory, { trace, ledger }: Remains): string[] {
  const problems: string[] = []
  const rounds = ledger?.charged.map(({ round }) => round) ?? []
  problems.push(...trace.numbered.filter(({ round }) => !rounds.includes(round)).map(({ round }) => `round ${round} was given a number without a charge`))
  problems.push(...trace.published.filter((round) => !rounds.includes(round)).map((round) => `round ${round} was published without a charge`))
  if (new Set(rounds).size < rounds.length) {
    problems.push(`rounds were charged twice in one life: ${rounds.join(' ')}`)
  }
  if (rounds.length > trace.published.length + 1) {
    problems.push(`${rounds.length} charges in a life that published ${trace.published.length} times`)
  }
  if (memory.ledger !== undefined && (ledger === undefined || !ledger.continues || ledger.epsilon < memory.ledger.epsilon)) {
    problems.push(`the ledger does not go on from entry ${memory.ledger.head.index}, epsilon ${memory.ledger.epsilon}: ${JSON.stringify(ledger)}`)
  }
  if (ledger?.firstBad !== undefined) {
    problems.push(`the ledger is damaged at entry ${ledger.firstBad}`)
  }
  memory.ledger = ledger === undefined ? memory.ledger : { head: ledger.head, epsilon: ledger.epsilon }
  return problems
}

/** What neighbours received: one update for a round, one for a number, and none that the victim did not number */
export function checkReceived (updates: readonly RecordedUpdate[], numbered: ReadonlySet<string>): string[] {
  const problems: string[] = []
  const byRound = new Map<number, string>()
  const bySequence = new Map<number, string>()
  for (const { round, sequence, updateId } of updates) {
    if ((byRound.get(round) ?? updateId) !== updateId) {
      problems.push(`two updates of round ${round}`)
    }
    if ((bySequence.get(sequence) ?? updateId) !== updateId) {
      problems.push(`two updates of number ${sequence}`)
    }
    if (!numbered.has(`${round}/${sequence}`)) {
      problems.push(`an update of round ${round} under number ${sequence}, which was never stored`)
    }
    byRound.set(round, updateId)
    bySequence.set(sequence, updateId)
  }
  return problems
}
