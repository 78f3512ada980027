/**
 * `grapevine document diff A B`: the fields in which two documents differ, and whether their peers can meet
 */
import { documentDifferences } from '../document-difference.ts'
import { documentFacts } from '../document-words.ts'
import { valueText } from '../document-values.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { namedDocument } from '../named-document.ts'
import type { VerbContext } from '../context.ts'
import type { DocumentFacts } from '../document-words.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

interface Side {
  document: FederationDocument
  facts: DocumentFacts
}

/** Exit code 0 where both are the same document, 15 where they are not. Throws as `namedDocument` does */
export async function diffDocuments ({ terminal, args }: VerbContext): Promise<number> {
  const named = [await namedDocument(args[0]!), await namedDocument(args[1]!)] as const
  const [a, b] = [await sideOf(named[0].document), await sideOf(named[1].document)] as const
  const differences = await documentDifferences(a.document, b.document)
  const isSame = a.facts.names.document === b.facts.names.document
  const meanings = isSame ? [] : await meaningsOf(a, b)
  terminal.event('document:diff', { same: isSame, a: { source: named[0].source, ...a.facts.names }, b: { source: named[1].source, ...b.facts.names }, differences: differences.map(({ a: left, b: right, ...rest }) => ({ ...rest, a: left ?? null, b: right ?? null })), meanings })
  if (isSame) {
    terminal.line(`the same document: ${a.facts.names.document}`)
    return 0
  }
  for (const { path, a: left, b: right, meaning, absent } of differences) {
    terminal.line(`${path}: ${shown(left, absent)} | ${shown(right, absent)}${meaning === undefined ? '' : `  (${meaning})`}`)
  }
  terminal.field('A', `${a.facts.names.document} (${named[0].source})`)
  terminal.field('B', `${b.facts.names.document} (${named[1].source})`)
  meanings.forEach((meaning, i) => { terminal.field(i === 0 ? 'Meaning' : '', meaning) })
  return EXIT_CODES.different.code
}

async function sideOf (document: FederationDocument): Promise<Side> {
  return { document, facts: await documentFacts(document) }
}

function shown (value: unknown, absent: string | undefined): string {
  return value === undefined ? `not there${absent === undefined ? '' : `: ${absent}`}` : valueText(value)
}

/** Names of the layers whose weights are part of the agreement */
function frozenIn ({ layers }: DocumentFacts): string[] {
  return layers.filter(({ frozen }) => frozen > 0).map(({ layer }) => layer.name)
}

async function meaningsOf (a: Side, b: Side): Promise<string[]> {
  const { encodeFederation } = await import('../../src/federation/document.ts')
  const { preparationOf } = await import('../../src/federation/preparation.ts')
  const { inspectTopology } = await import('../../src/model/topology.ts')
  const alike = (of: (side: Side) => unknown): boolean => JSON.stringify(of(a)) === JSON.stringify(of(b))
  return [
    alike(({ facts }) => facts.names.federation)
      ? 'one federation, of which these are two documents: peers of different ones leave each other\'s updates alone'
      : 'two federations: the ids differ, so that peers of one and of the other never meet; to change a document is to found another federation',
    alike(({ document }) => preparationOf(encodeFederation(document)))
      ? 'inputs and outputs mean the same in both'
      : 'inputs or outputs mean something else: a model of one says nothing of examples that are prepared for the other',
    alike(({ document: { model }, facts }) => [inspectTopology(model).layout, model.constants ?? null, frozenIn(facts), frozenIn(facts).length === 0 ? null : model.weights?.sha256 ?? null])
      ? 'models have the same parameters'
      : 'models have other parameters: what one learnt does not fit into the other'
  ]
}
