/**
 * All cells of a table that do not fit a document, counted: who repairs one row after the other learns of each by
 * another failure
 */
import { DatasetError } from '../errors.ts'
import { shown } from './csv.ts'
import { readTable } from './table-file.ts'
import { labelReader } from './label-reader.ts'
import { missingTest } from './missing.ts'
import { numberParser } from './parse-number.ts'
import { valueReader } from './table-values.ts'
import type { RowPlace, TableVisitor } from './csv.ts'
import type { CsvSource } from './csv-dataset.ts'
import type { Model, TableInput } from './examples.ts'
import type { DecimalMark } from './parse-number.ts'

/** Columns and classes that a message lists */
const MAX_LISTED = 4

/** Different classes that are counted: the rest are classes, too */
const MAX_CLASSES = 64

interface Misfit {
  what: string
  count: number
  first: { text: string, line: number }
}

/**
 * The error, with what else does not fit in the whole file and where to repair it, when there is more; else as it was.
 * Reads the file once more
 */
export async function withAllMisfits (err: DatasetError, { file, separator, decimal }: CsvSource, model: Model): Promise<DatasetError> {
  const misfits = new Misfits()
  let rows: number
  try {
    rows = await readTable(file, (names, format) => misfits.visitor(names, model, format?.decimal ?? 'point'), { separator, decimal })
  } catch {
    // what is wrong with the file as a whole is said already
    return err
  }
  return misfits.count < 2 ? err : new DatasetError(`${err.message}; in all ${rows} rows: ${misfits.text()}`, { cause: err })
}

class Misfits {
  count = 0
  private readonly found = new Map<string, Misfit>()

  visitor (names: readonly string[], model: Model, decimal: DecimalMark): TableVisitor {
    const { label, group, columns, marks } = model.input as TableInput
    const isMissing = missingTest(marks, numberParser(decimal))
    const readLabel = labelReader(label, model, decimal)
    const readers = columns.map((column) => ({ column, at: names.indexOf(column.name), read: valueReader(column, marks, decimal) }))
    const [labelAt, groupAt] = [names.indexOf(label), group === undefined ? -1 : names.indexOf(group)]
    return (row, { line }) => {
      const fields = row.texts()
      const cell = fields[labelAt]
      if (cell !== undefined && !fits(readLabel, cell)) {
        this.add(model.target === undefined ? this.classText(cell) : `no number to predict in ${shown(label)}`, { text: cell, line })
      }
      if (groupAt !== -1 && isMissing(fields[groupAt]!)) {
        this.add(`no group in ${shown(group!)}`, { text: fields[groupAt]!, line })
      }
      for (const { column, at, read } of readers) {
        if (at !== -1 && !fits(read, fields[at]!)) {
          this.add(`${column.kind === 'numeric' ? 'no number' : 'no named value'} in ${shown(column.name)}`, { text: fields[at]!, line })
        }
      }
    }
  }

  /** The most frequent first */
  text (): string {
    const all = [...this.found.values()].sort((a, b) => b.count - a.count)
    const listed = all.slice(0, MAX_LISTED).map(({ what, count, first }) => `${what} ${count} times (first ${shown(first.text)}, line ${first.line})`)
    return `${listed.join('; ')}${all.length > MAX_LISTED ? `; and ${all.length - MAX_LISTED} more kinds` : ''}. They are to be repaired in this file; what is right here and unknown to the federation, only a new document of its founder can name`
  }

  private classText (cell: string): string {
    return this.found.size < MAX_CLASSES ? `class ${shown(cell)}` : 'other classes'
  }

  private add (what: string, first: Misfit['first']): void {
    this.count++
    const before = this.found.get(what)
    if (before === undefined) {
      this.found.set(what, { what, count: 1, first })
    } else {
      before.count++
    }
  }
}

const NOWHERE: RowPlace = { file: '', line: 0 }

function fits (read: (text: string, place: RowPlace) => number, text: string): boolean {
  try {
    read(text, NOWHERE)
    return true
  } catch {
    return false
  }
}
