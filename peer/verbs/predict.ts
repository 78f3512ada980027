/**
 * `grapevine predict INPUT`: what a version says of examples without labels. Nothing is sent
 */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { formatCount, formatVersion } from '../format.ts'
import { noteNewer, openHome } from '../home-reader.ts'
import { csvRows, csvValues, jsonRows, jsonValues } from '../prediction-rows.ts'
import { chooseModel } from '../version-choice.ts'
import { WholeFile } from '../whole-file.ts'
import { quoted } from '../../src/quoted.ts'
import type { VerbContext } from '../context.ts'
import type { RowWriter } from '../prediction-rows.ts'
import type { CompleteVersion } from '../version-choice.ts'
import type { Terminal } from '../terminal.ts'
import type { InputSource } from '../../src/data/data-format.ts'
import type { BackendName } from '../../src/interface.ts'

/** Thrown by whoever takes rows, never seen outside: nobody reads them any more */
class ReaderGone extends Error {
  override name = 'ReaderGone'
}

interface Predicted {
  rows: number
  backend: BackendName
}

type Sink = (text: string) => Promise<void> | undefined

export async function predict ({ home, terminal, args, settings }: VerbContext): Promise<number> {
  const { separator, decimal } = settings
  const source: InputSource = { ...args[0] === '-' ? { path: 'standard input', bytes: process.stdin } : { path: resolve(args[0]!) }, separator, decimal }
  const { output } = settings
  await requireOther(source, output)
  const reader = await openHome(home)
  try {
    const chosen = await chooseModel(reader, settings.version ?? 'latest', { home, terminal })
    const { version, document } = chosen
    terminal.note(`predicting with ${formatVersion(version)} of federation ${quoted(document.name)}`)
    await noteNewer(reader, version, terminal)
    // a peer that starts meanwhile must find its store free
    await reader.close()
    const backend = settings.backend ?? 'auto'
    const work = async (sink: Sink): Promise<Predicted> => predictRows(source, chosen, { sink, backend, json: terminal.json })
    const { rows, backend: used } = output === undefined ? await toTerminal(terminal, work) : await toFile(output, work)
    terminal.event('predict', { version: version.id, round: version.round, mixed: version.mixed, rows, backend: used, ...(output === undefined ? {} : { output }) })
    if (output !== undefined) {
      terminal.line(`wrote ${formatCount(rows)} predictions of ${formatVersion(version)} to ${output}`)
    }
    return 0
  } catch (err) {
    if (err instanceof ReaderGone) {
      return 0
    }
    throw err
  } finally {
    await reader.close()
  }
}

/** A slip of the hand must not cost anybody their data */
async function requireOther ({ path, bytes }: InputSource, output: string | undefined): Promise<void> {
  if (output === undefined || bytes !== undefined) {
    return
  }
  const [from, to] = await Promise.all([path, output].map(async (file) => stat(file).catch(() => undefined)))
  if (from?.isFile() === true && to !== undefined && from.dev === to.dev && from.ino === to.ino) {
    throw new UsageError(`--output ${output} is the input itself, which it would replace: name another file`)
  }
}

async function predictRows (source: InputSource, { document, parameters, weights }: CompleteVersion, { sink, backend, json }: { sink: Sink, backend: BackendName | 'auto', json: boolean }): Promise<Predicted> {
  const { createPredictor } = await import('../../src/model/predictor.ts')
  const { readInputs } = await import('../../src/data/input-formats.ts')
  const predictor = await createPredictor({ document, parameters, weights, backend })
  const writer = writerFor(document, json)
  let rows = 0
  await readInputs(source, document.model, ({ inputs, count, names }) => {
    const text = writer.lines({ ...predictor.predict(inputs, count), count, first: rows, names })
    rows += count
    return sink(text)
  })
  return { rows, backend: predictor.backend }
}

function writerFor ({ model: { labels, target } }: CompleteVersion['document'], json: boolean): RowWriter {
  if (target !== undefined) {
    return json ? jsonValues() : csvValues()
  }
  return json ? jsonRows(labels) : csvRows(labels)
}

async function toTerminal (terminal: Terminal, work: (sink: Sink) => Promise<Predicted>): Promise<Predicted> {
  return work((text) => {
    if (terminal.closed.aborted) {
      throw new ReaderGone()
    }
    return terminal.rows(text)
  })
}

async function toFile (output: string, work: (sink: Sink) => Promise<Predicted>): Promise<Predicted> {
  const file = await WholeFile.create(output)
  try {
    const predicted = await work(async (text) => file.write(text))
    await file.finish()
    return predicted
  } finally {
    await file.discard()
  }
}
