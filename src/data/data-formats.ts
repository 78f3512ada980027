/**
 * The formats of data, and what is done with local data by whichever of them it is in
 *
 * Readers of files are loaded when there is a file to read.
 */
import { DatasetError } from '../errors.ts'
import { isRegression } from '../federation/task.ts'
import { requirePartition } from './partition.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { DatasetSource, Partition } from '../interface.ts'
import type { DataFormat, FoundingChoices, InferredInput, LoadOptions, ReadOptions } from './data-format.ts'
import type { Dataset } from './examples.ts'

type Formats = { readonly [Kind in DatasetSource['kind']]: () => Promise<DataFormat<Extract<DatasetSource, { kind: Kind }>>> }

const FORMATS: Formats = {
  digits: async () => (await import('./digits-format.ts')).digitsFormat,
  idx: async () => (await import('./idx-format.ts')).idxFormat,
  csv: async () => (await import('./csv-format.ts')).csvFormat,
  npy: async () => (await import('./arrays/array-format.ts')).arrayFormat,
  parquet: async () => (await import('./parquet/parquet-format.ts')).parquetFormat,
  jsonl: async () => (await import('./jsonl-format.ts')).jsonLinesFormat,
  images: async () => (await import('./pictures/pictures-format.ts')).picturesFormat,
  text: async () => (await import('./text/texts-format.ts')).textsFormat
}

/** The format of a kind of source */
export async function formatOf (kind: DatasetSource['kind']): Promise<DataFormat> {
  return await FORMATS[kind]() as DataFormat
}

/** Throws DatasetError where a number is predicted, and the data or their split are of classes */
function requireTask ({ kind }: DatasetSource, model: FederationDocument['model'], partition?: Partition): void {
  if (!isRegression(model)) {
    return
  }
  if (kind === 'digits' || kind === 'idx') {
    throw new DatasetError(`${kind === 'digits' ? 'generated digits' : 'IDX files'} have classes, but the federation predicts a number; give a table`)
  }
  if (partition !== undefined && partition.strategy !== 'iid') {
    throw new DatasetError(`a split by label (${partition.strategy === 'dirichlet' ? '--dirichlet' : '--shards'}) needs classes, but the federation predicts a number: leave it out`)
  }
}

/**
 * Loads this peer's training examples and the test examples
 *
 * With `partition`, only that part of the training examples is kept; the test examples are the same for every part.
 * Throws DatasetError (missing, damaged, does not fit the model), RangeError on an impossible partition
 */
export async function loadDataset (source: DatasetSource, model: FederationDocument['model'], partition?: Partition, options?: LoadOptions): Promise<Dataset> {
  if (partition !== undefined) {
    requirePartition(partition)
  }
  requireTask(source, model, partition)
  return (await formatOf(source.kind)).load(source, model, partition, options)
}

/**
 * A quick look at local data before anything is started: are they there, and do they fit the federation? Reads headers
 * and the first rows only: loading may still find damage further on
 *
 * Throws DatasetError as `loadDataset` would
 */
export async function checkDataset (source: DatasetSource, model: FederationDocument['model']): Promise<void> {
  requireTask(source, model)
  await (await formatOf(source.kind)).check(source, model)
}

/**
 * Proposes the model's input and labels from local data, for a peer that founds a federation
 *
 * What is found goes into the federation document, which every joiner reads: the names of columns, their means,
 * standard deviations and common categories, and the labels. Whoever founds one shows the schema first. Reads the
 * training data once; of pictures, their headers.
 *
 * Throws DatasetError when the data cannot be read, or are no classification data
 */
export async function inferInput (source: DatasetSource, choices: FoundingChoices = {}, options?: ReadOptions): Promise<InferredInput> {
  return (await formatOf(source.kind)).infer(source, choices, options)
}

/** How many examples a source holds for training: all of it, not one partition. Throws DatasetError */
export async function countExamples (source: DatasetSource, model: FederationDocument['model']): Promise<number> {
  return (await formatOf(source.kind)).count(source, model)
}
