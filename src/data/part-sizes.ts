/**
 * How many examples each peer gets of a source that is split among several
 */
import { csvTrainingLabels } from './csv-dataset.ts'
import { digitLabel } from './digits.ts'
import { findIdxFiles, readIdxLabels } from './idx-dataset.ts'
import { split } from './partition.ts'
import type { DatasetSource, Partition } from '../interface.ts'
import type { Model } from './examples.ts'

/**
 * By part, from the labels alone where that is possible. Throws DatasetError, and RangeError on an impossible partition
 */
export async function partSizes (source: DatasetSource, model: Model, partition: Omit<Partition, 'index'>): Promise<number[]> {
  return split(await trainingLabels(source, model), partition).map(({ length }) => length)
}

async function trainingLabels (source: DatasetSource, model: Model): Promise<Uint16Array> {
  switch (source.kind) {
    case 'digits':
      return Uint16Array.from({ length: source.trainExamples }, (_, index) => digitLabel(index))
    case 'idx':
      return readIdxLabels((await findIdxFiles(source.directory)).train.labels, model.labels)
    case 'images':
      return (await import('./pictures/picture-dataset.ts')).pictureLabels(source, model)
    case 'text':
      return (await import('./text/text-dataset.ts')).textLabels(source, model)
    case 'npy':
      return (await import('./arrays/array-dataset.ts')).arrayLabels(source, model)
    case 'parquet':
    case 'jsonl':
    case 'csv':
      return csvTrainingLabels({ ...source, kind: 'csv' }, model)
  }
}
