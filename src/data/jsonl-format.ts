/**
 * JSON Lines as a data format: a table whose rows are read by another reader
 */
import { DatasetError } from '../errors.ts'
import { printable } from '../quoted.ts'
import { checkCsvDataset, csvTrainingLabels, loadCsvDataset } from './csv-dataset.ts'
import { readTableInputs } from './csv-inputs.ts'
import { inferTable } from './infer-table.ts'
import { readJsonLines } from './jsonl-table.ts'
import { isJsonLines } from './table-file.ts'
import type { DatasetSource } from '../interface.ts'
import type { CsvSource } from './csv-dataset.ts'
import type { DataFormat } from './data-format.ts'

export type JsonLinesSource = Extract<DatasetSource, { kind: 'jsonl' }>

/** The same file as a table's. Throws DatasetError for one that is something else */
async function tableOf (source: JsonLinesSource): Promise<CsvSource> {
  if (!await isJsonLines(source.file)) {
    throw new DatasetError(`${printable(source.file)} is no file of JSON Lines: it does not begin with an object; a JSON array becomes one by jq -c ".[]", and a CSV file is given as csv:FILE`)
  }
  return { ...source, kind: 'csv' }
}

export const jsonLinesFormat: DataFormat<JsonLinesSource> = {
  load: async (source, model, partition, options) => loadCsvDataset(await tableOf(source), model, partition, options),
  check: async (source, model) => checkCsvDataset(await tableOf(source), model),
  infer: async (source, choices, options) => inferTable((await tableOf(source)).file, choices, options),
  count: async (source, model) => (await csvTrainingLabels(await tableOf(source), model)).length,
  inputs: async (source, model, take) => readTableInputs(source, model, take, async (begin, ready) => readJsonLines(source.path, begin, { ready, fewestColumns: 1 }))
}
