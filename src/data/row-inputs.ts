/**
 * Rows of a table on their way to whoever predicts, batch by batch, whatever becomes of each
 */
import { INPUT_BATCH } from './data-format.ts'
import type { CsvFormat } from './csv-dialect.ts'
import type { RowPlace } from './csv.ts'
import type { Row } from './row.ts'
import type { InputBatch, TakeInputs } from './data-format.ts'
import type { BeginRows } from './table-file.ts'

/** Rows that wait to be handed over */
export interface RowBatch {
  readonly count: number
  /** Throws DatasetError for a row that does not fit */
  add: (row: Row, place: RowPlace) => void
  flush: () => InputBatch
}

/** Calls `begin` with the columns and what that returns with every row; waits for `ready` between pieces of the file */
export type ReadRows = (begin: BeginRows, ready: () => Promise<void>) => Promise<number>

/**
 * Hands over every row, at most INPUT_BATCH at once. A batch is handed over when it is full, in the midst of a piece of
 * the file: memory holds a piece and what was made of it. Resolves to the number of rows
 *
 * @param begin - Takes the names of the columns. Throws DatasetError on a missing one
 */
export async function readRowInputs (take: TakeInputs, read: ReadRows, begin: (names: readonly string[], format?: CsvFormat) => RowBatch): Promise<number> {
  let batch: RowBatch | undefined
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
  const flush = (rows: RowBatch): boolean => rows.count === 0 || hand(() => {
    taken = joined(taken, take(rows.flush()))
    // waited for before the next piece; a row that does not fit ends the reading first
    taken?.catch(() => {})
  })
  const ready = async (): Promise<void> => {
    const waiting = taken
    taken = undefined
    await waiting?.catch((err: unknown) => { failure = { err } })
  }
  const rows = await read((names, format) => {
    const waiting = batch = begin(names, format)
    return (row, place) => {
      if (failure !== undefined) {
        return false
      }
      waiting.add(row, place)
      return waiting.count < INPUT_BATCH || flush(waiting)
    }
  }, ready)
  if (failure === undefined && batch !== undefined) {
    flush(batch)
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
