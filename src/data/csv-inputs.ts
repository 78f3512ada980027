/**
 * Rows of a CSV file without their labels, batch by batch, for predictions
 */
import { DatasetError } from '../errors.ts'
import { readCsvRows } from './csv.ts'
import { INPUT_BATCH } from './data-format.ts'
import { requireRoom } from './examples.ts'
import { tableExamples } from './table-examples.ts'
import { valuesReader } from './table-values.ts'
import type { BeginRows } from './table-file.ts'
import type { InputBatch, InputSource, TakeInputs } from './data-format.ts'
import type { Model, TableInput } from './examples.ts'

/**
 * Hands over every row, as `DataFormat.inputs` says. The column of the label need not be there, and is not looked at
 *
 * A batch is handed over when it is full, in the midst of a piece of the file: memory holds a piece and what was made
 * of it. Throws DatasetError on a missing column or a value that does not fit; whole batches before it were handed over
 */
export async function readCsvInputs (source: InputSource, model: Model, take: TakeInputs): Promise<number> {
  return readTableInputs(source, model, take, async (begin, ready) => readCsvRows(source.path, begin, { bytes: source.bytes, separator: source.separator, decimal: source.decimal, ready, fewestColumns: 1 }))
}

/**
 * The same from another reader of rows
 *
 * @param read - Calls `begin` with the names of the columns and what that returns with every row, and waits for `ready`
 *   between pieces of the file where it can
 */
export async function readTableInputs ({ path }: InputSource, { input }: Model, take: TakeInputs, read: (begin: BeginRows, ready: () => Promise<void>) => Promise<number>): Promise<number> {
  if (input.kind !== 'table') {
    throw new DatasetError(`${path} is read as a table, but the federation's model takes images of ${input.shape.join(' x ')}; give an IDX file of images`)
  }
  const batch = new TableBatch(path, input)
  let failure: { err: unknown } | undefined
  let taken: Promise<void> | undefined
  // the reader would take another's failure for one of the file
  const hand = (work: () => void): boolean => {
    try {
      work()
    } catch (err) {
      failure = { err }
    }
    return failure === undefined
  }
  const flush = (): boolean => batch.count === 0 || hand(() => {
    taken = joined(taken, take(batch.flush()))
    // waited for before the next piece; a row that does not fit ends the reading first
    taken?.catch(() => {})
  })
  const ready = async (): Promise<void> => {
    const waiting = taken
    taken = undefined
    await waiting?.catch((err: unknown) => { failure = { err } })
  }
  const rows = await read((names, format) => {
    const values = valuesReader(path, names, input, format?.decimal)
    return (row, place) => {
      if (failure !== undefined) {
        return false
      }
      values(row, place, batch.values, batch.count * input.columns.length)
      return ++batch.count < INPUT_BATCH || flush()
    }
  }, ready)
  if (failure === undefined) {
    flush()
  }
  await ready()
  if (failure !== undefined) {
    throw failure.err
  }
  return rows
}

function joined (first: Promise<void> | undefined, second: Promise<void> | undefined): Promise<void> | undefined {
  return first === undefined || second === undefined ? first ?? second : Promise.all([first, second]).then(() => undefined)
}

/** Rows that wait to be handed over, prepared by the code that prepares them for training */
class TableBatch {
  readonly values: Float32Array
  count = 0
  private readonly examples: ReturnType<typeof tableExamples>
  private readonly inputs: Float32Array

  constructor (path: string, input: TableInput) {
    const width = input.columns.length
    this.values = new Float32Array(INPUT_BATCH * width)
    this.examples = tableExamples(this.values, new Uint16Array(INPUT_BATCH), input)
    requireRoom(path, INPUT_BATCH, 4 * this.examples.featureCount)
    this.inputs = new Float32Array(INPUT_BATCH * this.examples.featureCount)
  }

  flush (): InputBatch {
    const { count, inputs, examples } = this
    for (let row = 0; row < count; row++) {
      examples.writeInputs(row, inputs, row * examples.featureCount)
    }
    this.count = 0
    return { inputs, count }
  }
}
