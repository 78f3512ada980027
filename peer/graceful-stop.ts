/**
 * How a running peer ends from outside: signals, a reader of standard output or a parent process that went away
 */
import { setTimeout as delay } from 'node:timers/promises'
import { removeControlFile } from './control/control-file.ts'
import { EXIT_CODES } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'
import type { GrapevineNode } from '../src/node/node-interface.ts'

/** A graceful stop that takes longer is given up */
const STOP_TIMEOUT_MS = 10_000

/**
 * `timeout` and other wrappers signal a process and then its whole group: the same signal this soon is one wish, not
 * two
 */
const DUPLICATE_MS = 100

const FORCED_EXIT = { SIGINT: EXIT_CODES.interrupted.code, SIGTERM: EXIT_CODES.terminated.code } as const

type StopSignal = keyof typeof FORCED_EXIT

export interface GracefulStopInit {
  node: Pick<GrapevineNode, 'stop'>
  home: string
  terminal: Terminal
  /** @default 10_000 */
  timeoutMs?: number
  /** The first signal again within this time is not a second one. @default 100 */
  duplicateMs?: number
}

/** The first signal, or a reader that went away, stops the node; a second signal ends the process */
export class GracefulStop {
  requested = false
  private readonly node: Pick<GrapevineNode, 'stop'>
  private readonly home: string
  private readonly terminal: Terminal
  private readonly timeoutMs: number
  private readonly duplicateMs: number
  private first: { signal: StopSignal, at: number } | undefined
  private followsStdin = false
  private readonly handlers: Array<[StopSignal, () => void]>

  constructor (init: GracefulStopInit) {
    const { node, home, terminal, timeoutMs = STOP_TIMEOUT_MS, duplicateMs = DUPLICATE_MS } = init
    this.node = node
    this.home = home
    this.terminal = terminal
    this.timeoutMs = timeoutMs
    this.duplicateMs = duplicateMs
    this.handlers = (['SIGINT', 'SIGTERM'] as const).map((signal) => [signal, () => {
      this.receive(signal)
    }])
    for (const [signal, handler] of this.handlers) {
      process.on(signal, handler)
    }
    terminal.closed.addEventListener('abort', () => {
      void this.stop('SIGTERM')
    }, { once: true })
  }

  /** The other end of standard input is a parent process: when it is gone, however it went, this peer goes too */
  followStdin (): void {
    this.followsStdin = true
    process.stdin.on('end', this.onStdinEnd).on('error', this.onStdinEnd).resume()
  }

  release (): void {
    if (this.followsStdin) {
      process.stdin.off('end', this.onStdinEnd).off('error', this.onStdinEnd).pause()
    }
    for (const [signal, handler] of this.handlers) {
      process.off(signal, handler)
    }
  }

  private readonly onStdinEnd = (): void => {
    void this.stop('SIGTERM')
  }

  private receive (signal: StopSignal): void {
    if (this.isDuplicate(signal)) {
      return
    }
    if (this.requested) {
      this.force(signal)
      return
    }
    this.first = { signal, at: performance.now() }
    this.terminal.note(`stopping${signal === 'SIGINT' ? ' (Ctrl-C again ends at once)' : ''}`)
    void this.stop(signal)
  }

  private isDuplicate (signal: StopSignal): boolean {
    return this.first?.signal === signal && performance.now() - this.first.at < this.duplicateMs
  }

  private async stop (signal: StopSignal): Promise<void> {
    this.requested = true
    const done = await Promise.race([
      this.node.stop().then(() => true),
      delay(this.timeoutMs, false, { ref: false })
    ])
    if (!done) {
      this.terminal.warn(`the peer did not stop within ${this.timeoutMs / 1000} s: ended; its committed versions are safe`)
      this.force(signal)
    }
  }

  private force (signal: StopSignal): void {
    removeControlFile(this.home)
    process.exit(FORCED_EXIT[signal])
  }
}
