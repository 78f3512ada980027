/**
 * The settings of a table, or of pictures, that a federation is founded with: a part of the one table in settings.ts
 */
import { count, FLAG_ONLY, pictureSize } from './setting.ts'
import type { Setting, Verb, Z } from './setting.ts'
import type { ZodType } from 'zod'

/** The verbs that make a document from data */
const FITTED: readonly Verb[] = ['init', 'audit']

function columnNames (z: Z): ZodType<string[]> {
  return z.array(z.string().min(1).max(256)).min(1).max(4096)
}

function columnChoices (z: Z): ZodType<string[]> {
  return z.array(z.string().max(300).regex(/^.+=(numeric|categorical|ignore)$/su)).min(1).max(4096)
}

export const TABLE_SETTINGS = {
  size: {
    schema: pictureSize,
    expects: 'HEIGHTxWIDTH in pixels, such as 64x64',
    value: 'HxW',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'the most common size, at most 64 a side',
    help: 'size of the pictures of a new federation: all are resized to it'
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
  }
} as const satisfies Record<string, Setting>
