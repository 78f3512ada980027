/**
 * The classes of a table: the values of its label column
 */
import { DatasetError } from '../errors.ts'
import { columnFlag } from './column-flag.ts'
import { badValue, listed, shown } from './csv.ts'
import { MAX_CELL } from './column-profile.ts'
import { isMissingLabel } from './missing.ts'
import { ownText } from './own-text.ts'
import { parseNumber } from './parse-number.ts'
import type { NumberParser } from './parse-number.ts'
import type { RowPlace } from './csv.ts'
import type { ColumnChoice, ColumnSchema } from './table-schema.ts'
import type { LabelFindings } from './target-profile.ts'

/** More classes than this in a table are names or numbers, not classes */
const MAX_LABELS = 1000

/** A target with more different numbers is a quantity, unless its founder says that it is a class */
const MAX_NUMERIC_CLASSES = 20
/** The same where some are fractions */
const MAX_FRACTION_CLASSES = 10

export interface LabelTraits {
  file: string
  name: string
  choice: ColumnChoice | undefined
  rareRows: number
  /** Declared by the founder: no others may stand in the file, and not all of them need to */
  classes?: readonly string[] | undefined
  /** @default numbers with a decimal point */
  parse?: NumberParser | undefined
}

export class LabelProfile {
  private readonly traits: LabelTraits
  private readonly rows = new Map<string, number>()

  /** Throws DatasetError when the column was chosen to be what no label can be */
  constructor (traits: LabelTraits) {
    const { file, name, choice } = this.traits = traits
    if (choice === 'ignore') {
      throw new DatasetError(`${file}: column ${shown(name)} is the label and cannot be left out; name another label (--label)`)
    }
  }

  /** Throws DatasetError for a cell that is no class */
  add (text: string, place: RowPlace): void {
    const { file, name, choice, classes } = this.traits
    if (classes !== undefined) {
      this.addDeclared(text, place, classes)
      return
    }
    if (text === '' || text.length > MAX_CELL || (choice === undefined && isMissingLabel(text))) {
      const orElse = text !== '' && isMissingLabel(text) ? `; ${columnFlag(name, 'categorical')} takes it for a class` : ''
      throw badValue(place, name, text, `is no label; correct it, remove the row, or name another label column (--label)${orElse}`)
    }
    const before = this.rows.get(text)
    this.rows.set(before === undefined ? ownText(text) : text, (before ?? 0) + 1)
    if (this.rows.size > MAX_LABELS) {
      throw new DatasetError(`${file}: column ${shown(name)} has more than ${MAX_LABELS} different values, too many for classes; name the column with the class (--label)`)
    }
  }

  private addDeclared (text: string, place: RowPlace, classes: readonly string[]): void {
    if (!classes.includes(text)) {
      throw badValue(place, this.traits.name, text, `is not one of the classes that the schema declares, ${listed(classes)}; correct it, or declare it, too`)
    }
    this.rows.set(text, (this.rows.get(text) ?? 0) + 1)
  }

  /**
   * Declared ones in their order; else sorted by value when all are numbers, else by code unit. Throws DatasetError
   * when the column is no class
   */
  labels (): string[] {
    const { file, name, choice, rareRows, classes, parse = parseNumber } = this.traits
    if (classes !== undefined) {
      return [...classes]
    }
    const labels = [...this.rows.keys()]
    if (labels.length < 2) {
      throw new DatasetError(`${file}: column ${shown(name)} holds one value only, ${listed(labels)}; name the column with the class (--label)`)
    }
    const numbers = labels.map((label) => parse(label))
    const allNumbers = !numbers.includes(undefined)
    if (choice === undefined) {
      const most = numbers.every((value) => Number.isInteger(value)) ? MAX_NUMERIC_CLASSES : MAX_FRACTION_CLASSES
      if (allNumbers && labels.length > most) {
        throw new DatasetError(`${file}: the label column ${shown(name)} has ${labels.length} different numbers: to predict the number, say --task regression; else name another label (--label), or say that each number is a class (${columnFlag(name, 'categorical')})`)
      }
      if (!allNumbers && labels.length > MAX_NUMERIC_CLASSES && this.rare().length > labels.length / 2) {
        throw new DatasetError(`${file}: the label column ${shown(name)} has ${labels.length} different values, ${this.rare().length} of them in fewer than ${rareRows} rows: names or identifiers, which the document would tell everyone; name the column with the class (--label), or say that each is a class (${columnFlag(name, 'categorical')})`)
      }
    }
    return labels.sort(allNumbers ? (a, b) => parse(a)! - parse(b)! || (a < b ? -1 : 1) : undefined)
  }

  findings (): LabelFindings {
    return { labels: this.labels() }
  }

  schema (): ColumnSchema {
    const { classes } = this.traits
    const rareClasses = classes === undefined ? this.rare() : []
    const labels = this.labels()
    return {
      name: this.traits.name,
      role: 'label',
      kind: 'categorical',
      missing: 0,
      distinct: this.rows.size,
      provenance: classes === undefined ? 'rows' : 'declared',
      values: labels,
      classes: labels.map((label) => ({ name: label, rows: this.rows.get(label) ?? 0 })),
      ...(rareClasses.length === 0 ? {} : { rareClasses })
    }
  }

  private rare (): string[] {
    return [...this.rows].filter(([, count]) => count < this.traits.rareRows).map(([label]) => label).sort()
  }
}
