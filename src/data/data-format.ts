/**
 * The port of a data format: what each kind of source knows to do with its files
 *
 * One object a kind, in src/data/data-formats.ts; nothing outside this folder tells kinds of sources apart but by their
 * name on the command line.
 */
import type { DatasetSource, Partition } from '../interface.ts'
import type { ModelInput } from '../federation/document.ts'
import type { Dataset, Model } from './examples.ts'
import type { TableChoices, TableSchema } from './table-schema.ts'

export interface ReadOptions {
  /** Called while files are read, with the share, 0 to 1, of all that there is to read; not for all formats */
  onRead?: ((share: number) => void) | undefined
}

/** What a founder's document says of the data, as in its `model` */
export interface InferredInput {
  input: ModelInput
  labels: string[]
  /** Of a table */
  schema?: TableSchema
}

export interface LoadOptions extends ReadOptions {
  /**
   * Whether the training examples are to say what they are recognised by (`Examples.recordDigests`), which takes as
   * long as reading them
   *
   * @default true
   */
  identified?: boolean | undefined
}

export interface DataFormat<Source = DatasetSource> {
  /**
   * This peer's training examples and the test examples. With `partition`, only that part of the training examples;
   * the test examples are the same for every part. Throws DatasetError, RangeError on an impossible partition
   */
  load: (source: Source, model: Model, partition?: Partition, options?: LoadOptions) => Promise<Dataset>
  /** Headers and first examples only. Throws DatasetError as loading would */
  check: (source: Source, model: Model) => Promise<void>
  /** Reads the training data once. The choices are for columns of a table. Throws DatasetError */
  infer: (source: Source, choices: TableChoices, options?: ReadOptions) => Promise<InferredInput>
  /**
   * Training examples of the source, not of one partition, as far as possible without reading them. Throws
   * DatasetError
   */
  count: (source: Source, model: Model) => Promise<number>
}
