/**
 * The flags by which a founder decides what a column is, as a message offers them
 */
import { shown } from './csv.ts'
import type { ColumnChoice } from './table-schema.ts'

/** `--column ward=categorical` */
export function columnFlag (name: string, choice: ColumnChoice): string {
  return `--column ${shellWord(`${name}=${choice}`)}`
}

export function dropFlag (name: string): string {
  return `--drop ${shellWord(name)}`
}

function shellWord (text: string): string {
  return /^[\p{L}\d_=.,/+-]+$/u.test(text) ? text : `'${shown(text).slice(1, -1).replaceAll('\'', '\'\\\'\'')}'`
}
