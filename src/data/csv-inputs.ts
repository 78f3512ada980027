/**
 * Rows of a CSV file without their labels, batch by batch, for predictions
 */
import { DatasetError } from '../errors.ts'
import { readCsvRows } from './csv.ts'
import { INPUT_BATCH } from './data-format.ts'
import { inputWords, requireRoom } from './examples.ts'
import { readRowInputs } from './row-inputs.ts'
import { tableExamples } from './table-examples.ts'
import { valuesReader } from './table-values.ts'
import type { RowPlace } from './csv.ts'
import type { Row } from './row.ts'
import type { InputBatch, InputSource, TakeInputs } from './data-format.ts'
import type { Model, TableInput } from './examples.ts'
import type { DecimalMark } from './parse-number.ts'
import type { ReadRows, RowBatch } from './row-inputs.ts'
import type { ValuesReader } from './table-values.ts'

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
export async function readTableInputs ({ path }: InputSource, { input }: Model, take: TakeInputs, read: ReadRows): Promise<number> {
  if (input.kind !== 'table') {
    throw new DatasetError(`${path} is read as a table, but the federation's model takes ${inputWords(input).takes}; give ${input.kind === 'image' ? 'an IDX file of images' : 'texts'}`)
  }
  return readRowInputs(take, read, (names, format) => new TableBatch(path, names, input, format?.decimal))
}

/** Rows that wait to be handed over, prepared by the code that prepares them for training */
class TableBatch implements RowBatch {
  count = 0
  private readonly values: Float32Array
  private readonly read: ValuesReader
  private readonly width: number
  private readonly examples: ReturnType<typeof tableExamples>
  private readonly inputs: Float32Array

  constructor (path: string, names: readonly string[], input: TableInput, decimal: DecimalMark | undefined) {
    const width = this.width = input.columns.length
    this.read = valuesReader(path, names, input, decimal)
    this.values = new Float32Array(INPUT_BATCH * width)
    this.examples = tableExamples(this.values, new Uint16Array(INPUT_BATCH), input)
    requireRoom(path, INPUT_BATCH, 4 * this.examples.featureCount)
    this.inputs = new Float32Array(INPUT_BATCH * this.examples.featureCount)
  }

  add (row: Row, place: RowPlace): void {
    this.read(row, place, this.values, this.count++ * this.width)
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
