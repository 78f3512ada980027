/**
 * The `grapevine-testnet` program: flags in, progress and a report out. main.ts starts it
 *
 * Ctrl-C once stops all peers politely, twice at once. Exit codes are in the help.
 */
import { parseFederation } from '../src/federation/document.ts'
import { printable } from '../src/quoted.ts'
import { createTestnet } from './testnet.ts'
import { UsageError } from './errors.ts'
import { plural } from './format.ts'
import { readOrder } from './options.ts'
import { ProgramOutput } from './output.ts'
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

/** From the first line on: a reader may go away before there is a testnet */
const output = new ProgramOutput(process.stdout)

/** Runs the command line to its end and resolves with the exit code. Never rejects */
export async function main (argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  // nothing is lost when nobody reads the narration
  process.stderr.on('error', () => {})
  try {
    const order = await readOrder(argv, { environment: process.env, workingDirectory: process.cwd() }, output.write)
    const exitCode = order === undefined ? EXIT_OK : await carryOut(order)
    await output.flush()
    return output.lost === undefined ? exitCode : fail(output.lost, json)
  } catch (err) {
    return fail(output.lost ?? err as Error, json)
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
  const { env } = process
  const canRewrite = output.isTTY && env['TERM'] !== 'dumb' && (env['CI'] ?? '') === ''
  const place = { isTTY: canRewrite, get columns () { return output.columns }, get rows () { return output.rows }, write: output.write }
  const progress = showProgress(testnet, { rounds: init.rounds, output: place })
  const { federation, partition } = init
  const split = partition?.strategy === 'dirichlet' ? `Dirichlet ${partition.alpha}` : partition?.strategy === 'shards' ? `${partition.shardsPerPeer} shards each` : 'iid'
  progress.line(`testnet "${federation.name}": ${plural(init.peers, 'peer')}, ${plural(init.rounds, 'round')}, ${init.data.kind}, ${split}, degree ${federation.topology.degree}, ${federation.aggregation.rule}, ${federation.codec.name}, ${promiseText(parseFederation(federation).privacy)}`)
  order.notes.forEach((note) => progress.line(note))
  return progress
}

function printEvents (testnet: Testnet): void {
  testnet.addEventListener('peer:event', ({ detail }) => output.json(detail))
  for (const type of OWN_EVENTS) {
    testnet.addEventListener(type, ({ detail }) => output.json({ type: `testnet:${type}`, time: new Date().toISOString(), ...detail }))
  }
}

async function publish (report: TestnetReport, order: Order): Promise<void> {
  if (order.json) {
    output.json({ type: 'report', ...report })
  } else {
    output.lines(['', ...summaryLines(report)])
  }
  if (order.report !== undefined) {
    const page = await writeReport(order.report, report)
    if (!order.json) {
      output.lines(['', `report ${page}`])
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
  const onClosed = (): void => interrupt.abort(output.lost ?? new InterruptedError('nobody reads the output any more'))
  const onExit = (): void => testnet.killAll()
  output.closed.addEventListener('abort', onClosed, { once: true })
  signals.forEach((name) => process.on(name, onSignal))
  process.on('exit', onExit)
  return () => {
    signals.forEach((name) => process.off(name, onSignal))
    process.off('exit', onExit)
  }
}

/** By the name of the error */
const EXITS: Readonly<Record<string, number>> = {
  UsageError: EXIT_USAGE,
  InvalidFederationError: EXIT_CONFIGURATION,
  DatasetError: EXIT_DATA,
  BackendError: EXIT_INCOMPATIBLE,
  TrainingError: EXIT_TRAINING,
  TestnetTimeoutError: EXIT_TIMEOUT,
  InterruptedError: EXIT_INTERRUPTED,
  TestnetStoppedError: EXIT_INTERRUPTED,
  FolderError: EXIT_STORAGE,
  OutputError: EXIT_STORAGE
}

function exitCodeOf (err: Error): number {
  if (err.name === 'TestnetPeerError') {
    const { exitCode } = err as TestnetPeerError
    return SHARED_CAUSES.includes(exitCode) ? exitCode! : EXIT_PARTIAL
  }
  return EXITS[err.name] ?? EXIT_UNEXPECTED
}

function fail (err: Error, json: boolean): number {
  const exitCode = exitCodeOf(err)
  if (json) {
    output.json({ type: 'error', time: new Date().toISOString(), name: err.name, message: err.message, exitCode })
  }
  const text = `error: ${err.message}${exitCode === EXIT_USAGE ? '. See --help' : ''}`
  const detail = exitCode === EXIT_UNEXPECTED ? (err.stack ?? '').split('\n') : []
  process.stderr.write([text.replace(/\s*\n\s*/g, ' '), ...detail].map((line) => `${printable(line)}\n`).join(''))
  return exitCode
}
