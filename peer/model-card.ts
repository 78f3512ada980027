/**
 * A model card in Markdown (Mitchell et al. 2019, Model Cards for Model Reporting): what the home knows of a version
 */
import { printable } from '../src/quoted.ts'
import { formatCount, formatLoss, formatShare } from './format.ts'
import { formatPromise, formatSpent } from './privacy-text.ts'
import type { FederationDocument, ModelInput } from '../src/federation/document.ts'
import type { ModelVersion } from '../src/interface.ts'
import type { PrivacyStatus } from '../src/privacy/budget.ts'

/** Columns and classes that are listed; the rest are counted */
const MAX_LISTED = 64

/** Characters that mean something in Markdown or HTML */
const MARKUP = /[\\`*_{}[\]<>#|~!]/g

export interface CardFacts {
  document: FederationDocument
  federationId: string
  version: ModelVersion
  /** Other members that the home knows of; undefined where that is not told */
  others: number | undefined
  /** Spent on this machine's data; in words why it is not known; undefined where the federation promises nothing */
  privacy: PrivacyStatus | string | undefined
  /** Neighbours that the rule needs */
  neighboursNeeded: number
}

export function modelCard (facts: CardFacts): string {
  const { document } = facts
  return [
    `# ${plain(document.name)}`,
    '',
    `${document.model.target === undefined ? `${document.model.labels.length} classes` : 'A number'}, learned by peers that averaged their models with their neighbours' and kept their data.`,
    '',
    ...modelLines(facts),
    ...figureLines(facts),
    ...privacyLines(facts),
    ...limitLines(facts),
    ...inputLines(document),
    '## Licence',
    '',
    'To be filled in by whoever may say it: nothing above grants any use.',
    ''
  ].join('\n')
}

function modelLines ({ document, federationId, version, others }: CardFacts): string[] {
  const { round, mixed, metrics, parameterCount, createdAt } = version
  const neighbours = metrics.accepted === undefined ? 'taken over from neighbours' : `averaged with ${metrics.accepted} neighbours`
  return [
    '## Model',
    '',
    `- Federation: ${plain(document.name)}, \`${federationId}\``,
    `- Version: \`${version.id}\`, committed ${new Date(createdAt).toISOString()}`,
    `- Rounds: ${round}; the last one ${mixed ? neighbours : 'trained alone: no neighbour took part in it'}`,
    ...others === undefined ? [] : [`- Other members that this peer knew of: ${others}`],
    `- Parameters: ${formatCount(parameterCount)}`,
    ...document.model.weights === undefined ? [] : [`- Started from: weights that were learnt elsewhere (SHA-256 \`${document.model.weights.sha256}\`). What from, and under which licence, its founder must say: nothing of it is known here, and no privacy below covers it`],
    ...answerLines(document.model),
    ''
  ]
}

function answerLines ({ labels, target, input }: FederationDocument['model']): string[] {
  if (target === undefined) {
    return [`- Classes: ${listed(labels)}`]
  }
  const range = target.min === undefined || target.max === undefined ? '' : `, declared from ${target.min} to ${target.max}`
  return [`- Predicts: ${input.kind === 'table' ? plain(input.label) : 'a number'}${target.unit === undefined ? '' : ` in ${plain(target.unit)}`}${range}`]
}

function figureLines ({ version: { metrics: { accuracy, loss } } }: CardFacts): string[] {
  const figures = accuracy === undefined && loss === undefined
    ? ['This version was not evaluated when it was committed: `grapevine evaluate`.']
    : [
        ...accuracy === undefined ? [] : [`- Accuracy: ${formatShare(accuracy)}`],
        `- Loss: ${formatLoss(loss)}`,
        '',
        'On test examples of one machine, of the data that this peer has, when the version was committed. Other members\' data may differ.',
        'No noise hides these examples: whoever reads the figures learns them.'
      ]
  return ['## Figures', '', ...figures, '']
}

function privacyLines ({ document, privacy }: CardFacts): string[] {
  const promise = `- Mechanism: ${formatPromise(document.privacy)}`
  if (document.privacy.mechanism === 'none') {
    return ['## Privacy', '', promise, '']
  }
  const whose = document.privacy.mechanism === 'dp-sgd' ? 'of each single example of this machine\'s data' : 'of this machine\'s dataset as a whole'
  return [
    '## Privacy',
    '',
    promise,
    `- Spent: ${typeof privacy === 'object' ? formatSpent(privacy) : `not known here: ${privacy ?? 'no ledger was read'}`}`,
    `- Scope: an upper bound ${whose}, for everything that was sent so far and computed from them, in all runs and federations together. Each other member's data have a bound of their own, in that member's ledger.`,
    '- Not covered: the figures above, and the search for settings.',
    ''
  ]
}

function limitLines ({ document: { aggregation: { rule, f }, topology }, neighboursNeeded }: CardFacts): string[] {
  const robust = rule === 'mean' || f === 0
    ? '- Averaging trusts everybody: a single member that lies can make this model what it wants.'
    : `- Averaged by \`${rule}\`, which withstands up to ${f === 1 ? '1 liar' : `${f} liars`} among the neighbours of one peer (it has ${topology.degree}, and needs ${neighboursNeeded}). More of them, or data that are false but plausible, can lead it astray; so can backdoors that behave like honest models.`
  return [
    '## Limits',
    '',
    robust,
    '- It knows what its members\' data show, no more: examples from elsewhere are answered with the same confidence.',
    '- It was not tested for decisions about people, nor by groups of them, unless somebody says so here.',
    ''
  ]
}

function inputLines ({ model: { input } }: FederationDocument): string[] {
  return ['## Input', '', ...inputText(input), '']
}

function inputText (input: ModelInput): string[] {
  if (input.kind === 'text') {
    const { length, vocabulary } = input
    return [vocabulary === undefined
      ? `Texts: the first ${formatCount(length)} bytes of each, in UTF-8.`
      : `Texts: the first ${formatCount(length)} words of each, in small letters, of a vocabulary of ${formatCount(vocabulary.length)}, which stands in the federation document; others count as unknown.`]
  }
  return input.kind === 'image'
    ? [`Pictures of ${input.shape.join(' x ')} (height x width x channels), ${input.bits === 16 ? '16 bits' : 'bytes'}${input.resize === undefined ? '' : `; other sizes are ${input.fit === 'crop' ? 'cut to their middle and ' : ''}resized`}.`]
    : [
        `Rows of a table; what is predicted is in the column ${plain(input.label)}. The names stand in the federation document, which every member reads:`,
        '',
        '| Column | Kind |',
        '| --- | --- |',
        ...input.columns.slice(0, MAX_LISTED).map((column) => `| ${plain(column.name)} | ${column.kind === 'numeric' ? 'number' : `one of ${column.values.length} values${column.other === true ? ', or another' : ''}`} |`),
        ...input.columns.length > MAX_LISTED ? ['', `And ${formatCount(input.columns.length - MAX_LISTED)} columns more.`] : []
      ]
}

function listed (names: readonly string[]): string {
  const rest = names.length - MAX_LISTED
  return names.slice(0, MAX_LISTED).map(plain).join(', ') + (rest > 0 ? `, and ${formatCount(rest)} more` : '')
}

/** Others' text, which must not become markup */
function plain (text: string): string {
  return printable(text).replace(MARKUP, '\\$&')
}
