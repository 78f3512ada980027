/**
 * The port of a data format: what each kind of source knows to do with its files
 *
 * One object a kind, in src/data/data-formats.ts; nothing outside this folder tells kinds of sources apart but by their
 * name on the command line.
 */
import type { Readable } from 'node:stream'
import type { CsvDialectChoice, DatasetSource, Partition } from '../interface.ts'
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
  /** Names of the classes; empty where a number is predicted */
  labels: string[]
  target?: Model['target']
  /** Of a table */
  schema?: TableSchema
  /** What was computed from texts or their rows, in words: for a founder who promises privacy */
  computed?: readonly string[]
}

/** What a founder decides; each format takes what is its business */
export interface FoundingChoices extends TableChoices {
  /** Of pictures, in pixels. Left out: the most common size, made smaller where it is large */
  size?: { height: number, width: number } | undefined
  /** Of pictures of other proportions: cut, not stretched */
  fit?: 'crop' | undefined
  text?: TextChoices | undefined
}

/** Of texts */
export interface TextChoices {
  /** The column of a table that holds them */
  column?: string | undefined
  /** Tokens of each. @default DEFAULT_TEXT_LENGTH */
  length?: number | undefined
  /** So many of their most common words are the vocabulary; left out, with no file either: tokens are bytes */
  words?: number | undefined
  /** A file with a word of the vocabulary on each line */
  vocabularyFile?: string | undefined
}

/** Examples without labels; valid until whoever takes them returns, or what it returned resolves */
export interface InputBatch {
  /** Standardised, count x features; may be longer */
  inputs: Float32Array
  /** At least 1, at most INPUT_BATCH */
  count: number
  /** What each example is called beside its number, such as a picture's file */
  names?: readonly string[]
}

/** Examples that a batch without labels has at most */
export const INPUT_BATCH = 1024

/**
 * Computes with a batch before it returns. A promise is waited for before more of the source is read; what it throws
 * ends the reading, and is thrown there
 */
export type TakeInputs = (batch: InputBatch) => Promise<void> | undefined

/** Where examples without labels come from */
export interface InputSource {
  /** Of a file or folder; what messages call it */
  path: string
  /** Standard input, in place of the file */
  bytes?: Readable | undefined
  /** Of a CSV file, where it is not to be found in its beginning */
  separator?: CsvDialectChoice['separator']
  decimal?: CsvDialectChoice['decimal']
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
  /** Reads the training data once. Throws DatasetError */
  infer: (source: Source, choices: FoundingChoices, options?: ReadOptions) => Promise<InferredInput>
  /**
   * Training examples of the source, not of one partition, as far as possible without reading them. Throws
   * DatasetError
   */
  count: (source: Source, model: Model) => Promise<number>
  /**
   * Hands over the examples of a file or folder without their labels, in their order and in bounded memory, prepared as
   * for training. Resolves to their number. Absent: the format has no examples without labels. Throws DatasetError
   */
  inputs?: (source: InputSource, model: Model, take: TakeInputs) => Promise<number>
}
