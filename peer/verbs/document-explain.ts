/**
 * `grapevine document explain [FILE or HOME]`: a document section by section, and every field of it
 */
import { documentFacts, documentSections } from '../document-words.ts'
import { formatCount } from '../format.ts'
import { namedDocument } from '../named-document.ts'
import { provenanceOf, stateOf, valueText } from '../document-values.ts'
import type { FieldState } from '../document-values.ts'
import type { VerbContext } from '../context.ts'
import type { Terminal } from '../terminal.ts'
import type { DocumentEntry } from '../../src/federation/document-fields.ts'
import type { FieldText } from '../../src/federation/field-texts.ts'

/** Columns of a table that are shown, a line each */
const MAX_COLUMNS = 256

interface ExplainedField {
  path: string
  value: unknown
  state: FieldState
  text: FieldText
  provenance: string | undefined
}

/** Throws as `namedDocument` does */
export async function explainDocument ({ home, terminal, args }: VerbContext): Promise<number> {
  const { source, document, raw } = await namedDocument(args[0] ?? home)
  const { documentEntries, fieldText } = await import('../../src/federation/document-fields.ts')
  const facts = await documentFacts(document)
  const fields = documentEntries(document, raw).map((entry: DocumentEntry): ExplainedField => {
    const text = fieldText(entry.field, entry.of) ?? { meaning: '' }
    return { path: entry.path, value: entry.value, state: stateOf(entry), text, provenance: entry.value === undefined ? undefined : provenanceOf(entry, text, document) }
  })
  const sections = documentSections(document, facts)
  terminal.event('document', {
    source,
    ...facts.names,
    bytes: facts.bytes,
    parameterCount: facts.parameterCount,
    layers: facts.layers.map(({ layer: { name, kind, input, output }, parameters, frozen }) => ({ name, kind, input, output, parameters, frozen })),
    sections: sections.map(({ title, lines }) => ({ title, lines })),
    fields: fields.map(({ text, value, provenance, ...rest }) => ({ ...rest, value: value ?? null, ...text, ...(provenance === undefined ? {} : { provenance }) }))
  })
  for (const { title, lines, has } of sections) {
    lines.forEach((line, i) => { terminal.field(i === 0 ? title : '', line) })
    showFields(fields.filter(({ path }) => has(path)), terminal)
  }
  return 0
}

const COLUMN = /^model\.input\.columns\.(\d+)\./

/** Columns on a line each: what their fields mean stands in docs/document.md, and with --json at each */
function showFields (fields: readonly ExplainedField[], terminal: Terminal): void {
  const columns = new Map<number, ExplainedField[]>()
  for (const field of fields.filter(({ path }) => COLUMN.test(path))) {
    const index = Number(COLUMN.exec(field.path)![1])
    columns.set(index, [...columns.get(index) ?? [], field])
  }
  for (const field of fields.filter(({ path }) => !COLUMN.test(path))) {
    terminal.field('', terminal.style('dim', fieldLine(field)))
  }
  for (const [index, own] of [...columns].slice(0, MAX_COLUMNS)) {
    terminal.field('', terminal.style('dim', columnLine(index, own)))
  }
  if (columns.size > MAX_COLUMNS) {
    terminal.field('', `and ${formatCount(columns.size - MAX_COLUMNS)} columns more: --json has all`)
  }
}

function fieldLine ({ path, value, state, text: { meaning, unit, absent }, provenance }: ExplainedField): string {
  const about = `${meaning}${provenance === undefined ? '' : `; ${provenance}`}`
  return state === 'absent'
    ? `${path}: not there, so ${absent ?? 'nothing is said'} (${about})`
    : `${path} = ${valueText(value)}${unit === undefined ? '' : ` ${unit}`}, ${state === 'given' ? 'given' : 'the default'} (${about})`
}

function columnLine (index: number, fields: readonly ExplainedField[]): string {
  const parts = fields.filter(({ state }) => state !== 'absent').map(({ path, value }) => `${path.replace(COLUMN, '')} ${valueText(value)}`)
  const moments = fields.find(({ path }) => path.endsWith('.mean'))?.provenance
  return `model.input.columns.${index}: ${parts.join(', ')}${moments === undefined ? '' : `; mean and stdDev: ${moments}`}`
}
