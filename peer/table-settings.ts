/**
 * The settings of a table and how it is written, or of pictures, that a federation is founded with: a part of the one
 * table in settings.ts
 */
import { count, DATA, EVERYWHERE, filePath, FLAG_ONLY, FOUND, pictureSize, text, toggle } from './setting.ts'
import type { Setting, Verb, Z } from './setting.ts'
import type { ZodType } from 'zod'

/** The verbs that make a document from data, or propose one */
const FITTED: readonly Verb[] = ['init', 'audit', 'schema']

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

/** The verbs that read a CSV file */
const DIALECT: readonly Verb[] = [...DATA, 'predict', 'schema']

/** How the file is written, for every verb that reads it */
export const DIALECT_SETTINGS = {
  separator: {
    schema: separator,
    expects: '",", ";", "|" or tab',
    value: 'SIGN',
    verbs: DIALECT,
    sources: EVERYWHERE,
    shownDefault: 'found in the file',
    help: 'what stands between the columns of csv: data, and of a text: table'
  },
  decimal: {
    schema: decimal,
    expects: 'point or comma',
    value: 'SIGN',
    verbs: DIALECT,
    sources: EVERYWHERE,
    shownDefault: 'found in the file',
    help: 'what stands before the fraction of numbers in csv: data'
  }
} as const satisfies Record<string, Setting>

export const TABLE_SETTINGS = {
  size: {
    schema: pictureSize,
    expects: 'HEIGHTxWIDTH in pixels, such as 64x64',
    value: 'HxW',
    verbs: ['init', 'audit'],
    sources: FLAG_ONLY,
    shownDefault: 'the most common size, at most 64 a side',
    help: 'size of the pictures of a new federation: all are resized to it'
  },
  fit: {
    schema: (z: Z) => z.enum(['stretch', 'crop']),
    expects: 'stretch or crop',
    value: 'WAY',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'stretch',
    help: 'pictures of other proportions in a new federation: stretched, or cut to their middle first'
  },
  drop: {
    schema: columnNames,
    expects: 'the name of a column',
    value: 'COLUMN',
    verbs: FITTED,
    sources: FLAG_ONLY,
    list: true,
    help: 'leave this column of a table out of a new federation'
  },
  column: {
    schema: columnChoices,
    expects: 'NAME=numeric, NAME=categorical or NAME=ignore',
    value: 'NAME=KIND',
    verbs: FITTED,
    sources: FLAG_ONLY,
    list: true,
    shownDefault: 'judged by its values',
    help: 'what a column of a table is to a new federation; the values of a categorical one are told to all'
  },
  rare: {
    schema: count(1, 1_000_000),
    expects: 'a whole number from 1 to 1000000',
    value: 'N',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '5',
    help: 'a new federation\'s document names no categorical value of fewer than N rows: these count as other values'
  },
  schema: {
    schema: text,
    expects: 'a TOML file',
    value: 'FILE',
    verbs: ['init', 'audit'],
    sources: FLAG_ONLY,
    path: filePath,
    help: 'what a new federation\'s document says of a table: as grapevine schema proposes it, and you edited it'
  },
  publishStatistics: {
    schema: toggle,
    expects: 'true or false',
    verbs: FOUND,
    sources: FLAG_ONLY,
    help: 'let the document of a new private federation tell everyone what was computed from your rows, outside of its promise'
  }
} as const satisfies Record<string, Setting>
