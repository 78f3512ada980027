/**
 * From the local setting of where the data are to examples that fit the federation's model
 *
 * Readers of files are loaded when there is a file to read.
 */
import { loadDigits } from './digits.ts'
import { requirePartition } from './partition.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { DatasetSource, Partition } from '../interface.ts'
import type { Dataset } from './examples.ts'

/**
 * Loads this peer's training examples and the test examples
 *
 * With `partition`, only that part of the training examples is kept; the test examples are the same for every part.
 * Throws DatasetError (missing, damaged, does not fit the model), RangeError on an impossible partition
 */
export async function loadDataset (source: DatasetSource, model: FederationDocument['model'], partition?: Partition): Promise<Dataset> {
  if (partition !== undefined) {
    requirePartition(partition)
  }
  switch (source.kind) {
    case 'digits':
      return loadDigits(source, model, partition)
    case 'idx':
      return (await import('./idx-dataset.ts')).loadIdxDataset(source.directory, model, partition)
    case 'csv':
      return (await import('./csv-dataset.ts')).loadCsvDataset(source, model, partition)
  }
}
