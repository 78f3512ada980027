/**
 * A quick look at local data before anything is started: are they there, and do they fit the federation?
 */
import { requireDigits } from './digits.ts'
import type { FederationDocument } from '../federation/document.ts'
import type { DatasetSource } from '../interface.ts'

/**
 * Reads headers and the first rows only: loading may still find damage further on
 *
 * Throws DatasetError as `loadDataset` would
 */
export async function checkDataset (source: DatasetSource, model: FederationDocument['model']): Promise<void> {
  switch (source.kind) {
    case 'digits':
      requireDigits(source, model)
      return
    case 'idx':
      await (await import('./idx-dataset.ts')).checkIdxDataset(source.directory, model)
      return
    case 'csv':
      await (await import('./csv-dataset.ts')).checkCsvDataset(source, model)
  }
}
