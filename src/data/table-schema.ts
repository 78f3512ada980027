/**
 * What a table holds and what becomes of each column: for the eyes of its owner, who sees it before a document tells it
 * to others
 */
import type { CsvFormat } from './csv-dialect.ts'

/** What a founder decides of a column */
export type ColumnChoice = 'numeric' | 'categorical' | 'ignore'

export interface TableChoices {
  /** The column of the class. Left out: the column `label`, else the last one that is not ignored */
  label?: string | undefined
  /** By the column's name; the others are judged by their values */
  columns?: ReadonlyMap<string, ColumnChoice> | undefined
  /**
   * A categorical value in fewer rows than this is not named in the document. 1 names all
   *
   * @default DEFAULT_RARE_ROWS
   */
  rareRows?: number | undefined
}

/** What statistical offices publish at least: a value of fewer people may point at one of them */
export const DEFAULT_RARE_ROWS = 5

export interface ColumnSchema {
  name: string
  role: 'input' | 'label' | 'left out'
  kind: 'numeric' | 'categorical' | 'dates' | 'text'
  /** Rows without a value */
  missing: number
  /** Different values; undefined where there are more than were counted */
  distinct: number | undefined
  /** Of a numeric column. Never told */
  range?: { min: number, max: number } | undefined
  /** Told: the standardisation of a numeric input */
  told?: { mean: number, stdDev: number } | undefined
  /** Told: the values of a categorical input, or the classes */
  values?: readonly string[] | undefined
  /** Told: rows may have another value than these, or none */
  other?: boolean | undefined
  /** Values that are not told: those of few rows, which count as "other" */
  unnamed?: { values: number, rows: number } | undefined
  /** Classes of few rows: told, because a class must have its name */
  rareClasses?: readonly string[] | undefined
  /** Why it is left out, and how to decide otherwise */
  why?: string | undefined
}

export interface TableSchema {
  rows: number
  /** How the file is written */
  format?: CsvFormat | undefined
  /** In the order of the file */
  columns: readonly ColumnSchema[]
}
