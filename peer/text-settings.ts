/**
 * Settings of the texts that a federation is founded with: a part of the one table in settings.ts
 */
import { count, filePath, FLAG_ONLY, text } from './setting.ts'
import type { Setting, Verb, Z } from './setting.ts'

/** The verbs that make a document from data */
const FITTED: readonly Verb[] = ['init', 'audit']

/** As src/federation/text-input.ts has it, which loads zod */
const MAX_TEXT_LENGTH = 65_536

/** A number is no path: a file of that name is `./20000` */
function numberOrPath (value: string, base: string): string {
  return /^\d+$/.test(value) ? value : filePath(value, base)
}

export const TEXT_SETTINGS = {
  textColumn: {
    schema: (z: Z) => z.string().min(1).max(256),
    expects: 'the name of a column',
    value: 'COLUMN',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: 'the column text, or the other one of two',
    help: 'the column of a table that holds the texts of a new federation'
  },
  length: {
    schema: count(1, MAX_TEXT_LENGTH),
    expects: `a whole number from 1 to ${MAX_TEXT_LENGTH}`,
    value: 'N',
    verbs: FITTED,
    sources: FLAG_ONLY,
    shownDefault: '256',
    help: 'bytes or words of each text that a new federation\'s model is given, from its beginning'
  },
  vocabulary: {
    schema: text,
    expects: 'a number of words, or a file with one word a line',
    value: 'N|FILE',
    verbs: FITTED,
    sources: FLAG_ONLY,
    path: numberOrPath,
    shownDefault: 'none: texts are bytes',
    help: 'texts of a new federation are words: the N most common ones of these data, which everyone reads then, or those of a file'
  }
} as const satisfies Record<string, Setting>
