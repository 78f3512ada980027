/**
 * One peer program as a child process
 *
 * The child leads its own process group, so that Ctrl-C in a terminal reaches the testnet alone, which then stops its
 * children in order. It holds the reading end of a pipe on stdin: when this process dies, however it dies, the pipe
 * closes and the child ends by itself (GRAPEVINE_EXIT_WITH_STDIN).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readLines } from './json-lines.ts'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

const STDERR_LINES = 20
const STDERR_LINE_CHARACTERS = 2_000

export interface PeerProcessInit {
  command: readonly string[]
  environment: Record<string, string | undefined>
  onLine: (text: string) => void
}

export interface ProcessExit {
  code: number | null
  signal: NodeJS.Signals | null
  /** Why it could not even be started */
  error?: Error
}

export class PeerProcess {
  /** Resolves when the process is gone and its output has been read to the end. Never rejects */
  readonly exited: Promise<ProcessExit>
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  private readonly stderrLines: string[] = []
  private running = true

  constructor (init: PeerProcessInit) {
    const [program, ...args] = init.command
    this.child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'], env: init.environment, detached: true })
    // the child may close its end at any time: nothing is ever written here
    this.child.stdin.on('error', () => {})
    readLines(this.child.stdout, init.onLine)
    readLines(this.child.stderr, (line) => {
      this.stderrLines.push(line.slice(0, STDERR_LINE_CHARACTERS))
      this.stderrLines.splice(0, this.stderrLines.length - STDERR_LINES)
    })
    this.exited = this.watch()
  }

  get pid (): number | undefined {
    return this.child.pid
  }

  /** The last lines of its stderr */
  stderr (): string[] {
    return [...this.stderrLines]
  }

  /** To the process itself; false when it is gone already */
  signal (name: NodeJS.Signals): boolean {
    return this.running && this.child.kill(name)
  }

  /** Interrupts it, and kills it when it is still there after `graceMs` */
  async stop (graceMs: number): Promise<ProcessExit> {
    this.signal('SIGINT')
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs)
    try {
      return await this.exited
    } finally {
      clearTimeout(timer)
    }
  }

  private async watch (): Promise<ProcessExit> {
    try {
      const [code, signal] = await once(this.child, 'close') as [number | null, NodeJS.Signals | null]
      return { code, signal }
    } catch (err) {
      // `once` rejects on the 'error' event: the program could not be started
      return { code: null, signal: null, error: err as Error }
    } finally {
      this.running = false
    }
  }
}
