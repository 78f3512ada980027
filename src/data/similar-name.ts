/**
 * The name in a header that is perhaps meant by another one
 */
import { closest } from '../closest.ts'
import { shown } from './csv.ts'

/** What two names have in common that differ in case, blanks, signs, width of letters or marks that nobody sees */
function bare (name: string): string {
  return name.normalize('NFKC').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}

/** Undefined when no name is near enough to be a slip */
export function similarName (wanted: string, names: readonly string[]): string | undefined {
  const key = bare(wanted)
  return (key === '' ? undefined : names.find((name) => bare(name) === key)) ?? closest(wanted, names)
}

/** For the end of a message: ` (is it "Weight"?)`, or nothing */
export function alike (wanted: string, names: readonly string[]): string {
  const name = similarName(wanted, names)
  return name === undefined ? '' : ` (is it ${shown(name)}?)`
}
