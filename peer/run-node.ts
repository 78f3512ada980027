/**
 * Runs a node in this process until it is done, stopped or broken; owns signals and the control endpoint
 */
import { setTimeout as delay } from 'node:timers/promises'
import { connectControl } from './control/control-client.ts'
import { ControlServer } from './control/control-server.ts'
import { removeControlFile } from './control/control-file.ts'
import { reportError } from './error-report.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { logNode } from './node-log.ts'
import { DATA_SETTINGS } from './node-init.ts'
import type { Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'
import type { GrapevineNode, NodeInit } from '../src/node-interface.ts'

/** A graceful stop that takes longer is given up */
const STOP_TIMEOUT_MS = 10_000

const FORCED_EXIT = { SIGINT: EXIT_CODES.interrupted.code, SIGTERM: EXIT_CODES.terminated.code } as const

type StopSignal = keyof typeof FORCED_EXIT

/**
 * Resolves with the exit code
 *
 * Throws HomeLockedError when a peer of this home runs already, and whatever `node.start()` throws
 */
export async function runNode (init: NodeInit, settings: Settings, terminal: Terminal): Promise<number> {
  await refuseRunning(init.home)
  // the native libraries of a backend print a banner otherwise
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'
  const { createNode } = await import('../src/index.ts')
  if (init.attack !== undefined) {
    terminal.warn(`THIS PEER LIES TO ITS NEIGHBOURS (--attack ${init.attack}): for simulations only`)
  }
  const node = createNode(init)
  logNode(node, terminal)
  const stopping = new GracefulStop(node, init.home, terminal)
  if (settings.exitWithStdin === true) {
    stopping.followStdin()
  }
  const dataSettings = Object.fromEntries(DATA_SETTINGS.map((name) => [name, settings[name]]))
  const control = new ControlServer({ home: init.home, node, dataSettings })
  try {
    await start(node, stopping)
    await openControl(control, terminal)
    const { error } = await node.stopped()
    return error === undefined ? 0 : fail(error, terminal)
  } finally {
    control.stop()
    stopping.release()
  }
}

/** The store's lock is the judge; this only names the process sooner and better */
async function refuseRunning (home: string): Promise<void> {
  const client = await connectControl(home)
  if (client !== undefined) {
    const { HomeLockedError } = await import('../src/errors.ts')
    throw new HomeLockedError(`the peer of ${home} is running already, as process ${client.pid}: see grapevine status, or use another home with --home`)
  }
}

/** A node that was told to stop while it started fails to start: that is what was asked for */
async function start (node: GrapevineNode, stopping: GracefulStop): Promise<void> {
  try {
    await node.start()
  } catch (err) {
    if (!stopping.requested) {
      throw err
    }
  }
}

/** A peer that cannot be looked into is still a peer */
async function openControl (control: ControlServer, terminal: Terminal): Promise<void> {
  try {
    await control.start()
  } catch (err) {
    terminal.warn(`grapevine status will not reach this peer: ${(err as Error).message}`)
  }
}

function fail (error: Error, terminal: Terminal): number {
  const report = reportError(error)
  terminal.error(report, error)
  return report.exit
}

/** The first signal, or a reader that went away, stops the node; a second signal ends the process */
class GracefulStop {
  requested = false
  private readonly node: GrapevineNode
  private readonly home: string
  private readonly terminal: Terminal
  private readonly handlers: Array<[StopSignal, () => void]>

  constructor (node: GrapevineNode, home: string, terminal: Terminal) {
    this.node = node
    this.home = home
    this.terminal = terminal
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
    process.stdin.on('end', this.onStdinEnd).on('error', this.onStdinEnd).resume()
  }

  release (): void {
    process.stdin.off('end', this.onStdinEnd).off('error', this.onStdinEnd).pause()
    for (const [signal, handler] of this.handlers) {
      process.off(signal, handler)
    }
  }

  private readonly onStdinEnd = (): void => {
    void this.stop('SIGTERM')
  }

  private receive (signal: StopSignal): void {
    if (this.requested) {
      this.force(signal)
      return
    }
    this.terminal.note(`stopping${signal === 'SIGINT' ? ' (Ctrl-C again ends at once)' : ''}`)
    void this.stop(signal)
  }

  private async stop (signal: StopSignal): Promise<void> {
    this.requested = true
    const done = await Promise.race([
      this.node.stop().then(() => true),
      delay(STOP_TIMEOUT_MS, false, { ref: false })
    ])
    if (!done) {
      this.terminal.warn(`the peer did not stop within ${STOP_TIMEOUT_MS / 1000} s: ended; its committed versions are safe`)
      this.force(signal)
    }
  }

  private force (signal: StopSignal): void {
    removeControlFile(this.home)
    process.exit(FORCED_EXIT[signal])
  }
}
