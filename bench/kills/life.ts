/**
 * One life of a victim: a real peer process, from its start to SIGKILL
 *
 * To be killed inside a phase it is stopped first (SIGSTOP) as soon as the line is read with which the phase begins, or
 * a little later. Only if the line of its end is not in the pipe then, it is killed; else it goes on (SIGCONT), none
 * the wiser, until the next time. The driver may be as late as it likes: a stopped process writes nothing, and a killed
 * one nothing more.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { readLines } from '../../testnet/json-lines.ts'
import { PhaseTrace } from './phases.ts'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Stop } from './phases.ts'

const PROGRAM = resolve(import.meta.dirname, '../../peer/main.js')
const TRACE_LINE = /grapevine:\w+:trace /
/** After this many turns of the loop the pipe of a stopped process has been read to its end, up to 64 KiB */
const DRAINING_TURNS = 4
const STATE_TRIES = 2_000

export interface Line {
  type: string
  [detail: string]: unknown
}

export interface StopPlan {
  stop: Stop
  /** The phase is let pass so often first */
  skip: number
  /** Between the line and the signal, drawn anew for each attempt, milliseconds */
  delayMs: () => number
}

/**
 * Also where the system does not say: whether the kill fell inside is told by what was written until then, not by this
 */
function isStopped (pid: number | undefined): boolean {
  try {
    // the name of the program, in brackets, may hold anything
    return /\) T/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

/** Of the event loop */
async function turn (): Promise<void> {
  await new Promise<void>((resolve) => { setImmediate(resolve) })
}

export class Life {
  readonly trace = new PhaseTrace()
  readonly lines: Line[] = []
  /** Standard error without the trace: what an operator is told */
  readonly told: string[] = []
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  private readonly closed: Promise<unknown[]>
  private readonly listeners = new Set<() => void>()
  private onBegin: (stop: Stop) => void = () => {}
  isOver = false

  constructor (args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [PROGRAM, ...args, '--json'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment, GRAPEVINE_EXIT_WITH_STDIN: '1', DEBUG: 'grapevine:*:trace' }
    })
    // the child may close its end at any time: nothing is ever written here
    this.child.stdin.on('error', () => {})
    readLines(this.child.stdout, (text) => {
      this.lines.push(JSON.parse(text) as Line)
      this.wake()
    })
    readLines(this.child.stderr, (text) => { this.readError(text) })
    this.closed = once(this.child, 'close')
    void this.closed.then(() => {
      this.isOver = true
      this.wake()
    })
  }

  /** The first line that fits, past or future. Throws when the process ends first, or `timeoutMs` pass */
  async line (type: string, { timeoutMs }: { timeoutMs: number }): Promise<Line> {
    await this.until(() => this.lines.some((line) => line.type === type), { timeoutMs, what: `"${type}"` })
    return this.lines.find((line) => line.type === type)!
  }

  /** Killed where it is. Resolves when all that it wrote is read: true if it was alive until then */
  async kill (): Promise<boolean> {
    this.child.kill('SIGKILL')
    const [code, signal] = await this.closed
    return code === null && signal === 'SIGKILL'
  }

  /** Killed inside a phase. Resolves as `kill` does; throws as `line` does, when it never gets there */
  async killInside (plan: StopPlan, { timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    let left = plan.skip
    for (;;) {
      await this.begun(plan.stop, () => left-- <= 0, timeoutMs)
      const delayMs = plan.delayMs()
      if (delayMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, delayMs))
      }
      if (await this.isStoppedInside(plan.stop)) {
        return this.kill()
      }
      this.child.kill('SIGCONT')
    }
  }

  /** Lets it end by itself; for a life that is not to be killed */
  async end (): Promise<number | null> {
    this.child.kill('SIGINT')
    const [code] = await this.closed as [number | null]
    return code
  }

  private async isStoppedInside (stop: Stop): Promise<boolean> {
    this.child.kill('SIGSTOP')
    for (let tries = 0; tries < STATE_TRIES && !isStopped(this.child.pid); tries++) {
      await turn()
    }
    for (let turns = 0; turns < DRAINING_TURNS; turns++) {
      await turn()
    }
    return this.trace.isOpen(stop)
  }

  /** Resolves in the turn in which the line is read with which such a phase begins, once `fits` */
  private async begun (stop: Stop, fits: () => boolean, timeoutMs: number): Promise<void> {
    let has = false
    this.onBegin = (begun) => {
      if (!has && begun === stop && fits()) {
        has = true
        this.wake()
      }
    }
    await this.until(() => has, { timeoutMs, what: `the beginning of a ${stop}` })
    this.onBegin = () => {}
  }

  private async until (isSo: () => boolean, { timeoutMs, what }: { timeoutMs: number, what: string }): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!isSo()) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || this.isOver) {
        throw new RangeError(`no ${what} ${this.isOver ? `before the peer ended with code ${this.child.exitCode}` : `within ${timeoutMs} ms`}; ` +
          `standard error: ${this.told.join(' | ')}; last lines: ${this.lines.slice(-3).map((line) => JSON.stringify(line).slice(0, 400)).join(' ')}`)
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, leftMs)
      this.listeners.add(resolve)
      await promise
      clearTimeout(timer)
      this.listeners.delete(resolve)
    }
  }

  private readError (text: string): void {
    if (!TRACE_LINE.test(text)) {
      this.told.push(text)
      return
    }
    const begun = this.trace.read(text)
    if (begun !== undefined) {
      this.onBegin(begun)
    }
  }

  private wake (): void {
    for (const listener of this.listeners) {
      listener()
    }
  }
}
