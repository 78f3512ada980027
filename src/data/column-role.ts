/**
 * What becomes of a column: an input, or left out because it tells who somebody is and nothing else
 *
 * Pure. A numeric input tells its name, mean and deviation, a categorical one its values as well. So identifiers,
 * dates, free text and what hardly repeats stay out of the document, and so do values of few rows. All of it can be
 * decided otherwise (ColumnChoice).
 */
import { DatasetError } from '../errors.ts'
import { columnFlag, dropFlag } from './column-flag.ts'
import { badValue, shown } from './csv.ts'
import { MAX_DISTINCT } from './column-profile.ts'
import type { ColumnProfile } from './column-profile.ts'
import type { ColumnChoice, ColumnSchema, Provenance } from './table-schema.ts'
import type { TableInput } from './examples.ts'

/** A column with more values than this is told only by its founder's leave */
const MAX_TOLD_VALUES = 32

/** With fewer values whole numbers that all differ say nothing about what they are */
const MIN_JUDGED = 20

/** Whole numbers this long, all of one length and all different, are numbers of something */
const MIN_NUMBER_WIDTH = 7

/** A column of numbers with fewer words than this share of it has mistakes in it, not categories */
const MISTAKES = 0.2

/** Of names taken apart at capitals and signs */
const IDENTIFYING = /(^| )(id|ids|uid|pid|uuid|guid|mrn|ssn|nhs|identifier|zip|zipcode|plz|postal|postcode|phone|telephone|tel|fax|mobile|iban|email|mail|name|names|surname|lastname|firstname|forename|address|street|url)( |$)/

type InputColumn = TableInput['columns'][number]

/** Values that are not told, and their rows */
export interface Unnamed { values: number, rows: number }

export interface ColumnRole {
  schema: ColumnSchema
  /** As in the document; undefined for a column that is left out */
  input: InputColumn | undefined
}

/**
 * Throws DatasetError where a column cannot be what it was chosen to be, or is full of numbers and not quite: with the
 * place of the first value that is none, and the flags that decide
 */
export function columnRole (profile: ColumnProfile, { choice, rareRows }: { choice: ColumnChoice | undefined, rareRows: number }): ColumnRole {
  switch (choice) {
    case 'ignore': return leftOut(profile, 'as you said')
    case 'numeric': return chosenNumeric(profile)
    case 'categorical': return chosenCategorical(profile, rareRows)
    case undefined: return judged(profile, rareRows)
  }
}

function judged (profile: ColumnProfile, rareRows: number): ColumnRole {
  const { name, count, distinct, missing } = profile
  if (count === 0) {
    return leftOut(profile, 'it has no values')
  }
  if (profile.long) {
    // cells are counted by their beginnings
    return leftOut(profile, 'free text')
  }
  if (distinct === 1 && missing === 0) {
    return leftOut(profile, `constant: ${onlyValue(profile)} in every row`)
  }
  if (profile.dates === count) {
    return leftOut(profile, `dates${orNamed(profile, rareRows)}`, 'dates')
  }
  const isCode = profile.padded || profile.numbers < count
  if (looksIdentifying(name) && (isCode || profile.whole)) {
    return leftOut(profile, `its name is that of an identifier${isCode ? orNamed(profile, rareRows) : `; ${orElse(name, 'numeric')}`}`)
  }
  return isCode ? judgedText(profile, rareRows) : judgedNumeric(profile)
}

function judgedNumeric (profile: ColumnProfile): ColumnRole {
  const { name, count, distinct, width = 0 } = profile
  if (distinct === 1) {
    return leftOut(profile, `constant: ${onlyValue(profile)} in every row that has a value; ${orElse(name, 'categorical')}`)
  }
  if (profile.whole && count >= MIN_JUDGED && (numbersRows(profile) || (width >= MIN_NUMBER_WIDTH && profile.nearlyAllDistinct))) {
    return leftOut(profile, `looks like an identifier: whole numbers that all differ; ${orElse(name, 'numeric')}`)
  }
  return numeric(profile)
}

/** Whole numbers that count up through the file with few gaps */
function numbersRows ({ ascending, min, max, count }: ColumnProfile): boolean {
  return ascending && max - min < 2 * count
}

function judgedText (profile: ColumnProfile, rareRows: number): ColumnRole {
  const { name, count, numbers, firstWord } = profile
  if (numbers < count && numbers >= (1 - MISTAKES) * count && firstWord !== undefined) {
    const { text, place } = firstWord
    throw badValue(place, name, text, `is no number, as ${numbers} of the column's ${count} values are; correct it, leave it empty, or decide: ${columnFlag(name, 'categorical')}, ${dropFlag(name)}`)
  }
  const { named, unnamed } = namedValues(profile, rareRows)
  if (profile.overflowAt !== undefined || named.length > MAX_TOLD_VALUES) {
    return leftOut(profile, `${profile.distinct ?? `more than ${MAX_DISTINCT}`} different values, more than ${MAX_TOLD_VALUES}${orNamed(profile, rareRows)}`)
  }
  if (unnamed.rows > count / 2) {
    return leftOut(profile, `looks like identifiers or free text: ${unnamed.rows} of ${count} values occur in fewer than ${rareRows} rows${orNamed(profile, rareRows)}`)
  }
  return categorical(profile, named, unnamed)
}

