/**
 * `grapevine document check FILE`: whether it is a document, all that is wrong with it, and what is odd
 */
import { InvalidFederationError } from '../../src/errors.ts'
import { printable } from '../../src/quoted.ts'
import { documentFacts } from '../document-words.ts'
import { documentWarnings } from '../document-warnings.ts'
import { formatCount } from '../format.ts'
import { readDocumentValue } from '../home.ts'
import { formatPromise } from '../privacy-text.ts'
import type { VerbContext } from '../context.ts'
import type { DocumentFacts } from '../document-words.ts'
import type { FederationDocument } from '../../src/federation/document.ts'

/** A file of megabytes may have a problem on each line */
const MAX_PROBLEMS = 100

/** Throws InvalidFederationError, after a line for each problem; ConfigurationError for what is no JSON */
export async function checkDocument ({ terminal, args }: VerbContext): Promise<number> {
  const [file] = args as [string]
  const { problems, checked } = await checkedValue(await readDocumentValue(file))
  if (checked === undefined) {
    terminal.event('document:check', { file, valid: false, problems: problems.slice(0, MAX_PROBLEMS), count: problems.length })
    problems.slice(0, MAX_PROBLEMS).forEach((problem) => { terminal.line(problem) })
    throw new InvalidFederationError(`${file} is no valid document: ${problems.length === 1 ? '1 problem' : `${formatCount(problems.length)} problems`}${problems.length > MAX_PROBLEMS ? `, of which ${MAX_PROBLEMS} are listed` : ''}`)
  }
  const { document, facts } = checked
  const warnings = documentWarnings(document, facts)
  terminal.event('document:check', { file, valid: true, ...facts.names, format: document.format, bytes: facts.bytes, parameterCount: facts.parameterCount, warnings })
  terminal.field('Valid', `"${document.name}", format ${document.format}, ${formatCount(facts.bytes)} bytes, ${formatCount(facts.parameterCount)} parameters`)
  terminal.field('Id', facts.names.document)
  terminal.field('Privacy', formatPromise(document.privacy))
  warnings.forEach((warning) => { terminal.warn(warning) })
  return 0
}

interface Checked {
  problems: string[]
  checked?: { document: FederationDocument, facts: DocumentFacts }
}

/** The layers and the size are looked at once all else is right */
async function checkedValue (value: unknown): Promise<Checked> {
  const { federationProblems, parseFederation } = await import('../../src/federation/document.ts')
  const problems = federationProblems(value)
  if (problems.length > 0) {
    return { problems: problems.map((problem) => printable(problem)) }
  }
  const document = parseFederation(value)
  try {
    return { problems: [], checked: { document, facts: await documentFacts(document) } }
  } catch (err) {
    if (err instanceof InvalidFederationError) {
      return { problems: [err.message] }
    }
    throw err
  }
}
