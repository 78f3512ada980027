#!/usr/bin/env node
/**
 * The `grapevine-testnet` program: flags in, progress and a report out
 *
 * Ctrl-C once stops all peers politely, twice at once. Exit codes are in the help.
 */
import { parseFederation } from '../src/federation.ts'
import { createTestnet } from './testnet.ts'
import { UsageError } from './errors.ts'
import { plural } from './format.ts'
import { readOrder } from './options.ts'
import { promiseText } from './privacy-text.ts'
import { showProgress } from './progress.ts'
import { makeReportFolder, writeReport } from './report-folder.ts'
import { summaryLines } from './summary.ts'
import type { Testnet, TestnetEvents, TestnetReport } from './interface.ts'
import type { TestnetPeerError } from './errors.ts'
import type { Order } from './options.ts'
import type { Progress } from './progress.ts'

const EXIT_OK = 0
const EXIT_UNEXPECTED = 1
const EXIT_USAGE = 2
const EXIT_CONFIGURATION = 3
const EXIT_INCOMPATIBLE = 7
const EXIT_DATA = 8
const EXIT_STORAGE = 9
const EXIT_TRAINING = 12
const EXIT_PARTIAL = 14
const EXIT_TIMEOUT = 124
const EXIT_INTERRUPTED = 130

/** What the first peer to fail ends with says why none could run: they all have the same document, data and disk */
const SHARED_CAUSES: ReadonlyArray<number | undefined> = [EXIT_CONFIGURATION, EXIT_INCOMPATIBLE, EXIT_DATA, EXIT_STORAGE]

const OWN_EVENTS = ['budget:forecast', 'ready', 'round:end', 'peer:kill', 'peer:restart', 'peer:fail', 'peer:exhausted', 'alone:progress', 'warning'] as const satisfies ReadonlyArray<keyof TestnetEvents>

/** The user pressed Ctrl-C */
class InterruptedError extends Error {
  override name = 'InterruptedError'
}

async function main (argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  try {
    const order = await readOrder(argv, { environment: process.env, workingDirectory: process.cwd() }, (text) => process.stdout.write(text))
    return order === undefined ? EXIT_OK : await carryOut(order)
  } catch (err) {
    return fail(err as Error, json)
  }
}

async function carryOut (order: Order): Promise<number> {
  const testnet = makeTestnet(order)
  if (order.report !== undefined) {
    await makeReportFolder(order.report)
  }
  const interrupt = new AbortController()
  const restore = onSignals(testnet, interrupt)
  const progress = order.json ? undefined : begin(testnet, order)
  if (order.json) {
    printEvents(testnet)
  }
  try {
    const report = await runTestnet(testnet, interrupt.signal)
    progress?.stop()
    await publish(report, order)
    return report.summary.failed > 0 ? EXIT_PARTIAL : EXIT_OK
  } finally {
    progress?.stop()
    restore()
  }
}

function makeTestnet (order: Order): ReturnType<typeof createTestnet> {
  try {
    return createTestnet(order.init)
  } catch (err) {
    throw usersError(err)
  }
}

async function runTestnet (testnet: Testnet, signal: AbortSignal): Promise<TestnetReport> {
  try {
    return await testnet.run({ signal })
  } catch (err) {
    throw usersError(err)
  }
}

/** Numbers and folders that do not fit together are the user's, not ours */
function usersError (err: unknown): unknown {
  return err instanceof RangeError ? new UsageError(err.message, { cause: err }) : err
}

function begin (testnet: Testnet, order: Order): Progress {
  const { init } = order
  const { stdout, env } = process
  const canRewrite = stdout.isTTY && env['TERM'] !== 'dumb' && (env['CI'] ?? '') === ''
  const output = { isTTY: canRewrite, get columns () { return stdout.columns }, get rows () { return stdout.rows }, write: (text: string) => stdout.write(text) }
  const progress = showProgress(testnet, { rounds: init.rounds, output })
  const { federation, partition } = init
  const split = partition?.strategy === 'dirichlet' ? `Dirichlet ${partition.alpha}` : partition?.strategy === 'shards' ? `${partition.shardsPerPeer} shards each` : 'iid'
  progress.line(`testnet "${federation.name}": ${plural(init.peers, 'peer')}, ${plural(init.rounds, 'round')}, ${init.data.kind}, ${split}, degree ${federation.topology.degree}, ${federation.aggregation.rule}, ${federation.codec.name}, ${promiseText(parseFederation(federation).privacy)}`)
  order.notes.forEach((note) => progress.line(note))
  return progress
}

function printLine (line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function printEvents (testnet: Testnet): void {
  testnet.addEventListener('peer:event', ({ detail }) => printLine(detail))
  for (const type of OWN_EVENTS) {
    testnet.addEventListener(type, ({ detail }) => printLine({ type: `testnet:${type}`, time: new Date().toISOString(), ...detail }))
  }
}

async function publish (report: TestnetReport, order: Order): Promise<void> {
  if (order.json) {
    printLine({ type: 'report', ...report })
  } else {
    process.stdout.write(['', ...summaryLines(report), ''].join('\n'))
  }
  if (order.report !== undefined) {
    const page = await writeReport(order.report, report)
    if (!order.json) {
      process.stdout.write(`\nreport ${page}\n`)
    }
  }
}

/** The first signal stops, the second kills. Whatever ends this process in between, `exit` takes the peers along */
function onSignals (testnet: ReturnType<typeof createTestnet>, interrupt: AbortController): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const onSignal = (name: NodeJS.Signals): void => {
    if (interrupt.signal.aborted) {
      void testnet.stop({ force: true })
      return
    }
    process.stderr.write(`${name}: stopping all peers; again to kill them\n`)
    interrupt.abort(new InterruptedError(`interrupted by ${name}`))
  }
  // nobody reads any more, as after `| head`: not worth a stack trace
  const onClosed = (): void => interrupt.abort(new InterruptedError('nobody reads the output any more'))
  const onExit = (): void => testnet.killAll()
  process.stdout.on('error', onClosed)
  signals.forEach((name) => process.on(name, onSignal))
  process.on('exit', onExit)
  return () => {
    signals.forEach((name) => process.off(name, onSignal))
    process.off('exit', onExit)
  }
}

function exitCodeOf (err: Error): number {
  switch (err.name) {
    case 'UsageError':
      return EXIT_USAGE
    case 'InvalidFederationError':
      return EXIT_CONFIGURATION
    case 'DatasetError':
      return EXIT_DATA
    case 'BackendError':
      return EXIT_INCOMPATIBLE
    case 'TrainingError':
      return EXIT_TRAINING
    case 'TestnetTimeoutError':
      return EXIT_TIMEOUT
    case 'InterruptedError':
    case 'TestnetStoppedError':
      return EXIT_INTERRUPTED
    case 'TestnetPeerError': {
      const { exitCode } = err as TestnetPeerError
      return SHARED_CAUSES.includes(exitCode) ? exitCode! : EXIT_PARTIAL
    }
    case 'FolderError':
      return EXIT_STORAGE
    default:
      return EXIT_UNEXPECTED
  }
}

function fail (err: Error, json: boolean): number {
  const exitCode = exitCodeOf(err)
  if (json) {
    printLine({ type: 'error', time: new Date().toISOString(), name: err.name, message: err.message, exitCode })
  }
  const detail = exitCode === EXIT_UNEXPECTED ? `\n${err.stack ?? ''}` : ''
  process.stderr.write(`error: ${err.message}${exitCode === EXIT_USAGE ? '. See --help' : ''}${detail}\n`)
  return exitCode
}

process.exitCode = await main(process.argv.slice(2))