/** Standardised by its mean and deviation. Throws DatasetError where it has none */
export function chosenNumeric (profile: ColumnProfile): ColumnRole {
  const { name } = profile
  requireNumbers(profile)
  if (profile.distinct === 1 || profile.count === 0) {
    throw new DatasetError(`column ${shown(name)} has ${profile.count === 0 ? 'no values' : `the value ${onlyValue(profile)} only`}: nothing can be learnt from it, and others' values have no scale there; leave it out (${dropFlag(name)})`)
  }
  return numeric(profile)
}

/** With the values of `rareRows` rows or more. Throws DatasetError where there is none, or they are too many */
export function chosenCategorical (profile: ColumnProfile, rareRows: number): ColumnRole {
  const { name } = profile
  if (profile.overflowAt !== undefined || profile.long) {
    throw new DatasetError(`column ${shown(name)} has ${profile.long ? 'values that are too long' : `more than ${MAX_DISTINCT} different values, too many`} for categories; leave it out (${dropFlag(name)})`)
  }
  const { named, unnamed } = namedValues(profile, rareRows)
  if (named.length === 0) {
    throw new DatasetError(`column ${shown(name)} has no value that occurs in ${rareRows} rows or more, and others are not named; leave it out (${dropFlag(name)}), or name values of fewer rows too (--rare N)`)
  }
  return categorical(profile, named, unnamed)
}

function namedValues ({ rows }: ColumnProfile, rareRows: number): { named: string[], unnamed: Unnamed } {
  const named: string[] = []
  const unnamed = { values: 0, rows: 0 }
  for (const [value, count] of rows) {
    if (count >= rareRows) {
      named.push(value)
    } else {
      unnamed.values++
      unnamed.rows += count
    }
  }
  return { named: named.sort(), unnamed }
}

/** Throws DatasetError for a column with a word in it */
export function requireNumbers ({ name, firstWord }: ColumnProfile): void {
  if (firstWord !== undefined) {
    throw badValue(firstWord.place, name, firstWord.text, 'is no number; correct it or leave it empty')
  }
}

function numeric (profile: ColumnProfile): ColumnRole {
  const { name } = profile
  const [mean, stdDev] = [rounded(profile.mean), rounded(profile.stdDev)]
  if (!(Math.abs(mean) <= Number.MAX_SAFE_INTEGER && stdDev <= Number.MAX_SAFE_INTEGER)) {
    throw new DatasetError(`the numbers of column ${shown(name)} are too large; scale them down, or leave it out (${dropFlag(name)})`)
  }
  // values that differ too little for their size to be told apart
  return numericOf(profile, { mean, stdDev: stdDev === 0 ? 1 : stdDev }, 'rows')
}

/** A numeric input, standardised by `told` */
export function numericOf (profile: ColumnProfile, told: { mean: number, stdDev: number }, provenance: Provenance): ColumnRole {
  const { name, min, max, missing, numbers } = profile
  // who has no gaps says nothing of them; the mean stands for those of others
  const missingInput = missing > 0
  return {
    schema: { ...schemaOf(profile, 'numeric'), role: 'input', provenance, ...(numbers === 0 ? {} : { range: { min, max } }), told, missingInput },
    input: { kind: 'numeric', name, ...told, ...(missingInput ? { missing: { indicator: true } } : {}) }
  }
}

function categorical (profile: ColumnProfile, values: string[], unnamed: Unnamed): ColumnRole {
  return categoricalOf(profile, { values, unnamed, provenance: 'rows' })
}

/** Other values are no error in any file: nobody knows what the next site writes */
export function categoricalOf (profile: ColumnProfile, { values, unnamed, provenance }: { values: string[], unnamed: Unnamed, provenance: Provenance }): ColumnRole {
  const { name, missing } = profile
  const missingInput = missing > 0
  return {
    schema: { ...schemaOf(profile, 'categorical'), role: 'input', provenance, values, other: true, missingInput, ...(unnamed.values === 0 ? {} : { unnamed }) },
    input: { kind: 'categorical', name, values, other: true, ...(missingInput ? { missing: true } : {}) }
  }
}

/** No input; `why` is for its owner */
export function leftOut (profile: ColumnProfile, why: string, kind?: ColumnSchema['kind']): ColumnRole {
  const numbers = profile.numbers > 0 && profile.numbers === profile.count
  return { schema: { ...schemaOf(profile, kind ?? (numbers ? 'numeric' : 'text')), role: 'left out', why }, input: undefined }
}

function schemaOf ({ name, missing, distinct }: ColumnProfile, kind: ColumnSchema['kind']): Pick<ColumnSchema, 'name' | 'kind' | 'missing' | 'distinct'> {
  return { name, kind, missing, distinct }
}

function looksIdentifying (name: string): boolean {
  return IDENTIFYING.test(name.replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2').toLowerCase().replace(/[^\p{L}\d]+/gu, ' '))
}

function onlyValue ({ rows }: ColumnProfile): string {
  return shown([...rows.keys()][0] ?? '')
}

function orElse (name: string, kind: ColumnChoice): string {
  return `${columnFlag(name, kind)} takes it`
}

/** Only where it would take it: some value must occur often enough to be told */
function orNamed (profile: ColumnProfile, rareRows: number): string {
  return namedValues(profile, rareRows).named.length === 0 ? '' : `; ${orElse(profile.name, 'categorical')}`
}

/** Twelve digits: a mean may be far from zero and its deviation small, as with dates in seconds */
function rounded (value: number): number {
  return Number(value.toPrecision(12))
}
