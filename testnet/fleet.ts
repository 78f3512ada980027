/**
 * The peer processes of one testnet: starting, listening to them, killing, stopping
 *
 * Whatever ends the testnet, `stop` leaves no process behind.
 */
import { quoted } from '../src/quoted.ts'
import { peerEnvironment } from './peer-arguments.ts'
import { parsePeerLine } from './peer-events.ts'
import { PeerProcess } from './peer-process.ts'
import { TestnetPeerError } from './errors.ts'
import type { PeerLine } from './interface.ts'
import type { PeerEvent } from './peer-events.ts'
import type { ProcessExit } from './peer-process.ts'
import type { PeerRecord } from './peer-record.ts'

/** A peer has this long to leave politely: a little more than it allows itself */
const STOP_GRACE_MS = 12_000
/** A peer that said it had stopped must be gone after this */
const EXIT_GRACE_MS = 15_000

/** What a peer that did all its rounds ends with; 10: it sent nothing in some of them, its privacy budget was spent */
const DONE_CODES: ReadonlyArray<number | null> = [0, 10]

export interface FleetInit {
  records: readonly PeerRecord[]
  /** The peer program */
  command: readonly string[]
  threads: number
  environment: Readonly<Record<string, string>>
  onLine: (record: PeerRecord, line: PeerLine) => void
  onEvent: (record: PeerRecord, event: PeerEvent) => void
  onFail: (record: PeerRecord, error: TestnetPeerError) => void
  onWarning: (message: string) => void
}

interface Waiter {
  condition: () => boolean
  resolve: () => void
  reject: (reason: unknown) => void
}

export class Fleet {
  private readonly init: FleetInit
  private readonly waiters = new Set<Waiter>()
  private readonly exits = new Set<Promise<void>>()
  private reason: Error | undefined

  constructor (init: FleetInit) {
    this.init = init
  }

  /** Starts a peer's process with these arguments */
  start (record: PeerRecord, args: readonly string[]): void {
    if (this.reason !== undefined) {
      throw this.reason
    }
    record.state = 'starting'
    record.ending = false
    const started = new PeerProcess({
      command: [...this.init.command, ...args],
      environment: { ...peerEnvironment(this.init.threads, process.env), ...this.init.environment },
      onLine: (text) => this.take(record, text)
    })
    record.process = started
    const exit = this.watch(record, started)
    this.exits.add(exit)
    void exit.finally(() => this.exits.delete(exit))
  }

  /** SIGKILL, as a power cut would do it */
  kill (record: PeerRecord): boolean {
    record.ending = true
    record.state = 'killed'
    return record.process?.signal('SIGKILL') ?? false
  }

  /**
   * Resolves when the condition holds: it is tried again after everything that happens. Rejects once the fleet is
   * aborted
   */
  until (condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.add({ condition, resolve, reject })
      this.changed()
    })
  }

  /** True while a process of one of these peers lives */
  running (records: readonly PeerRecord[]): boolean {
    return records.some((record) => record.process !== undefined)
  }

  /** Makes every `until` reject, now and from now on */
  abort (reason: Error): void {
    this.reason ??= reason
    this.changed()
  }

  /** Ends the processes of these peers and waits until they are gone */
  async stop (records: readonly PeerRecord[], options: { force?: boolean } = {}): Promise<void> {
    await Promise.all(records.map(async (record) => {
      record.ending = true
      await record.process?.stop(options.force === true ? 0 : STOP_GRACE_MS)
    }))
    await Promise.all(this.exits)
  }

  /** At once and without waiting: for the last moment of this process */
  killAll (): void {
    for (const record of this.init.records) {
      record.ending = true
      record.process?.signal('SIGKILL')
    }
  }

  private take (record: PeerRecord, text: string): void {
    const parsed = parsePeerLine(text)
    if (parsed === undefined) {
      this.init.onWarning(`${record.name} printed something else than an event: ${quoted(text)}`)
      return
    }
    if (parsed.problem !== undefined) {
      this.init.onWarning(`${record.name} printed an event that cannot be read: ${parsed.problem}`)
    }
    if (parsed.event !== undefined && record.state !== 'killed') {
      record.apply(parsed.event)
      this.init.onEvent(record, parsed.event)
    }
    this.init.onLine(record, { ...parsed.line, node: record.name })
    this.changed()
  }

  private async watch (record: PeerRecord, started: PeerProcess): Promise<void> {
    const said = new AbortController()
    void this.until(() => record.state === 'finished' || said.signal.aborted).then(() => this.expectExit(record, started), () => {})
    const exit = await started.exited
    said.abort()
    if (record.process === started) {
      record.process = undefined
    }
    if (!record.ending && !(record.state === 'finished' && DONE_CODES.includes(exit.code))) {
      this.failed(record, started, exit)
    } else if (record.ending && record.state !== 'finished' && record.state !== 'killed') {
      record.state = 'stopped'
    }
    this.changed()
  }

  /** A process that hangs after its last word is a failure too, but must not hold up the testnet */
  private async expectExit (record: PeerRecord, started: PeerProcess): Promise<void> {
    const timer = setTimeout(() => {
      record.failure = `still running ${EXIT_GRACE_MS / 1000} s after it had stopped`
      started.signal('SIGKILL')
    }, EXIT_GRACE_MS)
    await started.exited
    clearTimeout(timer)
  }

  private failed (record: PeerRecord, started: PeerProcess, exit: ProcessExit): void {
    record.state = 'failed'
    record.failure ??= exitReason(exit)
    this.init.onFail(record, new TestnetPeerError(`${record.name} ${record.failure}`, {
      node: record.name,
      exitCode: exit.code ?? undefined,
      stderr: started.stderr()
    }))
  }

  private changed (): void {
    for (const waiter of this.waiters) {
      if (this.reason !== undefined) {
        this.waiters.delete(waiter)
        waiter.reject(this.reason)
      } else if (waiter.condition()) {
        this.waiters.delete(waiter)
        waiter.resolve()
      }
    }
  }
}

function exitReason (exit: ProcessExit): string {
  if (exit.error !== undefined) {
    return `could not be started: ${exit.error.message}`
  }
  return exit.signal === null ? `ended with exit code ${exit.code}` : `was ended by ${exit.signal}`
}
