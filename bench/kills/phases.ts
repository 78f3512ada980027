/**
 * Which phase of a round a peer was in when its trace ended
 *
 * The peer writes a line when a phase begins and one when it is done (`DEBUG=grapevine:*:trace`), synchronously,
 * because standard error is a pipe: what is not in the pipe once the process is dead was never done, however late it is
 * read.
 */

/** As the issue counts them; a prune is either of the last two */
export const STOPS = ['charge', 'number', 'publish', 'commit', 'removal', 'compaction'] as const

export type Stop = typeof STOPS[number]

const LINES: ReadonlyArray<{ stop: Stop, begin: RegExp, end: RegExp }> = [
  { stop: 'charge', begin: /charging round (\d+)/, end: /charged round \d+/ },
  { stop: 'number', begin: /storing publication number (\d+) of round (\d+)/, end: /stored publication number/ },
  { stop: 'publish', begin: /publishing round (\d+)/, end: /published round \d+/ },
  { stop: 'commit', begin: /committing round (\d+)/, end: /committed round \d+/ },
  { stop: 'removal', begin: /removing \d+ versions with the commit of round (\d+)/, end: /removed \d+ versions/ },
  { stop: 'compaction', begin: /compacting where versions were removed/, end: /compacted where/ }
]

export interface OpenPhase {
  stop: Stop
  /** What the line of its beginning says, in order: a round; for `number` a sequence and a round */
  numbers: number[]
}

export class PhaseTrace {
  private readonly opened = new Map<Stop, OpenPhase>()
  /** Of this life, by phase */
  readonly begun = new Map<Stop, number>()
  /** Rounds that the peer said are committed, of this life */
  readonly committed: number[] = []
  /** Rounds and sequences that the peer was about to give a publication, of this life */
  readonly numbered: Array<{ round: number, sequence: number }> = []
  /** Rounds that it began to sign and send, of this life */
  readonly published: number[] = []

  /** Returns the phase that begins with this line */
  read (line: string): Stop | undefined {
    for (const { stop, begin, end } of LINES) {
      const begins = begin.exec(line)
      if (begins !== null) {
        const numbers = begins.slice(1).map(Number)
        this.opened.set(stop, { stop, numbers })
        this.begun.set(stop, (this.begun.get(stop) ?? 0) + 1)
        if (stop === 'number') {
          this.numbered.push({ sequence: numbers[0]!, round: numbers[1]! })
        } else if (stop === 'publish') {
          this.published.push(numbers[0]!)
        }
        return stop
      }
      if (end.test(line)) {
        if (stop === 'commit') {
          this.committed.push(this.opened.get('commit')!.numbers[0]!)
        }
        this.opened.delete(stop)
        return undefined
      }
    }
    return undefined
  }

  isOpen (stop: Stop): boolean {
    return this.opened.has(stop)
  }

  /** The innermost one that is open: a removal is part of a commit, and a compaction runs beside all others */
  get open (): OpenPhase | undefined {
    return (['charge', 'number', 'publish', 'removal', 'commit', 'compaction'] as const).map((stop) => this.opened.get(stop)).find((phase) => phase !== undefined)
  }

  phase (stop: Stop): OpenPhase | undefined {
    return this.opened.get(stop)
  }
}
