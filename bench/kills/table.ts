/**
 * What `npm run verify:kills` prints: where the kills fell
 */
import type { Stop } from './phases.ts'
import type { Hit, Victim } from './victim.ts'

export interface NamedHit extends Hit {
  victim: Pick<Victim, 'hasArrived'>
}

interface Row {
  name: string
  stops: readonly Stop[]
  /** What "already there" means */
  effect: string
}

const ROWS: readonly Row[] = [
  { name: 'charge', stops: ['charge'], effect: 'in the ledger' },
  { name: 'publication number', stops: ['number'], effect: 'in the store' },
  { name: 'publish', stops: ['publish'], effect: 'with a neighbour' },
  { name: 'commit', stops: ['commit'], effect: 'in the store' },
  { name: 'prune: removal with a commit', stops: ['removal'], effect: 'removed' },
  { name: 'prune: compaction', stops: ['compaction'], effect: '' }
]

function line (cells: ReadonlyArray<string | number>): string {
  return `| ${cells.join(' | ')} |`
}

function isThere ({ phase, durable, victim }: NamedHit): boolean | undefined {
  // the number of a publication is not in the line of its beginning: the round says enough, it is published once
  return phase?.stop === 'publish' ? victim.hasArrived(phase.numbers[0]!) : durable
}

function row ({ name, stops, effect }: Row, hits: readonly NamedHit[]): string {
  const inside = hits.filter(({ phase }) => phase !== undefined && stops.includes(phase.stop))
  const aimed = inside.filter(({ plan }) => plan.kind === 'stop').length
  const there = inside.filter((hit) => isThere(hit) === true).length
  return line([name, inside.length, aimed, inside.length - aimed, effect === '' ? '' : `${there} ${effect}, ${inside.length - there} not`])
}

export interface Summary {
  seconds: number
  problems: number
}

/** In Markdown */
export function table (hits: readonly NamedHit[], { seconds, problems }: Summary): string {
  const outside = hits.filter(({ phase }) => phase === undefined)
  const early = outside.filter((hit) => hit.early)
  return [
    line(['Killed inside', 'Kills', 'Stopped there', 'At random', 'What it was about to do']),
    line(['---', '---', '---', '---', '---']),
    ...ROWS.map((each) => row(each, hits)),
    line(['the start, before the first charge', early.length, 0, early.length, '']),
    line(['elsewhere in a round', outside.length - early.length, 0, outside.length - early.length, '']),
    line(['all', hits.length, hits.filter(({ plan, phase }) => plan.kind === 'stop' && phase?.stop === plan.stop).length, '', '']),
    '',
    `${hits.length} kills in ${(seconds / 60).toFixed(1)} min; what did not hold: ${problems}`
  ].join('\n')
}
