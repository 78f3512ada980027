/**
 * CSV files as a data format
 */
import { checkCsvDataset, csvTrainingLabels, loadCsvDataset } from './csv-dataset.ts'
import { readCsvInputs } from './csv-inputs.ts'
import { inferTable } from './infer-table.ts'
import type { CsvSource } from './csv-dataset.ts'
import type { DataFormat } from './data-format.ts'

export const csvFormat: DataFormat<CsvSource> = {
  load: loadCsvDataset,
  check: checkCsvDataset,
  infer: async ({ file, separator, decimal }, choices, options) => inferTable(file, choices, { separator, decimal, ...options }),
  count: async (source, model) => (await csvTrainingLabels(source, model)).length,
  inputs: readCsvInputs
}
