/**
 * Which columns of a table hold the text and its class
 */
import { DatasetError } from '../../errors.ts'
import { listed, shown } from '../csv.ts'
import { alike } from '../similar-name.ts'
import type { TextInput } from '../examples.ts'

/** Where nobody says another name; in any letters */
const TEXT = 'text'
const LABEL = 'label'

/** What the founder says; the rest is found */
export interface ColumnNames {
  column?: string | undefined
  label?: string | undefined
}

/** Places among the columns of a table */
export interface TextColumns {
  textAt: number
  labelAt: number
}

function found (names: readonly string[], wanted: string): number {
  return names.findIndex((name) => name.toLowerCase() === wanted)
}

/** Place of the text's column. Throws DatasetError where the table has none */
export function textColumn (file: string, names: readonly string[], { column }: Pick<TextInput, 'column'>): number {
  return placeOf(file, names, { name: column, otherwise: TEXT, what: 'texts' })
}

/** Place of the class's column. Throws DatasetError where the table has none */
export function labelColumn (file: string, names: readonly string[], { label }: Pick<TextInput, 'label'>): number {
  return placeOf(file, names, { name: label, otherwise: LABEL, what: 'classes' })
}

function placeOf (file: string, names: readonly string[], { name, otherwise, what }: { name: string | undefined, otherwise: string, what: string }): number {
  const at = name === undefined ? found(names, otherwise) : names.indexOf(name)
  if (at === -1) {
    const wanted = name ?? otherwise
    throw new DatasetError(`${file} has no column ${shown(wanted)}, in which the federation's tables have their ${what}; it has ${listed(names)}${alike(wanted, names)}`)
  }
  return at
}

/**
 * Both places in the founder's table: the columns that the flags name, else `text` and `label`, else of two columns the
 * other one, and of several the last one for the class. Throws DatasetError
 */
export function foundersColumns (file: string, names: readonly string[], { column, label }: ColumnNames): TextColumns {
  let textAt = column === undefined ? found(names, TEXT) : textColumn(file, names, { column })
  let labelAt = label === undefined ? found(names, LABEL) : labelColumn(file, names, { label })
  if (textAt === -1 && names.length === 2) {
    textAt = labelAt === -1 ? 0 : 1 - labelAt
  }
  if (textAt === -1) {
    throw new DatasetError(`${file}: which column holds the texts? It has ${listed(names)}: name it (--text-column)`)
  }
  if (labelAt === -1) {
    labelAt = names.length - 1 === textAt ? names.length - 2 : names.length - 1
  }
  if (textAt === labelAt) {
    throw new DatasetError(`${file}: column ${shown(names[textAt]!)} cannot hold both the texts and their classes; name them (--text-column, --label)`)
  }
  return { textAt, labelAt }
}

/** What the document says of these columns: nothing where they are called as everywhere */
export function columnsTold (names: readonly string[], { textAt, labelAt }: TextColumns): Pick<TextInput, 'column' | 'label'> {
  return { ...(found(names, TEXT) === textAt ? {} : { column: names[textAt]! }), ...(found(names, LABEL) === labelAt ? {} : { label: names[labelAt]! }) }
}
