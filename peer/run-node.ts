/**
 * Runs a node in this process until it is done, stopped or broken; with its control endpoint
 */
import { connectControl } from './control/control-client.ts'
import { ControlServer } from './control/control-server.ts'
import { reportError } from './error-report.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { GracefulStop } from './graceful-stop.ts'
import { lostKey } from './home.ts'
import { logNode } from './node-log.ts'
import { DATA_SETTINGS } from './node-init.ts'
import type { Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'
import type { GrapevineNode, NodeInit } from '../src/node/node-interface.ts'

/**
 * Resolves with the exit code
 *
 * Throws HomeLockedError when a peer of this home runs already, and whatever `node.start()` throws
 *
 * @param started - Called when the node is there: its home works
 */
export async function runNode (init: NodeInit, settings: Settings, terminal: Terminal, started: () => Promise<void> = async () => {}): Promise<number> {
  await refuseRunning(init.home)
  if (await lostKey(init.home)) {
    terminal.warn(`${init.home} has lost its identity.key: this peer gets a new one, and to the others it is a new peer. Stop it and put the old key back if you have a copy`)
  }
  // the native libraries of a backend print a banner otherwise
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'
  const { createNode } = await import('../src/index.ts')
  if (settings.attack !== undefined) {
    terminal.warn(`THIS PEER LIES TO ITS NEIGHBOURS (--attack ${settings.attack}): for simulations only`)
  }
  if (init.alone === 'train') {
    terminal.warn('--alone train: rounds go on without neighbours, and each costs as much privacy budget as a round that is mixed; this run only')
  }
  const node = createNode(init, settings.attack === undefined ? {} : (await import('../src/simulation/byzantine-parts.ts')).byzantineParts(settings.attack))
  logNode(node, terminal)
  // whoever is approved later must find its key again
  node.addEventListener('admission:waiting', () => { void started() })
  let spent = false
  node.addEventListener('privacy:exhausted', () => { spent = true })
  const stopping = new GracefulStop({ node, home: init.home, terminal })
  if (settings.exitWithStdin === true) {
    stopping.followStdin()
  }
  const dataSettings = Object.fromEntries(DATA_SETTINGS.map((name) => [name, settings[name]]))
  const control = new ControlServer({ home: init.home, node, dataSettings })
  try {
    await start(node, stopping)
    await started()
    await openControl(control, terminal)
    const { reason, error } = await node.stopped()
    if (error !== undefined) {
      return fail(error, terminal)
    }
    return spent && reason !== 'request' ? EXIT_CODES.privacy.code : EXIT_CODES.ok.code
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
