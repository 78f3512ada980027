/**
 * What a table holds and what becomes of each column: for the eyes of its owner, who sees it before a document tells it
 * to others
 */
import type { CsvFormat } from './csv-dialect.ts'

/** What a founder decides of a column */
export type ColumnChoice = 'numeric' | 'categorical' | 'ignore'

/** What a founder decides of a number that is to be predicted */
export interface TargetChoices {
  unit?: string | undefined
  /** Declared: standardises without a statistic of anybody's data, and values outside are refused */
  range?: { min: number, max: number } | undefined
}

export interface TableChoices {
  /** Left out: classes, unless the label's column was chosen to be numeric */
  task?: 'classes' | 'regression' | undefined
  target?: TargetChoices | undefined
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
  /** A schema that the founder wrote: columns that it does not name are left out */
  declared?: DeclaredTable | undefined
}

/** What is taken from the founder and not from the rows */
export interface DeclaredColumn {
  kind: ColumnChoice
  /** Of a numeric column */
  unit?: string | undefined
  /** Standardises the column, unless `told` does */
  range?: { min: number, max: number } | undefined
  /** Known from elsewhere, such as the literature */
  told?: { mean: number, stdDev: number } | undefined
  /** Stands for a missing number; left out: the mean */
  constant?: number | undefined
  /** Of a categorical column */
  values?: readonly string[] | undefined
  /** One more input that says that the value is missing */
  missingInput?: boolean | undefined
}

export interface DeclaredTable {
  columns: ReadonlyMap<string, DeclaredColumn>
  classes?: readonly string[] | undefined
  /** Cells without a value, besides blank ones */
  marks?: readonly string[] | undefined
  /** Rows of one value of this column are all trained on, or all tested on */
  group?: string | undefined
}

/** What statistical offices publish at least: a value of fewer people may point at one of them */
export const DEFAULT_RARE_ROWS = 5

export type Provenance = 'declared' | 'rows'

export interface ColumnSchema {
  name: string
  role: 'input' | 'label' | 'group' | 'left out'
  kind: 'numeric' | 'categorical' | 'dates' | 'text'
  /** Rows without a value */
  missing: number
  /** Different values; undefined where there are more than were counted */
  distinct: number | undefined
  /** Where what is told of the column comes from: its founder's word, or the founder's rows */
  provenance?: Provenance | undefined
  /** Told */
  unit?: string | undefined
  /** Told: the range that standardises a numeric input, or a number to predict, in place of its mean and deviation */
  declared?: { min: number, max: number } | undefined
  /** Told: what stands for a missing number in place of the mean */
  constant?: number | undefined
  /** Told: there is an input that says that the value is missing */
  missingInput?: boolean | undefined
  /** Rows of each class. Never told */
  classes?: ReadonlyArray<{ name: string, rows: number }> | undefined
  /** Of a numeric column. Never told */
  range?: { min: number, max: number } | undefined
  /** Told: the standardisation of a numeric input, or of the number to predict, from these data */
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
