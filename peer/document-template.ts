/**
 * A document as a file to be edited by hand: JSON, with a comment at each field that says what it is, and what could
 * stand there besides
 */
import { escapedJson } from '../src/quoted.ts'
import type { FederationDocument } from '../src/federation/document.ts'
import type { DocumentEntry, DocumentField } from '../src/federation/document-fields.ts'

/** A field, or an object or list of fields */
interface Node {
  entry?: DocumentEntry
  /** Path of its DocumentField */
  field: string
  inner: Map<string, Node>
}

const HEAD = [
  '// A federation document. A line that begins with // is a comment. Found a federation with it: grapevine init --federation FILE',
  '// Is it right, and what is odd about it: grapevine document check FILE. All fields: docs/document.md'
]

/** Whoever edits the layers wants to see them */
const INDENT = '  '

/** Without a line break at the end */
export async function templateText (document: FederationDocument): Promise<string> {
  const { documentEntries, documentFields, fieldText } = await import('../src/federation/document-fields.ts')
  const fields = documentFields()
  const about = ({ field, of }: Pick<DocumentEntry, 'field' | 'of'>): About | undefined => {
    const text = fieldText(field, of)
    const found = fields.filter(({ path }) => path === field)
    const { type } = found.find((one) => one.of === undefined || one.of.split(' or ').includes(of ?? '')) ?? found[0] ?? { type: '' }
    return text === undefined ? undefined : { ...text, type }
  }
  return [...HEAD, ...printed(treeOf(documentEntries(document, document)), about, true)].join('\n')
}

type About = { meaning: string, unit?: string, absent?: string } & Pick<DocumentField, 'type'>
type Describe = (field: Pick<DocumentEntry, 'field' | 'of'>) => About | undefined

function treeOf (entries: readonly DocumentEntry[]): Node {
  const root: Node = { field: '', inner: new Map() }
  for (const entry of entries) {
    let node = root
    const keys = entry.path.split('.')
    const fields = entry.field.split('.')
    keys.forEach((key, i) => {
      const next = node.inner.get(key) ?? { field: fields.slice(0, i + 1).join('.'), inner: new Map<string, Node>() }
      node.inner.set(key, next)
      node = next
    })
    node.entry = entry
  }
  return root
}

/** Lines of an object or list; comments in the first entry of a list only */
function printed (node: Node, about: Describe, isCommented: boolean): string[] {
  const isList = [...node.inner.keys()].every((key) => /^\d+$/.test(key))
  const there = [...node.inner].filter(([, child]) => child.entry === undefined || child.entry.value !== undefined)
  const absent = isCommented ? [...node.inner].filter(([name]) => !there.some(([key]) => key === name)) : []
  const lines = [
    ...absent.flatMap(([key, { entry }]) => mayBeAdded(key, about(entry!))),
    ...there.flatMap(([key, child], i) => {
      const value = child.entry === undefined ? printed(child, about, isCommented && (!isList || i === 0)) : JSON.stringify(child.entry.value, null, INDENT).split('\n')
      const head = isList ? '' : `${JSON.stringify(key)}: `
      const comma = i < there.length - 1 ? ',' : ''
      const comment = isList || !isCommented ? [] : commentOf(about(child.entry ?? { field: child.field, of: undefined }))
      return [...comment, `${head}${value[0]!}`, ...value.slice(1)].map((line, at, all) => at === all.length - 1 ? `${line}${comma}` : line)
    })
  ]
  return [isList ? '[' : '{', ...lines.map((line) => `${INDENT}${line}`), isList ? ']' : '}'].map(escapedJson)
}

function unitWords ({ unit }: About): string {
  return unit === undefined ? '' : `, in ${unit}`
}

function commentOf (about: About | undefined): string[] {
  return about === undefined ? [] : [`// ${about.meaning} (${about.type}${unitWords(about)})`]
}

function mayBeAdded (key: string, about: About | undefined): string[] {
  return about === undefined ? [] : [`// May be added: "${key}": ${about.type}${unitWords(about)}: ${about.meaning}. Without it: ${about.absent ?? 'nothing'}`]
}
