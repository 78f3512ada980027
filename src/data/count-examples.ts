/**
 * How many examples a source holds for training, as far as possible without reading them
 */
import { loadCsvDataset } from './csv-dataset.ts'
import { findIdxFiles, readIdxLabels } from './idx-dataset.ts'
import type { DatasetSource } from '../interface.ts'
import type { Model } from './examples.ts'

/** All of the source, not of one partition. Throws DatasetError */
export async function countExamples (source: DatasetSource, model: Model): Promise<number> {
  switch (source.kind) {
    case 'digits':
      return source.trainExamples
    case 'idx':
      return (await readIdxLabels((await findIdxFiles(source.directory)).train.labels, model.labels)).length
    case 'csv':
      return (await loadCsvDataset(source, model)).train.count
  }
}
