/**
 * Parquet files as a data format: a table whose rows are read by another reader
 */
import { checkCsvDataset, csvTrainingLabels, loadCsvDataset } from '../csv-dataset.ts'
import { readTableInputs } from '../csv-inputs.ts'
import { inferTable } from '../infer-table.ts'
import { readParquet } from './parquet-table.ts'
import type { DatasetSource } from '../../interface.ts'
import type { CsvSource } from '../csv-dataset.ts'
import type { DataFormat } from '../data-format.ts'

export type ParquetSource = Extract<DatasetSource, { kind: 'parquet' }>

/** The same files as a table's */
export function tableOf (source: ParquetSource): CsvSource {
  return { ...source, kind: 'csv' }
}

export const parquetFormat: DataFormat<ParquetSource> = {
  load: async (source, model, partition, options) => loadCsvDataset(tableOf(source), model, partition, options),
  check: async (source, model) => checkCsvDataset(tableOf(source), model),
  infer: async ({ file }, choices) => inferTable(file, choices),
  count: async (source, model) => (await csvTrainingLabels(tableOf(source), model)).length,
  inputs: async (source, model, take) => readTableInputs(source, model, take, async (begin, ready) => readParquet(source.path, begin, ready))
}
