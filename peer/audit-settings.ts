/**
 * Settings of `grapevine audit` alone: a part of the table of settings
 */
import { count, filePath, FLAG_ONLY, text } from './setting.ts'
import type { Setting } from './setting.ts'

export const AUDIT_SETTINGS = {
  canaries: {
    schema: count(20, 100_000),
    expects: 'a whole number from 20 to 100000',
    value: 'N',
    verbs: ['audit'],
    sources: FLAG_ONLY,
    shownDefault: '400',
    help: 'examples made up for the audit; the toss of a coin puts each into the training data or not'
  },
  sample: {
    schema: count(1),
    expects: 'a whole number, at least 1',
    value: 'N',
    verbs: ['audit'],
    sources: FLAG_ONLY,
    shownDefault: 'all, but at most 4000',
    help: 'audit on N of the own training examples, chosen at random'
  },
  report: {
    schema: text,
    expects: 'a folder',
    value: 'DIR',
    verbs: ['audit'],
    sources: FLAG_ONLY,
    path: filePath,
    help: 'write audit.json and the plot audit.svg there'
  }
} satisfies Record<string, Setting>
