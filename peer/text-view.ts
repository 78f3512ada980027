/**
 * What a federation document that was made from texts tells everyone, as lines for people
 */
import { quoted } from '../src/quoted.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { Terminal } from './terminal.ts'

/** Classes and words that are listed; the rest are counted */
const MAX_LISTED = 32

/** Shown before a federation is founded. `computed`: what of it was computed from texts */
export function showTexts (terminal: Pick<Terminal, 'field'>, { name, model: { input, labels } }: FederationDocument, computed: readonly string[] = []): void {
  if (input.kind !== 'text') {
    return
  }
  const { length, vocabulary, column, label } = input
  const what = vocabulary === undefined ? 'bytes' : `words of a vocabulary of ${vocabulary.length}: ${listed(vocabulary)}`
  const columns = [column, label].filter((each) => each !== undefined)
  const rest = columns.length === 0 ? '' : `, the columns ${columns.map(quoted).join(' and ')}`
  terminal.field('Texts', `the first ${length} ${what}`)
  terminal.field('Told', `whoever joins reads that in the federation document, its name ${quoted(name)}${rest} and the classes ${listed(labels)}: no text, and no number of texts${computed.length === 0 ? '' : `. Computed from your data: ${computed.join(', ')}`}`)
}

function listed (names: readonly string[]): string {
  return names.slice(0, MAX_LISTED).map(quoted).join(', ') + (names.length > MAX_LISTED ? `, … (${names.length})` : '')
}
