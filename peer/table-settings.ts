/**
 * The settings of a table, how it is written and what a federation is founded with: a part of the one table in
 * settings.ts
 */
import { count, DATA, EVERYWHERE, FLAG_ONLY } from './setting.ts'
import type { Setting, Verb, Z } from './setting.ts'
import type { ZodType } from 'zod'

/** The verbs that make a document from a table */
const FITTED: readonly Verb[] = ['init', 'audit']

function columnNames (z: Z): ZodType<string[]> {
  return z.array(z.string().min(1).max(256)).min(1).max(4096)
}

function columnChoices (z: Z): ZodType<string[]> {
  return z.array(z.string().max(300).regex(/^.+=(numeric|categorical|ignore)$/su)).min(1).max(4096)
}

/** A tab is hard to type */
function separator (z: Z): ZodType<',' | ';' | '\t' | '|'> {
  return z.union([z.enum([',', ';', '|', '\t']), z.enum(['tab', '\\t']).transform((): '\t' => '\t')])
}

function decimal (z: Z): ZodType<'point' | 'comma'> {
  return z.enum(['point', 'comma'])
}

/** How the file is written, for every verb that reads it */
export const DIALECT_SETTINGS = {
  separator: {
    schema: separator,
    expects: '",", ";", "|" or tab',
    value: 'SIGN',
    verbs: DATA,
    sources: EVERYWHERE,
    shownDefault: 'found in the file',
    help: 'what stands between the columns of csv: data'
  },
  decimal: {
    schema: decimal,
    expects: 'point or comma',
    value: 'SIGN',
    verbs: DATA,
    sources: EVERYWHERE,
    shownDefault: 'found in the file',
    help: 'what stands before the fraction of numbers in csv: data'
  }
} as const satisfies Record<string, Setting>

export const TABLE_SETTINGS = {
  drop: {
    schema: columnNames,
    expects: 'the name of a column',
    value: 'COLUMN',
    verbs: FITTED,
    sources: FLAG_ONLY,
    list: true,
    help: 'leave this column of a CSV file out of a new federation'
  },
  column: {
    schema: columnChoices,
    expects: 'NAME=numeric, NAME=categorical or NAME=ignore',
    value: 'NAME=KIND',
    verbs: FITTED,
    sources: FLAG_ONLY,
    list: true,
    shownDefault: 'judged by its values',
    help: 'what a column of a CSV file is to a new federation; the values of a categorical one are told to all'
  },
  rare: {
    schema: count(1, 1_000_000),
    expects: 'a whole number from 1 to 1000000',
    value: 'N',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '5',
    help: 'a new federation\'s document names no categorical value of fewer than N rows: these count as other values'
  }
} as const satisfies Record<string, Setting>
